/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/lib/race.h - One thread turns something, the other shoots at it, and each hit is an escape
 */
#ifndef TESTS_LIB_RACE_H
#define TESTS_LIB_RACE_H

#include <pthread.h>
#include <time.h>

#include "tests/lib/attack.h"

#define RACE_TWIN_SECONDS 15	/* at most: the first hit ends it */

/** struct race - What differs between races */
struct race {
	void (*prepare)(bool twin);	/* in the workspace */
	void (*turn)(void);		/* once there and back, again and again */
	bool (*shoot)(bool twin);	/* one try; true: hit */
};

static volatile bool race_is_over;

ATTACK_FN void *race_turner(void *arg)
{
	const struct race *r = arg;

	while (!race_is_over)
		r->turn();
	return NULL;
}

/** race_run() - Never returns. The twin must hit at least once, the attack never */
__attribute__((noreturn, unused))
static void race_run(const struct race *r, int argc, char **argv)
{
	bool twin = attack_is_twin(argc, argv);
	time_t end = time(NULL) + (twin ? RACE_TWIN_SECONDS : attack_seconds());
	unsigned long shots = 0, hits = 0;
	pthread_t thread;

	if (chdir(fixture("WS")) < 0)
		cannot("no workspace");
	r->prepare(twin);
	if (pthread_create(&thread, NULL, race_turner, (void *)r) != 0)
		cannot("no thread");
	for (; time(NULL) < end && !(twin && hits); shots++)
		hits += r->shoot(twin);
	race_is_over = true;
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

#endif /* TESTS_LIB_RACE_H */
