/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/read-denied.c - A denied file of the workspace, by every name of it
 *
 *	Attack:		open a file that a rule denies, by path, by a path with dots, through a symlink made inside, through /proc/self/cwd and by openat2
 *	Stopped by:	fusefs
 *	Expect:		EACCES, rule secrets
 *	Twin:		the same five ways to a file of the workspace that no rule denies
 *	Source:		landlock fs_test, layout1
 *	Needs:		user, root
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include "tests/lib/attack.h"

static int open2(const char *path)
{
	struct open_how how = { .flags = O_RDONLY };

	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

static int way(int i, const char *dir, const char *base)
{
	const char *ws = fixture("WS"), *link = attack_path(ws, "way-in");

	switch (i) {
	case 0:
		return open(attack_path(dir, base), O_RDONLY);
	case 1:
		return open(attack_path(attack_path(dir, "../ws/."), base), O_RDONLY);
	case 2:
		(void)unlink(link);	/* of the way before */
		if (symlink(attack_path(dir, base), link) < 0)
			return -1;
		return open(link, O_RDONLY);
	case 3:
		if (chdir(ws) < 0)
			return -1;
		return open(attack_path("/proc/self/cwd", base), O_RDONLY);
	default:
		return open2(attack_path(dir, base));
	}
}

int main(int argc, char **argv)
{
	bool twin = attack_is_twin(argc, argv);
	const char *ws = fixture("WS"), *base = twin ? "plain" : "secret/key";
	int err = 0;

	for (int i = 0; i < 5; i++) {
		int fd = way(i, ws, base);
		char buf[64];

		if (twin && fd < 0)
			twin_refused("way %d: %s", i, attack_errno(errno));
		if (!twin && fd >= 0 && read(fd, buf, sizeof(buf)) > 0)
			escaped("read by way %d", i);
		if (fd < 0 && !err)
			err = errno;
	}
	if (twin)
		twin_works();
	blocked(err);
}
