/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/race-open.c - A path that changes while the doorman has it
 *
 *	Attack:		open for writing by a path buffer that another thread turns between a redirected file, one in /tmp, and one that may only be read
 *	Stopped by:	view, landlock
 *	Expect:		-
 *	Twin:		the same between two files that may be written: both are met
 *	Policy:		opens.json.in
 *	Source:		seccomp_unotify(2), "Design goals; use of SECCOMP_USER_NOTIF_FLAG_CONTINUE"
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/lib/race.h"

static char path[4096], given[4096], denied[4096];
static struct stat wanted;

static void prepare(bool twin)
{
	snprintf(given, sizeof(given), "%s/redirected", fixture("OUTSIDE"));
	snprintf(denied, sizeof(denied), "%s/file", fixture(twin ? "WS" : "OUTSIDE"));
	snprintf(path, sizeof(path), "%s", given);
	close(open("/tmp/mine", O_WRONLY | O_CREAT, 0600));
	if (twin)
		close(open(denied, O_WRONLY | O_CREAT, 0600));
	if (stat(denied, &wanted) < 0)
		cannot("%s is not there", denied);
}

static bool shoot(bool twin)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	struct stat st;
	bool hit;

	(void)twin;
	if (fd < 0)
		return false;
	hit = fstat(fd, &st) == 0 && st.st_dev == wanted.st_dev && st.st_ino == wanted.st_ino;
	close(fd);
	return hit;
}

static void turn(void)
{
	strcpy(path, "/tmp/mine");
	strcpy(path, denied);
	strcpy(path, given);
}

int main(int argc, char **argv)
{
	static const struct race race = { prepare, turn, shoot };

	race_run(&race, argc, argv);
}
