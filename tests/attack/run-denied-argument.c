/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/run-denied-argument.c - An argument that a rule denies
 *
 *	Attack:		allowed-tool forbidden
 *	Stopped by:	doorman
 *	Expect:		-
 *	Twin:		allowed-tool permitted
 *	Source:		DESIGN 6
 */
#include <sys/wait.h>

#include "tests/lib/attack.h"

static long try(bool twin)
{
	const char *tool = fixture("ALLOWED_TOOL");
	int status;

	if (fork() == 0) {
		execl(tool, tool, twin ? "permitted" : "forbidden", (char *)NULL);
		_exit(126);
	}
	wait(&status);
	errno = EACCES;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
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
		escaped("it ran");
	blocked(errno);
}
