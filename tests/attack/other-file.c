/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/other-file.c - Files of others, as root: in a tree that is bound
 *
 *	Attack:		read a file that its owner lets nobody else read, in a tree of which the policy lets everything be read
 *	Stopped by:	caps
 *	Expect:		EACCES
 *	Twin:		read what lies beside it
 *	Source:		issue 4: nothing of other users' files is within reach
 *	Needs:		root
 */
#include <fcntl.h>

#include "tests/lib/attack.h"

int main(int argc, char **argv)
{
	bool twin = attack_is_twin(argc, argv);
	int fd = open(twin ? attack_path(fixture("OUTSIDE"), "file") : fixture("OTHER"), O_RDONLY);

	if (twin && fd < 0)
		twin_refused("%s", attack_errno(errno));
	if (twin)
		twin_works();
	if (fd >= 0)
		escaped("another's file is open");
	blocked(errno);
}
