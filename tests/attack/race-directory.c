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

#include "tests/lib/race.h"

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

static void turn(void)
{
	(void)syscall(SYS_renameat2, AT_FDCWD, "swap", AT_FDCWD, "link", 2 /* RENAME_EXCHANGE */);
}

int main(int argc, char **argv)
{
	static const struct race race = { prepare, turn, shoot };

	race_run(&race, argc, argv);
}
