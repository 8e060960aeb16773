/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/setuid-kept.c - Content for a setuid program that stood
 *
 *	Attack:		write into a setuid program of root's that stands in the workspace: of root's own writes it keeps the bit
 *	Stopped by:	caps, fusefs
 *	Expect:		-
 *	Twin:		write into an ordinary file, which keeps its mode
 *	Source:		Linux, should_remove_suid()
 *	Needs:		root
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "tests/lib/attack.h"

int main(int argc, char **argv)
{
	const struct timespec kernel_believes = { .tv_sec = 1, .tv_nsec = 200000000 };	/* FS_TIMEOUT_S */
	bool twin = attack_is_twin(argc, argv);
	const char *path = fixture(twin ? "PLAIN" : "SETUID");
	struct stat before, after;
	int fd = open(path, O_WRONLY);

	if (stat(path, &before) < 0 || fd < 0 || write(fd, "#!", 2) != 2)
		cannot("%s: %s", path, attack_errno(errno));
	(void)close(fd);
	(void)nanosleep(&kernel_believes, NULL);
	if (stat(path, &after) < 0)
		cannot("stat: %s", attack_errno(errno));
	if (twin && after.st_mode != before.st_mode)
		twin_refused("mode %o", after.st_mode);
	if (twin)
		twin_works();
	if (after.st_mode & S_ISUID)
		escaped("it holds what was written, and makes root of whoever runs it");
	blocked(0);
}
