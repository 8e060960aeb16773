/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/bind-device.c - An option that leads elsewhere
 *
 *	Attack:		SO_BINDTODEVICE on a TCP socket of the outside
 *	Stopped by:	doorman
 *	Expect:		-
 *	Twin:		SO_KEEPALIVE
 *	Source:		DESIGN 7
 */
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/lib/attack.h"

static long try(bool twin)
{
	int s = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (twin)
		return setsockopt(s, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	return setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
}

int main(int argc, char **argv)
{
	bool twin = attack_is_twin(argc, argv);
	long r = try(twin);

	if (twin && r < 0)
		twin_refused("%s", attack_errno(errno));
	if (twin)
		twin_works();
	if (r >= 0)
		escaped("bound to a device");
	blocked(errno);
}
