/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/hostwatch.c - Changes that programs outside make to served trees, told to those who watch inside
 *
 * DOC: Theory of operation
 *
 * What is watched inside is watched here on the real tree. A thread, started
 * with the first watch, collects events for a moment, leaves out what the cage
 * itself did (fusefs knows), and has fusefs raise an event inside for each name
 * that is left: by what is there now, not by what each event said. It is the
 * only thread of the supervisor that goes through the mount, and holds no lock
 * while it does.
 *
 * Nobody says when a watch inside ends. What is told to nobody costs a few
 * requests to fusefs.
 */
#include "cli/hostwatch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"

#define HOSTWATCH_MAX	4096	/* of the user's fs.inotify.max_user_watches, which his editor needs too */
#define GATHER_NS	15000000L	/* one save of an editor is half a dozen events */
#define BUFFER_SIZE	65536
#define TOLD_MAX	256	/* names of one batch that are told once; beyond that some twice */
#define GONE_MASK	(IN_DELETE | IN_MOVED_FROM)
#define WATCH_MASK	(IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | GONE_MASK | IN_DELETE_SELF | IN_MOVE_SELF)

/** struct watch - In the slot of its number; the kernel counts upwards */
struct watch {
	int wd;			/* 0: none */
	struct statx real;	/* as it was when it was watched */
	char *path;		/* owned */
};

struct hostwatch {
	struct hostwatch_config cfg;
	pthread_mutex_t lock;	/* @watch and the start of the thread */
	bool is_started, is_broken;
	int inotify_fd, view_root;
	struct watch watch[HOSTWATCH_MAX];

	/* The thread's own */
	uint64_t told[TOLD_MAX];
	size_t told_count;
};

/** struct change - What one event is about */
struct change {
	struct statx watched;	/* the directory, or the object itself */
	char path[PATH_MAX];	/* of the object */
	char *name;		/* the last part of it; before it lies a '/' */
	uint32_t mask;
};

/* How much of @path the closest of a list's directories covers */
static size_t covered(const char *const *list, const char *path)
{
	size_t most = 0;

	for (; *list; list++) {
		size_t len = strlen(*list);

		if (len > most && strncmp(path, *list, len) == 0 && (path[len] == '\0' || path[len] == '/'))
			most = len;
	}
	return most;
}

static bool is_served(const struct hostwatch *h, const char *path)
{
	return covered(h->cfg.served, path) > covered(h->cfg.native, path);
}

/* ---- the thread ---- */

/* FNV-1a: two names of a batch that share it lose an event once in 2^64 */
static bool is_told(struct hostwatch *h, const char *path)
{
	uint64_t key = UINT64_C(0xcbf29ce484222325);

	for (const char *p = path; *p; p++)
		key = (key ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
	for (size_t i = 0; i < h->told_count; i++)
		if (h->told[i] == key)
			return true;
	if (h->told_count < TOLD_MAX)
		h->told[h->told_count++] = key;
	return false;
}

static void drop(struct watch *w)
{
	free(w->path);
	*w = (struct watch){ .wd = 0 };
}

/* What an event is about. False: nothing to be told of */
static bool change_of(struct hostwatch *h, const struct inotify_event *ev, struct change *ret)
{
	const struct watch *w = &h->watch[(unsigned int)ev->wd % HOSTWATCH_MAX];
	int n = -1;

	(void)pthread_mutex_lock(&h->lock);	/* for ever initialised */
	if (w->wd == ev->wd && !(ev->mask & IN_IGNORED)) {
		ret->watched = w->real;
		n = snprintf(ret->path, sizeof(ret->path), "%s%s%s", w->path, ev->len ? "/" : "", ev->len ? ev->name : "");
	}
	(void)pthread_mutex_unlock(&h->lock);
	if (n < 0 || (size_t)n >= sizeof(ret->path))
		return false;
	ret->name = strrchr(ret->path, '/') + 1;
	ret->mask = ev->mask;
	return ret->name > ret->path + 1;
}

/* Gone, or no longer where it was: its directory tells of that, if somebody watches it */
static void forget(struct hostwatch *h, const struct inotify_event *ev)
{
	struct watch *w = &h->watch[(unsigned int)ev->wd % HOSTWATCH_MAX];

	(void)pthread_mutex_lock(&h->lock);	/* as above */
	if (w->wd == ev->wd) {
		if (!(ev->mask & IN_IGNORED))
			(void)inotify_rm_watch(h->inotify_fd, w->wd);	/* ours; or gone a moment ago */
		drop(w);
	}
	(void)pthread_mutex_unlock(&h->lock);
}

static dev_t device_of(const struct statx *st)
{
	return makedev(st->stx_dev_major, st->stx_dev_minor);
}

static bool is_own(const struct hostwatch *h, const struct change *c, const struct stat *st)
{
	const struct statx *w = &c->watched;

	if (fusefs_changed_recently(h->cfg.fusefs, device_of(w), w->stx_ino, S_ISDIR(w->stx_mode) ? c->name : NULL))
		return true;
	return st && fusefs_changed_recently(h->cfg.fusefs, st->st_dev, st->st_ino, NULL);
}

/* A watched file that has lost its name: to another, or altogether */
static bool is_replaced(const struct change *c, const struct stat *st)
{
	const struct statx *w = &c->watched;

	return !S_ISDIR(w->stx_mode) && (!st || st->st_ino != w->stx_ino || st->st_dev != device_of(w));
}

static void tell_replaced(struct hostwatch *h, struct change *c)
{
	struct stat st, *there = lstat(c->path, &st) == 0 ? &st : NULL;

	if (is_own(h, c, there) || !is_replaced(c, there))
		return;
	c->name[-1] = '\0';
	fusefs_tell_replaced(h->cfg.fusefs, h->view_root, c->path, c->name, &c->watched);
}

static void tell(struct hostwatch *h, struct change *c)
{
	struct stat st;
	bool is_there = lstat(c->path, &st) == 0;

	if (is_own(h, c, is_there ? &st : NULL) || is_told(h, c->path))
		return;
	c->name[-1] = '\0';
	if (is_there)
		fusefs_tell_changed(h->cfg.fusefs, h->view_root, c->path, c->name);
	else if (c->mask & GONE_MASK)
		fusefs_tell_gone(h->cfg.fusefs, h->view_root, c->path, c->name, c->mask & IN_ISDIR);
}

/* Events were lost: everything that is watched may have changed */
static void tell_all(struct hostwatch *h)
{
	for (size_t i = 0; i < HOSTWATCH_MAX; i++) {
		struct change c = { .mask = 0 };
		bool is_set;

		(void)pthread_mutex_lock(&h->lock);	/* as above */
		is_set = h->watch[i].wd && strlen(h->watch[i].path) < sizeof(c.path);
		if (is_set)
			(void)strcpy(c.path, h->watch[i].path);	/* fits */
		(void)pthread_mutex_unlock(&h->lock);
		c.name = strrchr(c.path, '/');
		if (is_set && c.name++)
			tell(h, &c);
	}
}

static void tell_batch(struct hostwatch *h, const char *buf, size_t len)
{
	const struct inotify_event *ev;
	struct change c;

	h->told_count = 0;
	/* A file that has lost its name hears of it by that name: before the new one takes it */
	for (size_t at = 0; at < len; at += sizeof(*ev) + ev->len) {
		ev = (const void *)(buf + at);
		if (ev->len == 0 && change_of(h, ev, &c))
			tell_replaced(h, &c);
	}
	for (size_t at = 0; at < len; at += sizeof(*ev) + ev->len) {
		ev = (const void *)(buf + at);
		if (ev->mask & IN_Q_OVERFLOW)
			tell_all(h);
		else if (change_of(h, ev, &c))
			tell(h, &c);
		if (ev->mask & (IN_IGNORED | IN_MOVE_SELF))
			forget(h, ev);
	}
}

static void *serve(void *arg)
{
	const struct timespec gather = { .tv_nsec = GATHER_NS };
	_Alignas(struct inotify_event) char buf[BUFFER_SIZE];
	struct hostwatch *h = arg;
	struct pollfd p = { .fd = h->inotify_fd, .events = POLLIN };
	ssize_t n;

	do {
		(void)poll(&p, 1, -1);		/* if it fails, the read waits */
		(void)nanosleep(&gather, NULL);	/* sooner does no harm */
		n = read(h->inotify_fd, buf, sizeof(buf));
		if (n > 0)
			tell_batch(h, buf, (size_t)n);
	} while (n > 0 || errno == EINTR);
	return NULL;
}

/* ---- whoever adds ---- */

static int start(struct hostwatch *h, int view_root)
{
	sigset_t all, old;
	pthread_t thread;
	int r;

	h->view_root = fcntl(view_root, F_DUPFD_CLOEXEC, 0);
	if (h->view_root < 0)
		return -errno;
	h->inotify_fd = inotify_init1(IN_CLOEXEC);
	if (h->inotify_fd < 0)
		return -errno;
	fusefs_watch_begin(h->cfg.fusefs);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);	/* signals are other threads' business */
	r = pthread_create(&thread, NULL, serve, h);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (r == 0)
		(void)pthread_detach(thread);	/* ends with the process */
	return -r;
}

/* The real object of that path; links were followed inside, so there are none */
static int open_real(const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

static void keep(struct hostwatch *h, int wd, const char *path, const struct statx *real)
{
	struct watch *w = &h->watch[(unsigned int)wd % HOSTWATCH_MAX];
	char *copy = strdup(path);

	if (w->wd && w->wd != wd)
		(void)inotify_rm_watch(h->inotify_fd, w->wd);	/* may have gone by itself */
	drop(w);
	if (copy)
		*w = (struct watch){ wd, *real, copy };
	else
		(void)inotify_rm_watch(h->inotify_fd, wd);	/* ours */
}

void hostwatch_add(void *hostwatch, int view_root, const char *path)
{
	struct hostwatch *h = hostwatch;
	cleanup_fd int real = -1;
	struct statx st;
	char name[32];
	int wd;

	if (!is_served(h, path))
		return;
	real = open_real(path);
	if (real < 0 || statx(real, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &st) < 0 ||
	    !(S_ISDIR(st.stx_mode) || S_ISREG(st.stx_mode)))
		return;
	(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", real);	/* always fits */
	(void)pthread_mutex_lock(&h->lock);	/* for ever initialised */
	if (!h->is_started && !h->is_broken) {
		h->is_broken = start(h, view_root) < 0;
		h->is_started = !h->is_broken;
	}
	if (h->is_started) {
		wd = inotify_add_watch(h->inotify_fd, name, WATCH_MASK);
		if (wd > 0)
			keep(h, wd, path, &st);
	}
	(void)pthread_mutex_unlock(&h->lock);
}

int hostwatch_new(struct hostwatch **ret, const struct hostwatch_config *cfg)
{
	struct hostwatch *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->cfg = *cfg;
	h->inotify_fd = h->view_root = -1;
	(void)pthread_mutex_init(&h->lock, NULL);	/* default attributes: cannot fail */
	*ret = h;
	return 0;
}
