/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/unshare-user.c - A namespace with all capabilities
 *
 *	Attack:		unshare(CLONE_NEWUSER)
 *	Stopped by:	nslimits, filter
 *	Expect:		-
 *	Twin:		unshare(CLONE_FILES)
 *	Source:		DESIGN 3, step 7
 *	Needs:		user, root
 */
#include <sched.h>

#include "tests/lib/attack.h"

static long try(bool twin)
{
	if (twin)
		return unshare(CLONE_FILES);
	return unshare(CLONE_NEWUSER);
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
