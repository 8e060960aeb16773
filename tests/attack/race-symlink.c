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

#include "tests/lib/race.h"

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

static void turn(void)
{
	for (int i = 0; i < 2; i++) {
		(void)unlink("turning.new");
		(void)symlink(target[i], "turning.new");
		(void)rename("turning.new", "turning");
	}
}

int main(int argc, char **argv)
{
	static const struct race race = { prepare, turn, shoot };

	race_run(&race, argc, argv);
}
