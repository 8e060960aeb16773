/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/race-sockaddr.c - An address that changes under the reader
 *
 *	Attack:		connect with an address that another thread turns between an allowed and a denied port
 *	Stopped by:	doorman, netns, landlock
 *	Expect:		-
 *	Twin:		the same between the allowed port and itself
 *	Source:		sandlock 27
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/lib/race.h"

static struct sockaddr_in addr;
static uint16_t allowed, other;

static void prepare(bool twin)
{
	allowed = htons((uint16_t)atoi(fixture("PORT")));
	other = twin ? allowed : htons((uint16_t)atoi(fixture("DENIED_PORT")));
	addr = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = allowed };
}

static bool shoot(bool twin)
{
	struct sockaddr_in peer = { .sin_port = 0 };
	socklen_t len = sizeof(peer);
	int s = socket(AF_INET, SOCK_STREAM, 0);

	(void)twin;
	if (s < 0 || connect(s, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
	    getpeername(s, (struct sockaddr *)&peer, &len) < 0)
		peer.sin_port = 0;
	if (s >= 0)
		close(s);
	return peer.sin_port && peer.sin_port == other;
}

/* Each for a while: one core does not show another what it changes back at once */
static void turn(void)
{
	static volatile unsigned wait;

	*(volatile uint16_t *)&addr.sin_port = other;
	for (wait = 0; wait < 100; wait++)
		;
	*(volatile uint16_t *)&addr.sin_port = allowed;
	for (wait = 0; wait < 100; wait++)
		;
}

int main(int argc, char **argv)
{
	static const struct race race = { prepare, turn, shoot };

	race_run(&race, argc, argv);
}
