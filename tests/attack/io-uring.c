/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/io-uring.c - A ring that does what the filter would have refused
 *
 *	Attack:		io_uring_setup, whose operations no filter sees
 *	Stopped by:	filter
 *	Expect:		ENOSYS
 *	Twin:		epoll_create1, which event loops fall back to
 *	Source:		sandboxes that forgot IORING_OP_OPENAT
 */
#include <linux/io_uring.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include "tests/lib/attack.h"

static long try(bool twin)
{
	if (twin)
		return epoll_create1(0);
	struct io_uring_params p = { .flags = 0 };

	return syscall(SYS_io_uring_setup, 4, &p);
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
		escaped("a ring was made");
	blocked(errno);
}
