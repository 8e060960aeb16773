/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/race-how.c - Flags that change behind their pointer
 *
 *	Attack:		openat2 of a file that may only be read, while another thread turns the flags between reading and writing
 *	Stopped by:	view, landlock
 *	Expect:		-
 *	Twin:		the same with a file of the workspace
 *	Policy:		opens.json.in
 *	Source:		DESIGN 5: openat2 hides its flags behind a pointer
 */
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include "tests/lib/race.h"

static volatile struct open_how how;
static char path[4096];

static void prepare(bool twin)
{
	snprintf(path, sizeof(path), "%s/%s", fixture(twin ? "WS" : "OUTSIDE"), twin ? "plain" : "file");
}

static bool shoot(bool twin)
{
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	bool hit;

	(void)twin;
	if (fd < 0)
		return false;
	hit = (fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY;
	close(fd);
	return hit;
}

static void turn(void)
{
	how.flags = O_WRONLY;
	how.flags = O_RDONLY;
}

int main(int argc, char **argv)
{
	static const struct race race = { prepare, turn, shoot };

	race_run(&race, argc, argv);
}
