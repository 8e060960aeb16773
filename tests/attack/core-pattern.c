/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/core-pattern.c - A knob of the whole machine, as root
 *
 *	Attack:		open /proc/sys/kernel/core_pattern for writing
 *	Stopped by:	procguard
 *	Expect:		-
 *	Twin:		write /proc/self/comm
 *	Source:		DESIGN 3, step 4: ran without a single capability
 *	Needs:		root, tracing
 */
#include <fcntl.h>

#include "tests/lib/attack.h"

static long try(bool twin)
{
	if (twin)
		return open("/proc/self/comm", O_WRONLY);
	return open("/proc/sys/kernel/core_pattern", O_WRONLY);
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
		escaped("core_pattern is open for writing");
	blocked(errno);
}
