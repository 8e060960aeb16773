/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/mount.c - A mount over the view
 *
 *	Attack:		mount a tmpfs over /tmp
 *	Stopped by:	caps, filter, landlock
 *	Expect:		-
 *	Twin:		statfs of /tmp
 *	Source:		DESIGN 4
 *	Needs:		user, root
 */
#include <sys/mount.h>
#include <sys/vfs.h>

#include "tests/lib/attack.h"

static long try(bool twin)
{
	if (twin)
		{
		struct statfs s;

		return statfs("/tmp", &s);
	}
	return mount("none", "/tmp", "tmpfs", 0, NULL);
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
		escaped("mounted");
	blocked(errno);
}
