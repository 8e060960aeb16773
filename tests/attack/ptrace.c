/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/ptrace.c - Tracing where the policy refuses it
 *
 *	Attack:		PTRACE_TRACEME under "tracing": "refuse"
 *	Stopped by:	filter
 *	Expect:		EPERM
 *	Twin:		prctl(PR_SET_PDEATHSIG), a harmless neighbour
 *	Source:		DESIGN 6
 *	Needs:		user, root
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

#include "tests/lib/attack.h"

static long try(bool twin)
{
	if (twin)
		return prctl(PR_SET_PDEATHSIG, SIGTERM);
	return ptrace(PTRACE_TRACEME, 0, 0, 0);
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
		escaped("traced");
	blocked(errno);
}
