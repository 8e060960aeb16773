/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/race-path.c - A path that changes under the reader
 *
 *	Attack:		open with a path buffer that another thread turns between an allowed and the denied file
 *	Stopped by:	fusefs
 *	Expect:		-
 *	Twin:		the same between two allowed files
 *	Source:		sandlock 111
 */
#include <fcntl.h>
#include <pthread.h>
#include <time.h>

#include "tests/lib/attack.h"

static char path[32] = "plain";
static const char *other = "secret/key";

static void prepare(bool twin)
{
	if (twin)
		other = "plain";
}

static bool shoot(bool twin)
{
	char b[64] = "";
	int fd = open(path, O_RDONLY);
	bool hit;

	if (fd < 0)
		return false;
	hit = read(fd, b, sizeof(b) - 1) > 0 && strncmp(b, twin ? "plain" : "SECRET-", 5) == 0;
	close(fd);
	return hit;
}
static volatile bool over;

static void *flipper(void *arg)
{
	(void)arg;
	while (!over) {
		strcpy(path, other);
		strcpy(path, "plain");
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
