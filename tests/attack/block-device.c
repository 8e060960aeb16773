/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/block-device.c - The disk, as root
 *
 *	Attack:		open the first disk for reading
 *	Stopped by:	dev
 *	Expect:		ENOENT
 *	Twin:		open /dev/null
 *	Source:		DESIGN 3, step 5
 *	Needs:		root
 */
#include <fcntl.h>

#include "tests/lib/attack.h"

static long try(bool twin)
{
	if (twin)
		return open("/dev/null", O_RDONLY);
	static const char *const disks[] = { "/dev/vda", "/dev/sda", "/dev/nvme0n1", "/dev/loop0" };
	int fd = -1;

	for (size_t i = 0; fd < 0 && i < sizeof(disks) / sizeof(disks[0]); i++)
		fd = open(disks[i], O_RDONLY);
	return fd;
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
		escaped("the disk is open");
	blocked(errno);
}
