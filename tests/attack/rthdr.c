/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/rthdr.c - A detour for an approved connection
 *
 *	Attack:		IPV6_RTHDR on a TCP socket
 *	Stopped by:	doorman
 *	Expect:		-
 *	Twin:		IPV6_V6ONLY
 *	Source:		DESIGN 7
 */
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/lib/attack.h"

static long try(bool twin)
{
	static const unsigned char header[24] = { 0, 2, 4, 0 };
	int s = socket(AF_INET6, SOCK_STREAM, 0), on = 1;

	if (twin)
		return setsockopt(s, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (setsockopt(s, IPPROTO_IPV6, 2 /* IPV6_2292PKTINFO */, &on, sizeof(on)) == 0)
		return 0;
	return setsockopt(s, IPPROTO_IPV6, IPV6_RTHDR, header, sizeof(header));
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
		escaped("an option of the refused list was set");
	blocked(errno);
}
