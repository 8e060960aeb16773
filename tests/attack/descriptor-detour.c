/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/descriptor-detour.c - A denied file by way of descriptors
 *
 *	Attack:		openat from an O_PATH descriptor of the denied directory, from /proc/self/fd, and reopening an O_PATH descriptor of the file
 *	Stopped by:	fusefs
 *	Expect:		EACCES, rule secrets
 *	Twin:		the same with a directory of one's own
 *	Source:		attacks F7
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "tests/lib/attack.h"

static int try(int i, bool twin)
{
	const char *dir = twin ? "own" : "secret";
	char name[64];
	int fd;

	if (twin) {
		(void)mkdir(dir, 0700);
		(void)close(open("own/key", O_CREAT | O_WRONLY, 0600));
	}
	fd = open(i == 2 ? attack_path(dir, "key") : dir, O_PATH);
	if (fd < 0)
		return -1;
	if (i == 0)
		return openat(fd, "key", O_RDONLY);
	snprintf(name, sizeof(name), i == 1 ? "/proc/self/fd/%d/key" : "/proc/self/fd/%d", fd);
	return open(name, O_RDONLY);
}

int main(int argc, char **argv)
{
	bool twin = attack_is_twin(argc, argv);
	int err = 0;

	if (chdir(fixture("WS")) < 0)
		cannot("no workspace");
	for (int i = 0; i < 3; i++) {
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
