/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/write-outside.c - One's own file, outside what may be written
 *
 *	Attack:		write, truncate, make, rename and remove files in a directory of one's own that the policy lets be read only
 *	Stopped by:	view, landlock
 *	Expect:		-
 *	Twin:		the same in the workspace
 *	Source:		DESIGN 4: read-only mounts and Landlock
 *	Needs:		user, root
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/lib/attack.h"

static int try(int i, const char *dir)
{
	const char *file = attack_path(dir, "file"), *made = attack_path(dir, "made");

	switch (i) {
	case 0:
		return open(file, O_WRONLY | O_APPEND);
	case 1:
		return open(file, O_WRONLY | O_TRUNC);
	case 2:
		return open(made, O_WRONLY | O_CREAT, 0600);
	case 3:
		return mkdir(attack_path(dir, "dir"), 0700);
	case 4:
		return rename(file, attack_path(dir, "other"));
	case 5:
		return unlink(attack_path(dir, "other"));
	default:
		return symlink("x", attack_path(dir, "link"));
	}
}

int main(int argc, char **argv)
{
	bool twin = attack_is_twin(argc, argv);
	const char *dir = fixture(twin ? "WS" : "OUTSIDE");
	int err = 0;

	if (twin)
		(void)close(open(attack_path(dir, "file"), O_WRONLY | O_CREAT, 0600));	/* tried below */
	for (int i = 0; i < 7; i++) {
		int r = try(i, dir);

		if (twin && r < 0)
			twin_refused("step %d: %s", i, attack_errno(errno));
		if (!twin && r >= 0)
			escaped("step %d in %s", i, dir);
		if (r < 0)
			err = errno;
	}
	if (twin)
		twin_works();
	blocked(err);
}
