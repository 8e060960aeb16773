/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/listen-denied.c - A server where the policy wants none
 *
 *	Attack:		listen at an address that no rule allows: after a bind to it, and without any bind, on every port that the kernel might give
 *	Stopped by:	doorman
 *	Expect:		EACCES
 *	Twin:		listen at an address that a rule allows, after a bind
 *	Source:		DESIGN 7: listen without bind
 */
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/lib/attack.h"

static int serve(int family, const struct sockaddr *at, socklen_t len)
{
	int fd = socket(family, SOCK_STREAM, 0), r = 0;

	if (fd < 0)
		return errno;
	if (at && bind(fd, at, len) < 0)
		r = errno;
	/* whatever the bind said */
	if (listen(fd, 8) < 0)
		r = errno;
	else
		r = 0;
	close(fd);
	return r;
}

int main(int argc, char **argv)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int err;

	if (attack_is_twin(argc, argv)) {
		err = serve(AF_INET, (struct sockaddr *)&four, sizeof(four));
		if (err)
			twin_refused("%s", attack_errno(err));
		twin_works();
	}
	err = serve(AF_INET6, (struct sockaddr *)&six, sizeof(six));
	if (err == 0)
		escaped("after a bind");
	err = serve(AF_INET6, NULL, 0);
	if (err == 0)
		escaped("without a bind");
	blocked(err);
}
