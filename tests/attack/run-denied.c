/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/run-denied.c - A program that a rule denies
 *
 *	Attack:		exec of a denied program by its path
 *	Stopped by:	doorman, fusefs
 *	Expect:		EACCES, rule denied-tool
 *	Twin:		exec of the one beside it
 *	Source:		behaviours 24
 */
#include <sys/wait.h>

#include "tests/lib/attack.h"

static long try(bool twin)
{
	const char *tool = fixture(twin ? "ALLOWED_TOOL" : "DENIED_TOOL");
	int status, p[2];
	char err = 0;

	if (pipe(p) < 0)
		return -1;
	if (fork() == 0) {
		execl(tool, tool, (char *)NULL);
		err = (char)errno;
		(void)!write(p[1], &err, 1);
		_exit(0);
	}
	close(p[1]);
	wait(&status);
	if (read(p[0], &err, 1) == 1) {
		errno = err;
		return -1;
	}
	return 0;
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
