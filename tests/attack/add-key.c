/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/add-key.c - The user's keyring
 *
 *	Attack:		add_key into the session keyring, shared with everything of this user outside
 *	Stopped by:	filter
 *	Expect:		EPERM
 *	Twin:		getrandom, a harmless call beside it
 *	Source:		DESIGN 4
 */
#include <sys/random.h>
#include <sys/syscall.h>

#include "tests/lib/attack.h"

static long try(bool twin)
{
	if (twin)
		{
		char b[4];

		return getrandom(b, sizeof(b), 0);
	}
	return syscall(SYS_add_key, "user", "agentsh-attack", "x", 1UL, -3);
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
		escaped("a key was added");
	blocked(errno);
}
