/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/reconnect.c - A connection that was approved, let go and aimed anew
 *
 *	Attack:		connect to an allowed service, disconnect by AF_UNSPEC, connect the same socket to one that is not allowed
 *	Stopped by:	doorman, netns, landlock
 *	Expect:		-
 *	Twin:		the same, to the allowed service again
 *	Source:		DESIGN 7: a socket that has been approved is judged again
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/lib/attack.h"

static struct sockaddr_in port(const char *name)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)atoi(fixture(name))),
	};
}

static long try(bool twin)
{
	struct sockaddr_in first = port("PORT"), second = port(twin ? "PORT" : "DENIED_PORT");
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	int s = socket(AF_INET, SOCK_STREAM, 0);
	char greeting[64];

	if (s < 0)
		return -1;
	/* without a doorman there is no first connection to let go; the second is what counts */
	if (connect(s, (struct sockaddr *)&first, sizeof(first)) < 0 && twin)
		return -1;
	(void)connect(s, &none, sizeof(none));
	if (connect(s, (struct sockaddr *)&second, sizeof(second)) < 0)
		return -1;
	return read(s, greeting, sizeof(greeting)) > 0 ? 0 : -1;
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
