/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/proc-outside.c - Environment of a process outside
 *
 *	Attack:		read /proc/PID/environ of a process of the same user
 *	Stopped by:	pidns, landlock
 *	Expect:		-
 *	Twin:		read one's own
 *	Source:		attacks F8
 */
#include <fcntl.h>

#include "tests/lib/attack.h"

static long try(bool twin)
{
	char path[64], b[16];
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/environ", twin ? "self" : fixture("HOLDER"));
	fd = open(path, O_RDONLY);
	return fd < 0 ? -1 : read(fd, b, sizeof(b)) > 0 ? 0 : -1;
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
