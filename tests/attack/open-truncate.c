/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/open-truncate.c - To empty a file without a descriptor that can write it
 *
 *	Attack:		truncate(2), also by a descriptor's link and through a link in the workspace; O_TRUNC with O_RDONLY and with both access bits; openat2
 *	Stopped by:	view, doorman
 *	Expect:		-
 *	Twin:		the same in the workspace
 *	Source:		BUDGET: Landlock's right to truncate costs every open, so it is not used
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "tests/lib/attack.h"

#define STEPS 9

static int openat2_truncating(const char *file, uint64_t resolve, size_t size)
{
	struct {
		struct open_how how;
		uint64_t more;
	} how = { .how = { .flags = O_RDONLY | O_TRUNC, .resolve = resolve } };
	const char *base = strrchr(file, '/');
	char dir[4096];

	if (!resolve)
		return (int)syscall(SYS_openat2, AT_FDCWD, file, &how, size);
	snprintf(dir, sizeof(dir), "%.*s", (int)(base - file), file);
	return (int)syscall(SYS_openat2, open(dir, O_PATH), base, &how, size);
}

static int try(int i, const char *file)
{
	char link[32];

	switch (i) {
	case 0:
		return open(file, O_RDONLY | O_TRUNC);
	case 1:
		return open(file, O_ACCMODE | O_TRUNC);
	case 2:
		return openat2_truncating(file, 0, sizeof(struct open_how));
	case 3:
		return truncate(file, 0);
	case 4:
		(void)unlink("outward");
		(void)symlink(file, "outward");
		return truncate("outward", 0);
	case 5:
		return open("outward", O_RDONLY | O_TRUNC);
	case 6:
		return openat2_truncating(file, 0, sizeof(struct open_how) + 8);
	case 7:
		return openat2_truncating(file, RESOLVE_IN_ROOT, sizeof(struct open_how));
	default:
		snprintf(link, sizeof(link), "/proc/self/fd/%d", open(file, O_RDONLY));
		return truncate(link, 0);
	}
}

static void fill(const char *file)
{
	int fd = open(file, O_WRONLY | O_CREAT, 0600);

	if (fd < 0 || write(fd, "filled\n", 7) != 7)
		twin_refused("filling %s: %s", file, attack_errno(errno));
	close(fd);
}

int main(int argc, char **argv)
{
	bool twin = attack_is_twin(argc, argv);
	const char *file = attack_path(fixture(twin ? "WS" : "OUTSIDE"), "file");
	int err = 0;

	if (chdir(fixture("WS")) < 0)
		cannot("no workspace");
	for (int i = 0; i < STEPS; i++) {
		struct stat st;
		int r;

		if (twin && (i == 1 || i == 7))	/* both bits: not on FUSE; a root of its own: not with us, and nobody asks for it */
			continue;
		if (twin)
			fill(file);
		r = try(i, file);
		if (r < 0)
			err = errno;
		if (stat(file, &st) < 0)
			cannot("%s is gone", file);
		if (twin && (r < 0 || st.st_size > 0))
			twin_refused("step %d: %s", i, r < 0 ? attack_errno(err) : "it is as long as before");
		if (!twin && st.st_size == 0)
			escaped("step %d", i);
		if (!twin && r >= 0)
			escaped("step %d was answered with success", i);
	}
	if (twin)
		twin_works();
	blocked(err);
}
