/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/link-launder.c - A second name for a denied file
 *
 *	Attack:		hard links and renames that would give a denied file an allowed name: link, linkat by descriptor, rename, exchange, rename of its directory
 *	Stopped by:	fusefs
 *	Expect:		EACCES, rule secrets
 *	Twin:		the same with a file that no rule denies
 *	Source:		attacks F3, F4
 *	Needs:		user, root
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "tests/lib/attack.h"

static int try(int i, bool twin)
{
	const char *dir = twin ? "open-dir" : "secret", *file = twin ? "open-dir/key" : "secret/key";

	if (twin) {
		(void)mkdir(dir, 0700);
		(void)close(open(file, O_CREAT | O_WRONLY, 0600));
	}
	(void)close(open("other", O_CREAT | O_WRONLY, 0600));
	switch (i) {
	case 0:
		return link(file, "name1");
	case 1:
		return linkat(AT_FDCWD, file, AT_FDCWD, "name2", AT_SYMLINK_FOLLOW);
	case 2:
		return (int)syscall(SYS_renameat2, AT_FDCWD, file, AT_FDCWD, "other", 2 /* RENAME_EXCHANGE */);
	case 3:
		return rename(file, "name3");
	default:
		return rename(dir, "dir2");
	}
}

int main(int argc, char **argv)
{
	bool twin = attack_is_twin(argc, argv);
	int err = 0;

	if (chdir(fixture("WS")) < 0)
		cannot("no workspace");
	for (int i = 0; i < 5; i++) {
		int r = try(i, twin);

		if (twin && r < 0)
			twin_refused("way %d: %s", i, attack_errno(errno));
		if (!twin && r >= 0)
			escaped("way %d", i);
		if (r < 0 && !err)
			err = errno;
	}
	if (twin)
		twin_works();
	blocked(err);
}
