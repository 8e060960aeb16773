/* SPDX-License-Identifier: Apache-2.0
 *
 * cage/tasks.c - How many processes root's cage may have: a control group
 *
 * RLIMIT_NPROC does not bind the machine's root, in whatever user namespace it
 * is: fork(2) asks whether the user is that one before it asks for the limit.
 * So the session gets a group of the pids controller. Init goes into it when it
 * is born, and everything inside is its offspring.
 *
 * The group lies beside the supervisor's own (or in it, with version 1 of
 * control groups), so that what holds for that one holds for the cage too. What
 * a supervisor that was killed has left behind, the next one removes.
 */
#include "cage/parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fdio.h"

#define PREFIX		"agentsh-"
#define OWN_TASKS	2	/* init and its courier */
#define TRIES		3	/* another session may take the empty group for a left one */

static bool has_word(const char *list, const char *word, const char *separators)
{
	size_t len = strlen(word);

	for (const char *p = list; *p; p += strspn(p, separators)) {
		size_t n = strcspn(p, separators);

		if (n == len && strncmp(p, word, len) == 0)
			return true;
		p += n;
	}
	return false;
}

/* Of "N:CONTROLLERS:PATH", our place with the pids controller; or of version 2. Borrowed from @text */
static const char *own_place(char *text, bool is_v2)
{
	for (char *rest, *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;

		if (!path)
			continue;
		*path++ = '\0';
		if (is_v2 ? strcmp(line, "0:") == 0 : has_word(list + 1, "pids", ","))
			return path;
	}
	return NULL;
}

/* Where such a hierarchy is mounted: "ID PARENT DEV ROOT POINT OPTIONS - TYPE SOURCE SUPER" */
static bool find_mount(char *text, bool is_v2, char root[PATH_MAX], char point[PATH_MAX])
{
	for (char *rest, *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *tail = strstr(line, " - "), type[32], super[256];

		if (!tail || sscanf(tail, " - %31s %*s %255s", type, super) != 2 ||
		    sscanf(line, "%*s %*s %*s %4095s %4095s", root, point) != 2)
			continue;
		if (is_v2 ? strcmp(type, "cgroup2") == 0 : strcmp(type, "cgroup") == 0 && has_word(super, "pids", ","))
			return true;
	}
	return false;
}

static bool hands_pids_on(const char *dir)
{
	char path[PATH_MAX + 32];
	cleanup_free char *text = NULL;
	size_t len;

	(void)snprintf(path, sizeof(path), "%s/cgroup.subtree_control", dir);	/* always fits */
	return fdio_read_file(AT_FDCWD, path, 4096, &text, &len) == 0 && has_word(text, "pids", " \n");
}

bool tasks_place(char *groups, char *mounts, bool is_v2, char *point, char *ret)
{
	const char *place = own_place(groups, is_v2);
	char root[PATH_MAX];

	if (!place || !find_mount(mounts, is_v2, root, point))
		return false;
	if (strcmp(root, "/") != 0 && strncmp(place, root, strlen(root)) == 0)
		place += strlen(root);
	return (size_t)snprintf(ret, PATH_MAX, "%s%s", point, strcmp(place, "/") == 0 ? "" : place) < PATH_MAX;
}

/* The directory in which the session's group is to be made. 0; -ENOENT: there is none */
static int find_parent(bool is_v2, char ret[PATH_MAX])
{
	cleanup_free char *groups = NULL, *mounts = NULL;
	char point[PATH_MAX];
	size_t len;

	if (fdio_read_file(AT_FDCWD, "/proc/self/cgroup", 1 << 16, &groups, &len) < 0 ||
	    fdio_read_file(AT_FDCWD, "/proc/self/mountinfo", 1 << 20, &mounts, &len) < 0 ||
	    !tasks_place(groups, mounts, is_v2, point, ret))
		return -ENOENT;
	if (!is_v2 || hands_pids_on(ret))
		return 0;
	/* One that holds processes hands nothing on; the one above it does */
	if (strlen(ret) <= strlen(point))
		return -ENOENT;
	*strrchr(ret, '/') = '\0';
	return hands_pids_on(ret) ? 0 : -ENOENT;
}

static void sweep(const char *parent)
{
	DIR *d = opendir(parent);
	const struct dirent *e;

	while (d && (e = readdir(d)))
		if (strncmp(e->d_name, PREFIX, strlen(PREFIX)) == 0)
			(void)unlinkat(dirfd(d), e->d_name, AT_REMOVEDIR);	/* EBUSY: somebody is in it */
	if (d)
		(void)closedir(d);	/* read only */
}

static int put(const char *dir, const char *name, uint64_t value)
{
	char path[PATH_MAX + 32], text[24];
	cleanup_fd int fd = -1;
	int n = snprintf(text, sizeof(text), "%" PRIu64 "\n", value);	/* always fits, as the next */

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, text, (size_t)n) != n ? -errno : 0;
}

static int make(const char *parent, uint64_t limit, pid_t init, char ret[PATH_MAX])
{
	int r = -ENOENT;

	if ((size_t)snprintf(ret, PATH_MAX, "%s/" PREFIX "%d", parent, getpid()) >= PATH_MAX)
		return -ENAMETOOLONG;
	for (int i = 0; r == -ENOENT && i < TRIES; i++) {
		if (mkdir(ret, 0755) < 0 && errno != EEXIST)
			return -errno;
		r = put(ret, "pids.max", limit + OWN_TASKS);
		if (r == 0)
			r = put(ret, "cgroup.procs", (uint64_t)init);
	}
	if (r < 0)
		(void)rmdir(ret);	/* empty */
	return r;
}

/* Is it the machine's root? In a container whose root is somebody else outside, RLIMIT_NPROC does it */
static bool is_real_root(void)
{
	cleanup_free char *text = NULL;
	unsigned inside, outside;
	size_t len;

	if (fdio_read_file(AT_FDCWD, "/proc/self/uid_map", 4096, &text, &len) < 0)
		return true;
	return sscanf(text, "%u %u", &inside, &outside) != 2 || inside != 0 || outside == 0;
}

int cage_tasks_limit(struct cage *cage, const struct cage_config *cfg, struct cage_failure *reterr)
{
	char parent[PATH_MAX];
	int r = -ENOENT;

	cage->task_group[0] = '\0';
	if (cfg->uid != 0 || !cfg->limit_processes || !is_real_root())
		return 0;
	for (int v2 = 0; r < 0 && v2 < 2; v2++) {
		if (find_parent(v2, parent) < 0)
			continue;
		sweep(parent);
		r = make(parent, cfg->limit_processes, cage->init, cage->task_group);
	}
	if (r == 0)
		return 0;
	cage->task_group[0] = '\0';
	return cage_fail(reterr, -r, "limits.processes", "root is bound by a control group alone, and none with the pids "
			 "controller can be made here: %s; leave the limit out of the policy, or mount one", strerror(-r));
}

void cage_tasks_end(struct cage *cage)
{
	if (cage->task_group[0])
		(void)rmdir(cage->task_group);	/* a member not yet reaped: the next session sweeps */
	cage->task_group[0] = '\0';
}
