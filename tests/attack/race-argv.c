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
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/lib/attack.h"

#define CAUGHT 66

static char argument[16], other[16];
static volatile bool over;

static void *flipper(void *arg)
{
	(void)arg;
	while (!over) {
		strcpy(argument, other);
		__asm__ volatile("" ::: "memory");
		strcpy(argument, "harmless!");
		__asm__ volatile("" ::: "memory");
	}
	return NULL;
}

/* The rule is on programs called allowed-tool: a copy of this one says what it was given */
static bool shoot(void)
{
	int status = 0;
	pid_t child = vfork();	/* shares the memory that is turned */

	if (child == 0) {
		execl("./allowed-tool", "allowed-tool", argument, (char *)NULL);
		_exit(126);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == CAUGHT;
}

int main(int argc, char **argv)
{
	bool twin = attack_is_twin(argc, argv);
	unsigned long shots = 0, hits = 0;
	pthread_t thread;
	time_t end;

	if (strstr(argv[0], "allowed-tool"))
		return argc > 1 && (!strcmp(argv[1], "forbidden") || !strcmp(argv[1], "permitted")) ? CAUGHT : 0;
	end = time(NULL) + (twin ? 15 : attack_seconds());
	if (chdir(fixture("WS")) < 0 || system("cp attack allowed-tool") != 0)
		cannot("no copy");
	strcpy(other, twin ? "permitted" : "forbidden");
	strcpy(argument, "harmless!");
	if (pthread_create(&thread, NULL, flipper, NULL) != 0)
		cannot("no thread");
	for (; time(NULL) < end && !(twin && hits); shots++)
		hits += shoot();
	over = true;
	pthread_join(thread, NULL);
	printf("%lu shots, %lu hits\n", shots, hits);
	if (twin && !hits)
		twin_refused("never in %lu tries", shots);
	if (twin)
		twin_works();
	if (hits)
		escaped("%lu of %lu", hits, shots);
	blocked(0);
}
