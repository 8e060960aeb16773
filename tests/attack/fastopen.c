/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/fastopen.c - A connection without connect()
 *
 *	Attack:		sendto with MSG_FASTOPEN to an address that is not allowed
 *	Stopped by:	filter
 *	Expect:		-
 *	Twin:		connect and send to the one that is
 *	Source:		DESIGN 7: Landlock does not see it, and the socket is one of the outside
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
	if (twin)
		return connect(s, (struct sockaddr *)&a, sizeof(a)) < 0 ? -1 : send(s, "x", 1, 0);
	return sendto(s, "x", 1, MSG_FASTOPEN, (struct sockaddr *)&a, sizeof(a));
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
