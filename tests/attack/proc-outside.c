/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/proc-outside.c - What a process outside was started with
 *
 *	Attack:		read /proc/PID/cmdline and environ of a process of the same user
 *	Stopped by:	pidns
 *	Expect:		-
 *	Twin:		read one's own
 *	Source:		attacks F8
 *	Needs:		user, root
 */
#include <fcntl.h>

#include "tests/lib/attack.h"

static long try(bool twin)
{
	/* The user namespace alone guards environ; nothing but not being there guards cmdline */
	static const char *const files[] = { "environ", "cmdline" };
	long r = -1;

	for (int i = 0; i < 2; i++) {
		char path[64], b[16];
		int fd;

		snprintf(path, sizeof(path), "/proc/%s/%s", twin ? "self" : fixture("HOLDER"), files[i]);
		fd = open(path, O_RDONLY);
		if (fd >= 0 && read(fd, b, sizeof(b)) > 0)
			r = 0;
	}
	return r;
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
		escaped("it was read");
	blocked(errno);
}
