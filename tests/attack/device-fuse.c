/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/device-fuse.c - A device of the host
 *
 *	Attack:		open /dev/fuse, which every user may open outside
 *	Stopped by:	dev
 *	Expect:		ENOENT
 *	Twin:		open /dev/null
 *	Source:		DESIGN 3, step 5
 */
#include <fcntl.h>

#include "tests/lib/attack.h"

static long try(bool twin)
{
	if (twin)
		return open("/dev/null", O_RDWR);
	return open("/dev/fuse", O_RDWR);
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
		escaped("opened");
	blocked(errno);
}
