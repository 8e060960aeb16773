/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/home-secret.c - A credential in the home
 *
 *	Attack:		open, link into the workspace and rename of a key in the home
 *	Stopped by:	fusefs
 *	Expect:		EACCES, rule secrets
 *	Twin:		the same with a file of the workspace
 *	Source:		attacks B
 *	Needs:		user, root
 */
#include <fcntl.h>
#include <stdio.h>

#include "tests/lib/attack.h"

static int try(int i, bool twin)
{
	const char *file = twin ? "plain" : attack_path(fixture("HOME"), ".ssh/id_test");

	(void)unlink("name");
	switch (i) {
	case 0:
		return open(file, O_RDONLY);
	case 1:
		return link(file, "name");
	default:
		return rename(file, "moved");
	}
}

int main(int argc, char **argv)
{
	bool twin = attack_is_twin(argc, argv);
	int err = 0;

	if (chdir(fixture("WS")) < 0)
		cannot("no workspace");
	for (int i = 0; i < 3; i++) {
		int r = try(i, twin);

		if (twin && r < 0)
			twin_refused("way %d: %s", i, attack_errno(errno));
		if (!twin && r >= 0)
			escaped("way %d", i);
		if (r < 0 && !err)
			err = errno;
	}
	if (twin)
		twin_works();
	blocked(err);
}
