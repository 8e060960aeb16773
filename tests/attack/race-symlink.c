/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/race-symlink.c - A link that changes its target
 *
 *	Attack:		open a symlink that another thread turns between an allowed and the denied file
 *	Stopped by:	fusefs
 *	Expect:		-
 *	Twin:		the same between two allowed files
 *	Source:		CVE-2025-59829
 */
#include <fcntl.h>
#include <stdio.h>
#include <pthread.h>
#include <time.h>

#include "tests/lib/attack.h"

static const char *target[2] = { "plain", "secret/key" };

static void prepare(bool twin)
{
	if (twin)
		target[1] = "plain";
}

/* The content tells: both could be open by an innocent name */
static bool shoot(bool twin)
{
	char b[64] = "";
	int fd = open("turning", O_RDONLY);
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
		for (int i = 0; i < 2; i++) {
			(void)unlink("turning.new");
			(void)symlink(target[i], "turning.new");
			(void)rename("turning.new", "turning");
		}
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
