/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/hidden-name.c - A name that is not there
 *
 *	Attack:		stat, open, create and mkdir of a hidden name, and its directory's list
 *	Stopped by:	fusefs
 *	Expect:		ENOENT
 *	Twin:		the same with a name that is
 *	Source:		DESIGN 5, Hidden
 */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/lib/attack.h"

static int listed(const char *name)
{
	DIR *d = opendir(".");

	for (struct dirent *e; d && (e = readdir(d));)
		if (strcmp(e->d_name, name) == 0)
			return 0;
	errno = ENOENT;
	return -1;
}

static int try(int i, bool twin)
{
	const char *name = twin ? "plain" : "hidden";
	struct stat st;

	switch (i) {
	case 0:
		return stat(name, &st);
	case 1:
		return open(name, O_RDONLY);
	case 2:
		return open(name, O_RDWR | O_CREAT, 0600);
	case 3:
		if (twin)
			(void)unlink(name);
		return mkdir(name, 0700);
	default:
		return listed(name);
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
