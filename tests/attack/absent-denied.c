/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/absent-denied.c - Denied names that do not exist yet
 *
 *	Attack:		create, mkdir, symlink, mknod, link and rename to names in a denied directory
 *	Stopped by:	fusefs
 *	Expect:		EACCES, rule secrets
 *	Twin:		the same in a directory of one's own
 *	Source:		CVE-2026-25725
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "tests/lib/attack.h"

static int try(int i, bool twin)
{
	const char *dir = twin ? "own" : "secret";

	(void)mkdir("own", 0700);
	(void)close(open("other", O_CREAT | O_WRONLY, 0600));
	switch (i) {
	case 0:
		return open(attack_path(dir, "a"), O_CREAT | O_WRONLY, 0600);
	case 1:
		return mkdir(attack_path(dir, "b"), 0700);
	case 2:
		return symlink("x", attack_path(dir, "c"));
	case 3:
		return mknod(attack_path(dir, "d"), S_IFIFO | 0600, 0);
	case 4:
		return link("other", attack_path(dir, "e"));
	default:
		return rename("other", attack_path(dir, "f"));
	}
}

int main(int argc, char **argv)
{
	bool twin = attack_is_twin(argc, argv);
	int err = 0;

	if (chdir(fixture("WS")) < 0)
		cannot("no workspace");
	for (int i = 0; i < 6; i++) {
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
