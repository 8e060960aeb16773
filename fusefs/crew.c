/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/crew.c - The threads that serve, one of which reads
 */
#include "fusefs/crew.h"

#include <errno.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fusefs/caller.h"

#define CREW_SIZE	4
#define WATCH_NS	50000000L
#define WATCH_IDLE	20		/* looks without anything new before the watch sleeps */
#define LONG_IO		(128u * 1024u)	/* the copying alone is worth a thread */
#define NOBODY		(-1)

/** struct hand - One thread */
struct hand {
	struct crew *crew;
	pthread_t thread;
	int number;
};

struct crew {
	struct fusefs *fs;
	pthread_mutex_t lock;
	pthread_cond_t turn;		/* @reader became NOBODY */
	pthread_cond_t work;		/* for the watch: it should look again */
	atomic_int reader;		/* changed under @lock, looked at without */
	atomic_uint serial;		/* requests begun by readers */
	atomic_bool busy;		/* the reader is serving one */
	atomic_bool watch_sleeps;
	bool stop;			/* under @lock */
	struct hand hand[CREW_SIZE];
	int hand_count;
	pthread_t watch;
	bool has_watch;
};

static void crew_lock(struct crew *c)
{
	(void)pthread_mutex_lock(&c->lock);	/* initialised, and not held by us */
}

static void crew_unlock(struct crew *c)
{
	(void)pthread_mutex_unlock(&c->lock);	/* ours */
}

static bool take_turn(struct hand *h)
{
	struct crew *c = h->crew;
	bool stop;

	crew_lock(c);
	while (!c->stop && atomic_load(&c->reader) != NOBODY)
		(void)pthread_cond_wait(&c->turn, &c->lock);	/* may wake for nothing: hence the loop */
	stop = c->stop;
	if (!stop)
		atomic_store(&c->reader, h->number);
	crew_unlock(c);
	return !stop;
}

static void give_turn(struct crew *c, int from)
{
	crew_lock(c);
	if (atomic_load(&c->reader) == from) {
		atomic_store(&c->reader, NOBODY);
		(void)pthread_cond_signal(&c->turn);	/* cannot fail */
	}
	crew_unlock(c);
}

/* Can it take long? The header is the kernel's, and whole: libfuse checks before it hands out the buffer */
static bool is_long(const struct fuse_buf *buf)
{
	const struct fuse_in_header *in = buf->mem;
	const struct fuse_read_in *read = (const void *)(in + 1);

	switch (in->opcode) {
	case FUSE_READ:
		return read->size >= LONG_IO;
	case FUSE_WRITE:
		return in->len >= LONG_IO;
	case FUSE_FSYNC:
	case FUSE_FSYNCDIR:
	case FUSE_FALLOCATE:
	case FUSE_COPY_FILE_RANGE:
	case FUSE_RENAME:
	case FUSE_RENAME2:
		return true;
	default:
		return false;
	}
}

/*
 * libfuse 3.14 does not know O_TMPFILE. The request and its answer are those of
 * a create, with a name that no create can have: op_create() tells them apart.
 */
static void translate(struct fuse_buf *buf)
{
	struct fuse_in_header *in = buf->mem;
	const size_t name_at = sizeof(*in) + sizeof(struct fuse_create_in);

	if (in->opcode == FUSE_TMPFILE && in->len >= name_at + sizeof(FS_NAMELESS) &&
	    memcmp((const char *)buf->mem + name_at, FS_NAMELESS, sizeof(FS_NAMELESS)) == 0)
		in->opcode = FUSE_CREATE;
}

static void serve_one(struct hand *h, struct fuse_buf *buf)
{
	struct crew *c = h->crew;

	translate(buf);
	if (is_long(buf)) {
		give_turn(c, h->number);
		fuse_session_process_buf(c->fs->session, buf);
		return;
	}
	atomic_fetch_add(&c->serial, 1);
	atomic_store(&c->busy, true);
	if (atomic_load(&c->watch_sleeps)) {
		crew_lock(c);
		(void)pthread_cond_signal(&c->work);	/* cannot fail */
		crew_unlock(c);
	}
	fuse_session_process_buf(c->fs->session, buf);
	/* If the turn was taken away meanwhile this is the new reader's mark: then it is watched a little later */
	atomic_store(&c->busy, false);
}

/* crew_stop() cancels threads where they read, and only there */
static int receive(struct crew *c, struct fuse_buf *buf)
{
	int r, old;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, &old);	/* valid states */
	r = fuse_session_receive_buf(c->fs->session, buf);
	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);	/* as above */
	return r;
}

static void *serve(void *arg)
{
	struct hand *h = arg;
	struct crew *c = h->crew;
	struct fuse_buf buf = { .mem = NULL };
	int r, old;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);	/* a valid state */
	caller_thread_init(c->fs);
	while (atomic_load(&c->reader) == h->number || take_turn(h)) {
		r = receive(c, &buf);
		if (r == -EINTR || r == -EAGAIN)
			continue;
		if (r <= 0)
			break;		/* ENODEV: the mount is gone, and everybody inside with it */
		serve_one(h, &buf);
	}
	give_turn(c, h->number);	/* the others find the same */
	free(buf.mem);
	return NULL;
}

/* Until there is something to look at, or the next look is due */
static void watch_wait(struct crew *c, bool idle)
{
	struct timespec until = { 0 };

	if (idle) {
		atomic_store(&c->watch_sleeps, true);
		(void)pthread_cond_wait(&c->work, &c->lock);	/* waking for nothing does no harm */
		atomic_store(&c->watch_sleeps, false);
		return;
	}
	(void)clock_gettime(CLOCK_REALTIME, &until);	/* exists on every Linux */
	until.tv_nsec += WATCH_NS;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	(void)pthread_cond_timedwait(&c->work, &c->lock, &until);	/* as above */
}

static void *watch(void *arg)
{
	struct crew *c = arg;
	unsigned int last = 0, idle = 0;

	crew_lock(c);
	while (!c->stop) {
		unsigned int serial = atomic_load(&c->serial);

		if (serial == last && atomic_load(&c->busy)) {
			atomic_store(&c->reader, NOBODY);
			(void)pthread_cond_signal(&c->turn);	/* cannot fail */
		}
		idle = serial == last && !atomic_load(&c->busy) ? idle + 1 : 0;
		last = serial;
		watch_wait(c, idle >= WATCH_IDLE);
	}
	crew_unlock(c);
	return NULL;
}

static int start_threads(struct crew *c)
{
	sigset_t all, old;
	int r = 0;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);	/* signals are other threads' business */
	while (r == 0 && c->hand_count < CREW_SIZE) {
		struct hand *h = &c->hand[c->hand_count];

		*h = (struct hand){ .crew = c, .number = c->hand_count };
		r = pthread_create(&h->thread, NULL, serve, h);
		c->hand_count += r == 0;
	}
	if (r == 0) {
		r = pthread_create(&c->watch, NULL, watch, c);
		c->has_watch = r == 0;
	}
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -r;
}

int crew_start(struct crew **ret, struct fusefs *fs)
{
	struct crew *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->fs = fs;
	atomic_store(&c->reader, NOBODY);
	(void)pthread_mutex_init(&c->lock, NULL);	/* default attributes: these cannot fail */
	(void)pthread_cond_init(&c->turn, NULL);
	(void)pthread_cond_init(&c->work, NULL);
	r = start_threads(c);
	if (r < 0)
		crew_stop(c);
	else
		*ret = c;
	return r;
}

void crew_stop(struct crew *c)
{
	if (!c)
		return;
	fuse_session_exit(c->fs->session);
	crew_lock(c);
	c->stop = true;
	(void)pthread_cond_broadcast(&c->turn);	/* these cannot fail */
	(void)pthread_cond_broadcast(&c->work);
	crew_unlock(c);
	for (int i = 0; i < c->hand_count; i++)
		(void)pthread_cancel(c->hand[i].thread);	/* it may have ended by itself */
	for (int i = 0; i < c->hand_count; i++)
		(void)pthread_join(c->hand[i].thread, NULL);
	if (c->has_watch)
		(void)pthread_join(c->watch, NULL);
	(void)pthread_mutex_destroy(&c->lock);	/* nobody is left */
	(void)pthread_cond_destroy(&c->turn);
	(void)pthread_cond_destroy(&c->work);
	free(c);
}
