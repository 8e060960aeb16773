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
#include <pthread.h>
#include <time.h>

#include "tests/lib/attack.h"

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
static volatile bool over;

static void *flipper(void *arg)
{
	(void)arg;
	while (!over) {
		strcpy(path, other);
		strcpy(path, allowed);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	bool twin = attack_is_twin(argc, argv);
	time_t end = time(NULL) + (twin ? 15 : attack_seconds());
	unsigned long shots = 0, hits = 0;
	pthread_t thread;

	if (chdir(fixture("WS")) < 0)
		cannot("no workspace");
	prepare(twin);
	if (pthread_create(&thread, NULL, flipper, NULL) != 0)
		cannot("no thread");
	for (; time(NULL) < end && !(twin && hits); shots++)
		hits += shoot(twin);
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
