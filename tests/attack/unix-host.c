/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/unix-host.c - A socket of the host's
 *
 *	Attack:		connect to a Unix socket of a service outside, which lies in a readable directory
 *	Stopped by:	doorman
 *	Expect:		-
 *	Twin:		connect to one of one's own
 *	Source:		attacks N10
 *	Needs:		user, root
 */
#include <sys/socket.h>
#include <sys/un.h>

#include "tests/lib/attack.h"

static long try(bool twin)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_STREAM, 0), l = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%s", twin ? "own.sock" : fixture("UNIX"));
	if (twin && (bind(l, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(l, 1) < 0))
		return -1;
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
