/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/race-bind.c - A descriptor that is another one when the kernel looks again
 *
 *	Attack:		bind of a Unix path while another thread turns descriptor and address to a TCP socket and an address that no rule allows
 *	Stopped by:	doorman, landlock
 *	Expect:		-
 *	Twin:		bind of a Unix path while nothing is turned
 *	Source:		DESIGN 7: dup2 can swap the descriptor
 */
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/lib/race.h"

#define SLOT 100

static union {
	struct sockaddr_un un;
	struct sockaddr_in6 in6;
	char bytes[sizeof(struct sockaddr_un)];
} addr, path, port;
static volatile int unix_fd = -1, tcp_fd = -1;
static bool is_twin;

static void prepare(bool twin)
{
	is_twin = twin;
	path.un.sun_family = AF_UNIX;
	strcpy(path.un.sun_path, "race.sock");
	port.in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	addr = path;
}

static void turn(void)
{
	int tcp = tcp_fd, un = unix_fd;

	if (is_twin || tcp < 0 || un < 0)
		return;
	dup2(tcp, SLOT);
	memcpy(addr.bytes, port.bytes, sizeof(port.in6));
	dup2(un, SLOT);
	memcpy(addr.bytes, path.bytes, sizeof(port.in6));
}

/* A hit is a TCP socket that has a port (twin: a path that was made) */
static bool shoot(bool twin)
{
	struct sockaddr_in6 name = { .sin6_port = 0 };
	socklen_t len = sizeof(name);
	int un = socket(AF_UNIX, SOCK_STREAM, 0), tcp = socket(AF_INET6, SOCK_STREAM, 0), r;

	unlink("race.sock");
	dup2(un, SLOT);
	unix_fd = un;
	tcp_fd = tcp;
	r = bind(SLOT, (struct sockaddr *)&addr, sizeof(addr.un));
	tcp_fd = unix_fd = -1;
	if (getsockname(tcp, (struct sockaddr *)&name, &len) < 0)
		name.sin6_port = 0;
	close(un);
	close(tcp);
	return twin ? r == 0 : name.sin6_port != 0;
}

int main(int argc, char **argv)
{
	static const struct race race = { prepare, turn, shoot };

	race_run(&race, argc, argv);
}
