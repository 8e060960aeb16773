/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/family-alg.c - A family nobody listed
 *
 *	Attack:		socket(AF_ALG), kernel crypto with a history of holes
 *	Stopped by:	filter
 *	Expect:		EAFNOSUPPORT
 *	Twin:		socket(AF_UNIX)
 *	Source:		behaviours 58
 */
#include <sys/socket.h>

#include "tests/lib/attack.h"

static long try(bool twin)
{
	if (twin)
		return socket(AF_UNIX, SOCK_STREAM, 0);
	return socket(AF_ALG, SOCK_SEQPACKET, 0);
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
		escaped("a socket was made");
	blocked(errno);
}
