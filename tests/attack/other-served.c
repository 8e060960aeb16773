/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/other-served.c - Files of others, as root: in a tree that is served
 *
 *	Attack:		the same where fusefs serves, whose process has all of root's powers; and chmod and link it
 *	Stopped by:	caps, fusefs
 *	Expect:		EACCES
 *	Twin:		read what lies beside it
 *	Source:		fusefs/caller.h
 *	Needs:		root
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/lib/attack.h"

int main(int argc, char **argv)
{
	bool twin = attack_is_twin(argc, argv);
	int fd, err;

	if (twin) {
		fd = open(fixture("ALLOWED_TOOL"), O_RDONLY);
		if (fd < 0)
			twin_refused("%s", attack_errno(errno));
		twin_works();
	}
	fd = open(fixture("OTHER_SERVED"), O_RDONLY);
	err = errno;
	if (fd >= 0)
		escaped("another's file is open");
	if (chmod(fixture("OTHER_SERVED"), 0644) == 0)
		escaped("another's file has a new mode");
	if (link(fixture("OTHER_SERVED"), attack_path(fixture("WS"), "caught")) == 0)
		escaped("another's file has a name in the workspace");
	blocked(err);
}
