/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/locks.c - flock(2): locks of whole files hold between the cage and what runs outside
 *
 * DOC: Theory of operation
 *
 * An open file inside has a descriptor of its own here, so its lock is that
 * descriptor's, and the kernel of the real file system settles who has it.
 * Nobody waits in flock(): who must wait stands in a list, and a thread, started
 * for the first of them, tries for each whenever something is unlocked or
 * closed inside, and every few milliseconds for what is unlocked outside. An
 * interrupt takes a waiter out of the list.
 *
 * fcntl(2) locks are the kernel's own, inside the cage only: they end with any
 * close of the file, of which we would have to be told at each close there is.
 */
#include "fusefs/locks.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>

#include "fusefs/reply.h"

#define RETRY_NS	10000000L

/** struct waiter - One call that is held */
struct waiter {
	struct waiter *next;
	uint64_t serial;
	fuse_req_t req;
	int fd;			/* the handle's: the kernel keeps the file open while a call on it waits */
	int op;
	bool is_ready;		/* can be interrupted, and so may be answered */
};

struct locks {
	pthread_mutex_t lock;		/* inner to that of a request of libfuse */
	pthread_cond_t wake;
	struct waiter *first;		/* in the order they came */
	uint64_t serial;
	atomic_bool has_waiters;
	bool is_started, is_ended, is_released;
	pthread_t thread;
};

struct locks *locks_new(void)
{
	struct locks *l = calloc(1, sizeof(*l));
	pthread_condattr_t attr;

	if (!l)
		return NULL;
	(void)pthread_mutex_init(&l->lock, NULL);	/* default attributes: these cannot fail */
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&l->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	return l;
}

static void locks_lock(struct locks *l)
{
	(void)pthread_mutex_lock(&l->lock);	/* for ever initialised */
}

static void locks_unlock(struct locks *l)
{
	(void)pthread_mutex_unlock(&l->lock);	/* ours */
}

/* Under @lock */
static void waiter_add(struct locks *l, struct waiter *w)
{
	struct waiter **p = &l->first;

	while (*p)
		p = &(*p)->next;
	*p = w;
	w->serial = ++l->serial;
	atomic_store(&l->has_waiters, true);
}

/* Under @lock. NULL: it is not there any more */
static struct waiter *waiter_take(struct locks *l, fuse_req_t req)
{
	for (struct waiter **p = &l->first; *p; p = &(*p)->next) {
		struct waiter *w = *p;

		if (w->req != req)
			continue;
		*p = w->next;
		atomic_store(&l->has_waiters, l->first != NULL);
		return w;
	}
	return NULL;
}

static int try_lock(int fd, int op)
{
	int r;

	do
		r = flock(fd, op | LOCK_NB);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

/* The answer to a waiter that is in no list any more */
static void answer(struct waiter *w, int r)
{
	if (fuse_reply_err(w->req, -r) < 0 && r == 0)
		(void)flock(w->fd, LOCK_UN);	/* the caller has gone, and the file with it */
	free(w);
}

/* Under @lock, and back under it: the first whose turn it is. False: nobody's */
static bool serve_one(struct locks *l)
{
	for (struct waiter *w = l->first; w; w = w->next) {
		int r = w->is_ready ? try_lock(w->fd, w->op) : -EWOULDBLOCK;

		if (r == -EWOULDBLOCK)
			continue;
		(void)waiter_take(l, w->req);
		locks_unlock(l);
		answer(w, r);
		locks_lock(l);
		return true;
	}
	return false;
}

static void *serve(void *arg)
{
	struct locks *l = arg;

	locks_lock(l);
	while (!l->is_ended) {
		struct timespec until;

		(void)clock_gettime(CLOCK_MONOTONIC, &until);	/* exists on every Linux */
		until.tv_nsec += RETRY_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		if (!l->is_released && !l->first)
			(void)pthread_cond_wait(&l->wake, &l->lock);	/* may wake for nothing: hence the loop */
		else if (!l->is_released)
			(void)pthread_cond_timedwait(&l->wake, &l->lock, &until);	/* as above */
		l->is_released = false;
		while (!l->is_ended && serve_one(l))
			;
	}
	locks_unlock(l);
	return NULL;
}

/* Under @lock */
static int start(struct locks *l)
{
	sigset_t all, old;
	int r;

	if (l->is_started)
		return 0;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);	/* signals are other threads' business */
	r = pthread_create(&l->thread, NULL, serve, l);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	l->is_started = r == 0;
	return -r;
}

void locks_released(struct locks *l)
{
	if (!atomic_load(&l->has_waiters))
		return;
	locks_lock(l);
	l->is_released = true;
	(void)pthread_cond_signal(&l->wake);	/* cannot fail */
	locks_unlock(l);
}

/* Called with the lock of the request held, by whoever reads its FUSE_INTERRUPT */
static void interrupted(fuse_req_t req, void *arg)
{
	struct locks *l = arg;
	struct waiter *w;

	locks_lock(l);
	w = waiter_take(l, req);
	locks_unlock(l);
	if (w)
		answer(w, -EINTR);
}

/* From here on it is the thread's to answer, or the interrupt's */
static int wait_in_list(struct locks *l, fuse_req_t req, int fd, int op)
{
	struct waiter *w = calloc(1, sizeof(*w));
	uint64_t serial = 0;
	int r;

	if (!w)
		return -ENOMEM;
	*w = (struct waiter){ .req = req, .fd = fd, .op = op };
	locks_lock(l);
	r = start(l);
	if (r == 0) {
		waiter_add(l, w);
		serial = w->serial;
	}
	locks_unlock(l);
	if (r < 0) {
		free(w);
		return -ENOLCK;
	}
	fuse_req_interrupt_func(req, interrupted, l);	/* it may have been interrupted: then @w and @req are gone */
	locks_lock(l);
	for (w = l->first; w && w->serial != serial; w = w->next)
		;
	if (w)
		w->is_ready = true;
	l->is_released = true;		/* it may be free by now */
	(void)pthread_cond_signal(&l->wake);	/* cannot fail */
	locks_unlock(l);
	return 0;
}

void op_flock(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, int op)
{
	struct locks *l = fs_of(req)->locks;
	const struct handle *h = (const struct handle *)(uintptr_t)fi->fh;
	int what = op & (LOCK_SH | LOCK_EX | LOCK_UN), r;

	(void)ino;	/* the handle knows it */
	r = try_lock(h->fd, what);
	if (r == -EWOULDBLOCK && !(op & LOCK_NB)) {
		r = wait_in_list(l, req, h->fd, what);
		if (r == 0)
			return;
	}
	reply_err(req, r);
	if (what == LOCK_UN)
		locks_released(l);
}

struct locks *locks_free(struct locks *l)
{
	if (!l)
		return NULL;
	locks_lock(l);
	l->is_ended = true;
	(void)pthread_cond_signal(&l->wake);	/* cannot fail */
	locks_unlock(l);
	if (l->is_started)
		(void)pthread_join(l->thread, NULL);
	while (l->first)
		answer(waiter_take(l, l->first->req), -EINTR);	/* the mount is gone: the answer is for libfuse's books */
	(void)pthread_mutex_destroy(&l->lock);	/* nobody is left */
	(void)pthread_cond_destroy(&l->wake);
	free(l);
	return NULL;
}
