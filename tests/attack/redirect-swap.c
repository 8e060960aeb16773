/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/redirect-swap.c - A link planted where a redirect leads to
 *
 *	Attack:		turn the target of a redirect, which lies in the workspace, into a link to the denied file, and open the redirected name
 *	Stopped by:	pins
 *	Expect:		-
 *	Twin:		turned between two files instead
 *	Policy:		opens.json.in
 *	Source:		DESIGN 5: what is handed in is opened on the host's mounts
 */
#include <fcntl.h>

#include "tests/lib/race.h"

static bool is_twin;
static char name[4096];

static void make(const char *file, const char *text)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		cannot("%s: %s", file, attack_errno(errno));
	close(fd);
}

static void prepare(bool twin)
{
	is_twin = twin;
	snprintf(name, sizeof(name), "%s/redirected", fixture("OUTSIDE"));
	make("target", "first\n");
}

/* The content tells: the name is innocent */
static bool shoot(bool twin)
{
	char b[64] = "";
	int fd = open(name, O_RDWR | O_CREAT, 0600);
	bool hit;

	if (fd < 0)
		return false;
	hit = read(fd, b, sizeof(b) - 1) > 0 && strncmp(b, twin ? "other" : "SECRET-", 5) == 0;
	close(fd);
	return hit;
}

static void turn(void)
{
	make("target.file", is_twin ? "other\n" : "first\n");
	(void)rename("target.file", "target");
	if (is_twin)
		return;
	(void)symlink("secret/key", "target.link");
	(void)rename("target.link", "target");
}

int main(int argc, char **argv)
{
	static const struct race race = { prepare, turn, shoot };

	race_run(&race, argc, argv);
}
