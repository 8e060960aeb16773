/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/race-exec.c - A program that changes under the reader
 *
 *	Attack:		exec with a path buffer that another thread turns between an allowed and the denied program
 *	Stopped by:	execstop, fusefs
 *	Expect:		-
 *	Twin:		the same between two allowed programs
 *	Source:		BUDGET: 237 of 301 by CONTINUE alone
 */
#include <fcntl.h>
#include <sys/wait.h>

#include "tests/lib/race.h"

static char path[4096], allowed[4096], other[4096];

static void prepare(bool twin)
{
	snprintf(allowed, sizeof(allowed), "%s", fixture("ALLOWED_TOOL"));
	snprintf(other, sizeof(other), "%s", twin ? "/bin/false" : fixture("DENIED_TOOL"));
	strcpy(path, allowed);
}

/* The allowed program ends with 0, the denied one with 1; 126 is a refusal */
static bool shoot(bool twin)
{
	int status = 0;
	pid_t child = vfork();	/* shares the memory that is turned */

	(void)twin;
	if (child == 0) {
		execl(path, "tool", (char *)NULL);
		_exit(126);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static void turn(void)
{
	strcpy(path, other);
	strcpy(path, allowed);
}

int main(int argc, char **argv)
{
	static const struct race race = { prepare, turn, shoot };

	race_run(&race, argc, argv);
}
