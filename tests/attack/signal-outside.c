/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/signal-outside.c - A process outside
 *
 *	Attack:		kill a process of the same user outside, by its number there
 *	Stopped by:	pidns, landlock
 *	Expect:		-
 *	Twin:		kill oneself with signal 0
 *	Source:		attacks N17
 *	Needs:		user, root
 */
#include <signal.h>

#include "tests/lib/attack.h"

static long try(bool twin)
{
	if (twin)
		return kill(getpid(), 0);
	return kill(atoi(fixture("HOLDER")), SIGUSR2);
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
		escaped("it got the signal");
	blocked(errno);
}
