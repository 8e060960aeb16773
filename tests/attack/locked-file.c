/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/locked-file.c - Everything that changes a file that may only be read
 *
 *	Attack:		open for writing and truncating, truncate, chmod, utimens, setxattr, unlink, rename, rename onto, link, and reopening a descriptor for writing
 *	Stopped by:	fusefs
 *	Expect:		EACCES, rule locked
 *	Twin:		the same on a file of one's own
 *	Source:		attacks F13
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "tests/lib/attack.h"

static int try(int i, bool twin)
{
	const char *file = twin ? "own/file" : "locked/file";
	char fd_name[64];

	if (twin) {
		(void)mkdir("own", 0700);
		(void)close(open(file, O_CREAT | O_WRONLY, 0600));
	}
	(void)close(open("other", O_CREAT | O_WRONLY, 0600));
	(void)unlink("name");
	switch (i) {
	case 0:
		return open(file, O_WRONLY);
	case 1:
		return open(file, O_RDONLY | O_TRUNC);
	case 2:
		return truncate(file, 0);
	case 3:
		return chmod(file, 0600);
	case 4:
		return utimensat(AT_FDCWD, file, NULL, 0);
	case 5:
		return setxattr(file, "user.x", "x", 1, 0);
	case 6:
		return link(file, "name");
	case 7:
		snprintf(fd_name, sizeof(fd_name), "/proc/self/fd/%d", open(file, O_RDONLY));
		return open(fd_name, O_RDWR);
	case 8:
		return rename("other", file);
	case 9:
		return rename(file, "moved");
	case 10:
		if (twin)
			(void)close(open(file, O_CREAT | O_WRONLY, 0600));
		return unlink(file);
	default:
		return open(twin ? "own/new" : "locked/new", O_CREAT | O_WRONLY, 0600);
	}
}

int main(int argc, char **argv)
{
	bool twin = attack_is_twin(argc, argv);
	int err = 0;

	if (chdir(fixture("WS")) < 0)
		cannot("no workspace");
	for (int i = 0; i < 12; i++) {
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
