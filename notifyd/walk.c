/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/walk.c - A path resolved as the caller would, from outside its pid namespace
 *
 * The kernel does it in one call, magic links off. Only what fails in a way
 * that a magic link, /proc/self or another root can explain is walked by
 * component.
 */
#include "notifyd/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "notifyd/wire.h"

#define SYMLINKS_MAX	40

ssize_t walk_path(int host_proc, int fd, char *buf, size_t size)
{
	char link[32];
	ssize_t n;

	(void)snprintf(link, sizeof(link), "self/fd/%d", fd);	/* always fits */
	n = readlinkat(host_proc, link, buf, size - 1);
	if (n < 0)
		return -errno;
	if ((size_t)n == size - 1)
		return -ENAMETOOLONG;
	buf[n] = '\0';
	return n;
}

static int open_fast(const struct walk *w, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | (w->nofollow ? O_NOFOLLOW : 0),
		.resolve = RESOLVE_NO_MAGICLINKS,
	};
	long fd = syscall(SYS_openat2, w->base >= 0 ? w->base : AT_FDCWD, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

/* ---- by component ---- */

struct state {
	struct walk *w;
	int cur;			/* owned */
	char todo[PATH_MAX * 2];	/* what is left of the path */
	int links;
};

bool walk_same_place(int a, int b)
{
	struct statx x, y;

	if (statx(a, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &x) < 0 ||
	    statx(b, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &y) < 0)
		return false;
	return x.stx_ino == y.stx_ino && x.stx_mnt_id == y.stx_mnt_id &&
	       x.stx_dev_major == y.stx_dev_major && x.stx_dev_minor == y.stx_dev_minor;
}

static int move_to(struct state *s, int fd)
{
	if (fd < 0)
		return fd;
	if (s->cur >= 0)
		(void)close(s->cur);	/* O_PATH */
	s->cur = fd;
	return 0;
}

static int move_to_root(struct state *s)
{
	int fd = s->w->root >= 0 ? fcntl(s->w->root, F_DUPFD_CLOEXEC, 0) :
				   open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	return move_to(s, fd < 0 ? -errno : fd);
}

static int move_up(struct state *s)
{
	int fd;

	if (s->w->root >= 0 && walk_same_place(s->cur, s->w->root))
		return 0;
	fd = openat(s->cur, "..", O_PATH | O_CLOEXEC);
	return move_to(s, fd < 0 ? -errno : fd);
}

static bool is_proc(int fd)
{
	struct statfs st;

	return fstatfs(fd, &st) == 0 && st.f_type == PROC_SUPER_MAGIC;
}

/* /proc/self and /proc/thread-self: text that only the caller's own ids complete */
static int proc_self(struct state *s, const char *name, char *buf, size_t size)
{
	if (s->w->inner_tgid <= 0) {
		s->w->need |= RESOLVER_NEED_IDS;
		return -EAGAIN;
	}
	if (strcmp(name, "self") == 0)
		(void)snprintf(buf, size, "%d", s->w->inner_tgid);	/* fits in any buffer here */
	else
		(void)snprintf(buf, size, "%d/task/%d", s->w->inner_tgid, s->w->inner_tid);
	return 0;
}

/* A magic link: followed by the kernel, if it belongs to the caller */
static int follow_magic(struct state *s, const char *dir, const char *name)
{
	long owner = strtol(dir + strlen("/proc/"), NULL, 10);
	int fd;

	if (s->w->inner_tgid <= 0) {
		s->w->need |= RESOLVER_NEED_IDS;
		return -EAGAIN;
	}
	if (owner != s->w->inner_tgid && owner != s->w->inner_tid)
		return -EACCES;
	fd = openat(s->cur, name, O_PATH | O_CLOEXEC);
	return move_to(s, fd < 0 ? -errno : fd);
}

/* A slash at the end asks for a directory: only where the caller wrote one */
static int prepend(struct state *s, const char *text, bool slash)
{
	char rest[sizeof(s->todo)];

	memcpy(rest, s->todo, strlen(s->todo) + 1);
	if (snprintf(s->todo, sizeof(s->todo), "%s%s%s", text, slash ? "/" : "", rest) >= (int)sizeof(s->todo))
		return -ENAMETOOLONG;
	return s->todo[0] == '/' ? move_to_root(s) : 0;
}

static int follow_link(struct state *s, int link, const char *name, bool slash)
{
	char text[PATH_MAX], dir[PATH_MAX];
	ssize_t n;
	int r;

	if (++s->links > SYMLINKS_MAX)
		return -ELOOP;
	if (is_proc(s->cur)) {
		n = walk_path(s->w->host_proc, s->cur, dir, sizeof(dir));
		if (n < 0)
			return (int)n;
		if (strcmp(dir, "/proc") == 0 && (!strcmp(name, "self") || !strcmp(name, "thread-self"))) {
			r = proc_self(s, name, text, sizeof(text));
			return r < 0 ? r : prepend(s, text, slash);
		}
		if (strncmp(dir, "/proc/", 6) == 0 && dir[6] >= '0' && dir[6] <= '9')
			return follow_magic(s, dir, name);
		if (strcmp(dir, "/proc") != 0)
			return -EACCES;
	}
	n = readlinkat(link, "", text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	return n == 0 ? -ENOENT : prepend(s, text, slash);
}

/* Cuts the first component off; whether a slash followed it is told by @ret_slash */
static int next_name(struct state *s, char name[NAME_MAX + 1], bool *ret_slash)
{
	const char *p = s->todo + strspn(s->todo, "/");
	size_t len = strcspn(p, "/");
	const char *rest;

	if (len > NAME_MAX)
		return -ENAMETOOLONG;
	memcpy(name, p, len);
	name[len] = '\0';
	*ret_slash = p[len] == '/';
	rest = p + len + strspn(p + len, "/");
	memmove(s->todo, rest, strlen(rest) + 1);
	return 0;
}

static int step(struct state *s, const char *name, bool slash)
{
	bool is_last = s->todo[0] == '\0';
	struct stat st;
	int fd, r;

	if (strcmp(name, "..") == 0)
		return move_up(s);
	fd = openat(s->cur, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0) {
		r = -errno;
		(void)close(fd);	/* O_PATH */
		return r;
	}
	if (S_ISLNK(st.st_mode) && !(is_last && !slash && s->w->nofollow)) {
		r = follow_link(s, fd, name, slash);
		(void)close(fd);	/* O_PATH */
		return r;
	}
	if ((!is_last || slash) && !S_ISDIR(st.st_mode)) {
		(void)close(fd);	/* O_PATH */
		return -ENOTDIR;
	}
	return move_to(s, fd);
}

static int walk_slowly(struct walk *w, const char *path)
{
	cleanup_free struct state *s = calloc(1, sizeof(*s));
	char name[NAME_MAX + 1];
	bool slash = false;
	int r;

	if (!s)
		return -ENOMEM;
	s->w = w;
	s->cur = -1;
	(void)snprintf(s->todo, sizeof(s->todo), "%s", path);	/* at most PATH_MAX */
	if (path[0] == '/')
		r = move_to_root(s);
	else
		r = w->base < 0 ? -ENOENT : move_to(s, fcntl(w->base, F_DUPFD_CLOEXEC, 0));
	while (r == 0 && s->todo[0] != '\0') {
		r = next_name(s, name, &slash);
		if (r == 0 && name[0] != '\0' && strcmp(name, ".") != 0)
			r = step(s, name, slash);
	}
	if (r < 0 && s->cur >= 0)
		(void)close(s->cur);	/* O_PATH */
	return r < 0 ? r : s->cur;
}

bool walk_is_system(const char *path)
{
	static const char *const places[] = { "/usr/", "/bin/", "/sbin/", "/lib/", "/lib64/" };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (strncmp(path, places[i], strlen(places[i])) == 0)
			return true;
	return false;
}

static int open_local(const struct walk *w, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	long fd = -1;

	if (walk_is_system(path))
		fd = syscall(SYS_openat2, w->root, path, &how, sizeof(how));
	return fd < 0 ? -EAGAIN : (int)fd;
}

int walk_pin(struct walk *w, const char *path)
{
	int fd;

	if (w->is_local)
		return open_local(w, path);

	if (path[0] == '\0')
		return -ENOENT;
	if (path[0] != '/' && w->base < 0)
		return -ENOENT;
	if (w->root < 0) {
		fd = open_fast(w, path);
		/* ELOOP: a magic link. ENOENT: nothing there, or /proc/self, which has no meaning for us */
		if (fd >= 0 || (fd != -ELOOP && fd != -ENOENT))
			return fd;
	}
	return walk_slowly(w, path);
}
