/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/bind-path-denied.c - A name made by bind is made by whoever binds
 *
 *	Attack:		bind a Unix socket to names that rules deny: beneath a denied folder, by ../, through a symlink, by /proc/self/fd, and one that is denied to this program alone
 *	Stopped by:	fusefs
 *	Expect:		EACCES, rule only-me
 *	Twin:		the same in a folder that no rule denies: with the caller's umask, and the name that it gave
 *	Policy:		policy-by.json.in
 *	Source:		DESIGN 7: the doorman binds, and the name is judged as the caller's
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "tests/lib/attack.h"

static int bind_to(const char *name, char told[sizeof(struct sockaddr_un)])
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(a);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), r;

	snprintf(a.sun_path, sizeof(a.sun_path), "%.100s", name);
	r = fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 ? errno : 0;
	if (r == 0 && getsockname(fd, (struct sockaddr *)&a, &len) == 0)
		snprintf(told, sizeof(struct sockaddr_un), "%s", a.sun_path);
	close(fd);
	return r;
}

static int way(int i, const char *dir, char told[sizeof(struct sockaddr_un)])
{
	char name[100];
	int fd;

	snprintf(name, sizeof(name), "%s/s%d", dir, i);
	if (i == 1)
		snprintf(name, sizeof(name), "../ws/%s/s%d", dir, i);
	if (i == 2) {
		unlink("way");
		if (symlink(dir, "way") < 0)
			return errno;
		snprintf(name, sizeof(name), "way/s%d", i);
	}
	if (i == 3) {
		fd = open(dir, O_PATH | O_DIRECTORY);
		if (fd < 0)
			return errno;
		snprintf(name, sizeof(name), "/proc/self/fd/%d/s%d", fd, i);
	}
	fd = bind_to(name, told);
	return fd == 0 && i != 3 && strcmp(told, name) != 0 ? EDOM : fd;
}

int main(int argc, char **argv)
{
	bool twin = attack_is_twin(argc, argv);
	const char *dirs[] = { "secret", "only-me" };
	char told[sizeof(struct sockaddr_un)] = "", path[100];
	struct stat st;
	int err = 0;

	if (chdir(fixture("WS")) < 0)
		cannot("no workspace");
	mkdir("only-me", 0755);
	mkdir("free", 0755);
	umask(0027);
	for (int d = 0; d < 2; d++)
		for (int i = 0; i < 4; i++) {
			err = way(i, twin ? "free" : dirs[d], told);
			if (!twin && err == 0)
				escaped("%s, way %d", dirs[d], i);
			if (twin && err != 0)
				twin_refused("way %d: %s", i, attack_errno(err));
			snprintf(path, sizeof(path), "free/s%d", i);
			if (twin && (stat(path, &st) < 0 || (st.st_mode & 07777) != 0750 || unlink(path) < 0))
				twin_refused("way %d: it is not there as it should be", i);
		}
	if (twin)
		twin_works();
	blocked(err);
}
