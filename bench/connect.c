/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/connect.c - socket, connect and close on the loopback: "connect PORT", "connect serve"
 *
 * "serve" prints its port and takes connections until its input ends; it runs
 * outside.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include "bench/bench.h"

static void once(void *arg)
{
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (s < 0 || connect(s, arg, sizeof(struct sockaddr_in)) < 0)
		bench_die("connect");
	close(s);
}

static int serve(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int s = socket(AF_INET, SOCK_STREAM, 0);
	struct pollfd p[2] = { { .fd = s, .events = POLLIN }, { .fd = 0, .events = POLLIN } };

	if (s < 0 || bind(s, (void *)&a, sizeof(a)) < 0 || listen(s, 1024) < 0 ||
	    getsockname(s, (void *)&a, &len) < 0)
		bench_die("listen");
	printf("%d\n", ntohs(a.sin_port));
	fflush(stdout);
	while (poll(p, 2, -1) > 0 && !p[1].revents)
		close(accept(s, NULL, NULL));
	return 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	if (argc != 2)
		return 2;
	if (strcmp(argv[1], "serve") == 0)
		return serve();
	a.sin_port = htons((uint16_t)atoi(argv[1]));
	bench_loop(once, &a, 50, 1000, 1);
	return 0;
}
