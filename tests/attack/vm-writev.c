/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/vm-writev.c - Another task's memory
 *
 *	Attack:		process_vm_writev under "tracing": "refuse": it changes argv between check and start
 *	Stopped by:	filter
 *	Expect:		EPERM
 *	Twin:		writev to a pipe
 *	Source:		DESIGN 6
 */
#include <sys/uio.h>

#include "tests/lib/attack.h"

static long try(bool twin)
{
	if (twin)
		{
		int p[2];
		struct iovec v = { (void *)"x", 1 };

		return pipe(p) < 0 ? -1 : writev(p[1], &v, 1);
	}
	char from = 1, to = 0;
	struct iovec a = { &from, 1 }, b = { &to, 1 };

	return process_vm_writev(getpid(), &a, 1, &b, 1, 0);
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
		escaped("written");
	blocked(errno);
}
