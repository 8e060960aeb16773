/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/clone3-user.c - The same by a call whose flags no filter sees
 *
 *	Attack:		clone3 with CLONE_NEWUSER
 *	Stopped by:	nslimits
 *	Expect:		-
 *	Twin:		clone3 as fork
 *	Source:		DESIGN 3, step 7
 */
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>

#include "tests/lib/attack.h"

static long try(bool twin)
{
	struct clone_args a = { .flags = twin ? 0 : CLONE_NEWUSER, .exit_signal = SIGCHLD };
	long r = syscall(SYS_clone3, &a, sizeof(a));

	if (r == 0)
		_exit(0);
	return r;
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
		escaped("a user namespace");
	blocked(errno);
}
