/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/fanotify.c - Events with descriptors of other people's files
 *
 *	Attack:		fanotify_init without privilege
 *	Stopped by:	filter
 *	Expect:		EPERM
 *	Twin:		inotify_init1
 *	Source:		shared corpus, r36
 */
#include <sys/inotify.h>
#include <sys/syscall.h>

#include "tests/lib/attack.h"

static long try(bool twin)
{
	if (twin)
		return inotify_init1(0);
	return syscall(SYS_fanotify_init, 0x200 /* FAN_REPORT_FID */, 0);
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
		escaped("a descriptor was given");
	blocked(errno);
}
