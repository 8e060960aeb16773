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

#include "tests/lib/race.h"

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

static void turn(void)
{
	strcpy(path, other);
	strcpy(path, "plain");
}

int main(int argc, char **argv)
{
	static const struct race race = { prepare, turn, shoot };

	race_run(&race, argc, argv);
}
