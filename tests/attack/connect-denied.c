/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/connect-denied.c - An address that no rule names
 *
 *	Attack:		connect to a service on the host's loopback that is not allowed
 *	Stopped by:	doorman, netns, landlock
 *	Expect:		-
 *	Twin:		connect to the one that is
 *	Source:		DESIGN 7
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/lib/attack.h"

static long try(bool twin)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int s = socket(AF_INET, SOCK_STREAM, 0);

	a.sin_port = htons((uint16_t)atoi(fixture(twin ? "PORT" : "DENIED_PORT")));
	return connect(s, (struct sockaddr *)&a, sizeof(a));
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
		escaped("connected");
	blocked(errno);
}
