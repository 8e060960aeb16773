/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/race-argv.c - Arguments that change under the reader
 *
 *	Attack:		exec with an argument that another thread turns between an allowed and a denied one
 *	Stopped by:	execstop
 *	Expect:		-
 *	Twin:		the same between two allowed arguments
 *	Source:		DESIGN 6: with "tracing": "refuse" rules on arguments hold
 */
#include <string.h>
#include <sys/wait.h>

#include "tests/lib/race.h"

#define CAUGHT 66

static char argument[16], other[16];

static void prepare(bool twin)
{
	if (system("cp attack allowed-tool") != 0)
		cannot("no copy");
	strcpy(other, twin ? "permitted" : "forbidden");
	strcpy(argument, "harmless!");
}

static void turn(void)
{
	strcpy(argument, other);
	__asm__ volatile("" ::: "memory");
	strcpy(argument, "harmless!");
	__asm__ volatile("" ::: "memory");
}

/* The rule is on programs called allowed-tool: a copy of this one says what it was given */
static bool shoot(bool twin)
{
	int status = 0;
	pid_t child = vfork();	/* shares the memory that is turned */

	(void)twin;
	if (child == 0) {
		execl("./allowed-tool", "allowed-tool", argument, (char *)NULL);
		_exit(126);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == CAUGHT;
}

int main(int argc, char **argv)
{
	static const struct race race = { prepare, turn, shoot };

	if (strstr(argv[0], "allowed-tool"))
		return argc > 1 && (!strcmp(argv[1], "forbidden") || !strcmp(argv[1], "permitted")) ? CAUGHT : 0;
	race_run(&race, argc, argv);
}
