/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/userfaultfd.c - A page that stalls whoever reads it
 *
 *	Attack:		userfaultfd in its unprivileged form, to hold a supervisor in the middle of a read
 *	Stopped by:	filter
 *	Expect:		EPERM
 *	Twin:		mmap of a page
 *	Source:		attacks on seccomp notifiers
 */
#include <sys/mman.h>
#include <sys/syscall.h>

#include "tests/lib/attack.h"

static long try(bool twin)
{
	if (twin)
		return mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0;
	return syscall(SYS_userfaultfd, 1 /* UFFD_USER_MODE_ONLY */);
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
