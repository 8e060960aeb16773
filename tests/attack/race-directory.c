/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/race-directory.c - A directory that changes places
 *
 *	Attack:		open a file in a directory that another thread exchanges with a link to the denied one
 *	Stopped by:	fusefs
 *	Expect:		-
 *	Twin:		the same with a link to an allowed one
 *	Source:		sandlock 155
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <pthread.h>
#include <time.h>

#include "tests/lib/attack.h"

static void prepare(bool twin)
{
	(void)mkdir("swap", 0700);
	(void)mkdir("fine", 0700);
	(void)close(open("swap/key", O_CREAT | O_WRONLY, 0600));
	(void)close(open("fine/key", O_CREAT | O_WRONLY, 0600));
	(void)!write(open("fine/key", O_WRONLY), "SECRET-not", 10);
	(void)symlink(twin ? "fine" : "secret", "link");
}

static bool shoot(bool twin)
{
	char b[64] = "";
	int fd = open("swap/key", O_RDONLY);
	bool hit;

	(void)twin;
	if (fd < 0)
		return false;
	hit = read(fd, b, sizeof(b) - 1) > 0 && strncmp(b, "SECRET-", 7) == 0;
	close(fd);
	return hit;
}
static volatile bool over;

static void *flipper(void *arg)
{
	(void)arg;
	while (!over) {
		(void)syscall(SYS_renameat2, AT_FDCWD, "swap", AT_FDCWD, "link", 2 /* RENAME_EXCHANGE */);
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
