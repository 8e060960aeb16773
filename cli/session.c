/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/session.c - The session directory: made, swept, discarded
 */
#include "cli/session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/base.h"
#include "common/cleanup.h"

#define LIVE_PREFIX ".live-"

/* What the cage's processes could write to; all else in the directory is the supervisor's record */
static const char *const swept[] = { "tmp", "run", "shm", "etc", "query.sock" };

/* What stands is not asked whether it might be made */
static int make_one(const char *path)
{
	int err = mkdir(path, 0700) < 0 ? errno : 0;

	if (err == EEXIST || ((err == EROFS || err == EACCES) && access(path, F_OK) == 0))
		return 0;
	return -err;
}

static int make_parents(char *path)
{
	for (char *p = path + 1; *p; p++) {
		int r;

		if (*p != '/')
			continue;
		*p = '\0';
		r = make_one(path);
		*p = '/';
		if (r < 0)
			return r;
	}
	return 0;
}

static int make_id(char *buf, size_t size)
{
	uint32_t random;
	time_t now = time(NULL);
	struct tm tm;
	size_t n;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	if (!gmtime_r(&now, &tm))
		return -EOVERFLOW;
	n = strftime(buf, size, "%Y%m%d-%H%M%S", &tm);
	(void)snprintf(buf + n, size - n, "-%06x", random & 0xffffff);	/* SESSION_ID_SIZE holds it */
	return 0;
}

/* Before there is anything to sweep. -EEXIST: that id is taken, or somebody who sweeps was in between */
static int hold(struct session *s)
{
	struct stat st;

	s->live_fd = open(s->live_file, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (s->live_fd < 0)
		return -errno;
	if (flock(s->live_fd, LOCK_EX | LOCK_NB) == 0 && fstat(s->live_fd, &st) == 0 && st.st_nlink > 0)
		return 0;
	return -EEXIST;
}

static int choose(struct session *s, const char *state_dir)
{
	int r = make_id(s->id, sizeof(s->id));

	if (r < 0)
		return r;
	if (asprintf(&s->dir, "%s/%s", state_dir, s->id) < 0 ||
	    asprintf(&s->key_file, "%s/key", state_dir) < 0 ||
	    asprintf(&s->live_file, "%s/" LIVE_PREFIX "%s", state_dir, s->id) < 0)
		return -ENOMEM;
	r = make_parents(s->dir);
	return r == 0 ? hold(s) : r;
}

int session_make(const struct session *s, char *why, size_t why_size)
{
	char sub[4096];
	int err;

	(void)snprintf(sub, sizeof(sub), "%s/tmp", s->dir);	/* mkdir tells if it was cut */
	if (mkdir(s->dir, 0700) == 0 && mkdir(sub, 0700) == 0 && chmod(sub, 01777) == 0)
		return 0;
	err = errno;
	(void)snprintf(why, why_size, "the session directory %.120s cannot be made: %s", s->dir, strerror(err));	/* may be cut */
	return -err;
}

int session_choose(struct session *ret, const char *state_dir, char *why, size_t why_size)
{
	struct session s;
	int r, tries = 3;

	do {
		s = (struct session){ .live_fd = -1 };
		r = choose(&s, state_dir);
		if (r == -EEXIST)
			session_free(&s);
	} while (r == -EEXIST && --tries > 0);
	if (r < 0) {
		if (s.live_fd >= 0)
			(void)unlink(s.live_file);	/* stays: swept as one that was killed */
		(void)snprintf(why, why_size, "the session directory below %.100s cannot be made: %s",
			       state_dir, strerror(-r));	/* may be cut */
		session_free(&s);
		return r;
	}
	*ret = s;
	return 0;
}

#define DEPTH_MAX 200	/* descriptors held at once; what is deeper is moved up and removed from there */

struct sweep {
	int top_fd;
	unsigned moved;		/* trees moved up so far: names of the next ones */
};

/* Too deep to go on: the rest becomes a tree of its own at the top. */
static void move_up(struct sweep *s, int dir_fd, const char *name)
{
	char up[32];

	(void)snprintf(up, sizeof(up), "deep.%u", s->moved);
	if (renameat(dir_fd, name, s->top_fd, up) == 0)
		s->moved++;
}

static int open_for_removal(int dir_fd, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(dir_fd, name, flags);

	if (fd < 0 && errno == EACCES && fchmodat(dir_fd, name, 0700, 0) == 0)
		fd = openat(dir_fd, name, flags);
	if (fd >= 0)
		(void)fchmod(fd, 0700);		/* fails: the entries stay, and the directory is seen */
	return fd;
}

/* Remove a directory's content and itself. The names come from hostile hands:
 * every step is relative to a descriptor and follows no link. */
static void remove_tree(struct sweep *s, int dir_fd, const char *name, int depth)
{
	int fd;
	DIR *d;

	if (unlinkat(dir_fd, name, 0) == 0 || (errno != EISDIR && errno != EPERM))
		return;
	if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0)
		return;
	if (depth == 0) {
		move_up(s, dir_fd, name);
		return;
	}
	fd = open_for_removal(dir_fd, name);
	if (fd < 0)
		return;
	d = fdopendir(fd);
	if (!d) {
		(void)close(fd);
		return;
	}
	for (struct dirent *e; (e = readdir(d));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			remove_tree(s, fd, e->d_name, depth - 1);
	(void)closedir(d);
	(void)unlinkat(dir_fd, name, AT_REMOVEDIR);	/* not empty after move_up failed: left */
}

static void remove_below(int top_fd, const char *name)
{
	struct sweep s = { .top_fd = top_fd };

	remove_tree(&s, top_fd, name, DEPTH_MAX);
	for (unsigned i = 0; i < s.moved; i++) {
		char up[32];

		(void)snprintf(up, sizeof(up), "deep.%u", i);
		remove_tree(&s, top_fd, up, DEPTH_MAX);
	}
	if (s.moved)
		(void)unlinkat(top_fd, name, AT_REMOVEDIR);
}

static void sweep_dir(int at, const char *dir)
{
	cleanup_fd int fd = openat(at, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	for (size_t i = 0; fd >= 0 && i < ARRAY_SIZE(swept); i++)
		remove_below(fd, swept[i]);
}

void session_sweep(const struct session *s)
{
	sweep_dir(AT_FDCWD, s->dir);
	(void)unlink(s->live_file);	/* stays: it is found again, and unlocked */
}

/* Its holders are dead, and the kernel has let go of the lock with them */
static void sweep_one(int state_fd, const char *live)
{
	cleanup_fd int fd = openat(state_fd, live, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	sweep_dir(state_fd, live + strlen(LIVE_PREFIX));
	(void)unlinkat(state_fd, live, 0);	/* as above */
}

void session_sweep_stale(const char *state_dir)
{
	DIR *d = opendir(state_dir);

	if (!d)
		return;
	for (struct dirent *e; (e = readdir(d));)
		if (strncmp(e->d_name, LIVE_PREFIX, strlen(LIVE_PREFIX)) == 0)
			sweep_one(dirfd(d), e->d_name);
	(void)closedir(d);	/* read only */
}

void session_discard(const struct session *s)
{
	cleanup_fd int fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct sweep sweep = { .top_fd = fd };

	session_sweep(s);
	if (fd >= 0)
		remove_tree(&sweep, AT_FDCWD, s->dir, DEPTH_MAX);
}

void session_free(struct session *s)
{
	free(s->dir);
	free(s->key_file);
	free(s->live_file);
	if (s->live_fd >= 0)
		(void)close(s->live_fd);	/* nothing was written */
	*s = (struct session){ .live_fd = -1 };
}
