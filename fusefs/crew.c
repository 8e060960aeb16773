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
#include <sys/eventfd.h>
#include <unistd.h>

#include "fusefs/caller.h"

#define CREW_SIZE	4
#define WATCH_MS	50
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
	atomic_int reader;		/* changed under @lock, looked at without */
	atomic_uint serial;		/* requests begun by readers */
	atomic_bool busy;		/* the reader is serving one */
	atomic_bool watch_sleeps;
	bool stop;			/* under @lock */
	struct hand hand[CREW_SIZE];	/* under @lock: started when nobody else is free */
	int hand_count, idle;

	int wake_fd;			/* for the watch: it should look again */
	unsigned int last, looks;	/* the watch's: @serial at its last look, looks without anything new */
};

static void crew_lock(struct crew *c)
{
	(void)pthread_mutex_lock(&c->lock);	/* initialised, and not held by us */
}

static void crew_unlock(struct crew *c)
{
	(void)pthread_mutex_unlock(&c->lock);	/* ours */
}

static int start_hand(struct crew *c);

static bool take_turn(struct hand *h)
{
	struct crew *c = h->crew;
	bool stop;

	crew_lock(c);
	c->idle++;
	while (!c->stop && atomic_load(&c->reader) != NOBODY)
		(void)pthread_cond_wait(&c->turn, &c->lock);	/* may wake for nothing: hence the loop */
	c->idle--;
	stop = c->stop;
	if (!stop)
		atomic_store(&c->reader, h->number);
	crew_unlock(c);
	return !stop;
}

/* Under @lock: somebody else is to read */
static void free_turn(struct crew *c)
{
	atomic_store(&c->reader, NOBODY);
	if (c->idle == 0)
		(void)start_hand(c);	/* none to be had: the first that is done reads */
	(void)pthread_cond_signal(&c->turn);	/* cannot fail */
}

static void give_turn(struct crew *c, int from)
{
	crew_lock(c);
	if (atomic_load(&c->reader) == from)
		free_turn(c);
	crew_unlock(c);
}

/* The mount is gone, and everybody inside with it */
static void end_all(struct crew *c)
{
	crew_lock(c);
	c->stop = true;
	(void)pthread_cond_broadcast(&c->turn);	/* cannot fail */
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
	static const uint64_t one = 1;
	struct crew *c = h->crew;

	translate(buf);
	if (is_long(buf)) {
		give_turn(c, h->number);
		fuse_session_process_buf(c->fs->session, buf);
		return;
	}
	atomic_fetch_add(&c->serial, 1);
	atomic_store(&c->busy, true);
	if (atomic_load(&c->watch_sleeps) && atomic_exchange(&c->watch_sleeps, false))
		(void)!write(c->wake_fd, &one, sizeof(one));	/* full: then it wakes anyway */
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

static void free_buf(void *arg)
{
	struct fuse_buf *buf = arg;

	free(buf->mem);
}

static void serve_turns(struct hand *h, struct fuse_buf *buf)
{
	struct crew *c = h->crew;
	int r = 0;

	while (atomic_load(&c->reader) == h->number || take_turn(h)) {
		r = receive(c, buf);
		if (r == -EINTR || r == -EAGAIN)
			continue;
		if (r <= 0)
			break;
		serve_one(h, buf);
	}
	if (r == 0)		/* ENODEV */
		end_all(c);
	else
		give_turn(c, h->number);
}

static void *serve(void *arg)
{
	struct hand *h = arg;
	struct fuse_buf buf = { .mem = NULL };
	int old;

	(void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);	/* a valid state */
	caller_thread_init(h->crew->fs);
	pthread_cleanup_push(free_buf, &buf);
	serve_turns(h, &buf);
	pthread_cleanup_pop(1);
	return NULL;
}

int crew_watch_fd(const struct crew *c)
{
	return c->wake_fd;
}

int crew_watch(struct crew *c)
{
	unsigned int serial = atomic_load(&c->serial);
	bool busy = atomic_load(&c->busy);
	uint64_t times;

	(void)!read(c->wake_fd, &times, sizeof(times));	/* only a reason to look */
	crew_lock(c);
	if (serial == c->last && busy)
		free_turn(c);
	crew_unlock(c);
	c->looks = serial == c->last && !busy ? c->looks + 1 : 0;
	c->last = serial;
	if (c->looks < WATCH_IDLE)
		return WATCH_MS;
	atomic_store(&c->watch_sleeps, true);
	return atomic_load(&c->serial) == serial ? -1 : WATCH_MS;	/* one may have begun before it could know */
}

/* Under @lock, or before there is anybody to share with */
static int start_hand(struct crew *c)
{
	struct hand *h = &c->hand[c->hand_count];
	sigset_t all, old;
	int r;

	if (c->hand_count == CREW_SIZE || c->stop)
		return -EAGAIN;
	*h = (struct hand){ .crew = c, .number = c->hand_count };
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);	/* signals are other threads' business */
	r = pthread_create(&h->thread, NULL, serve, h);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	c->hand_count += r == 0;
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
	atomic_store(&c->watch_sleeps, true);
	c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r = c->wake_fd < 0 ? -errno : start_hand(c);
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
	(void)pthread_cond_broadcast(&c->turn);	/* cannot fail */
	crew_unlock(c);
	for (int i = 0; i < c->hand_count; i++)
		(void)pthread_cancel(c->hand[i].thread);	/* it may have ended by itself */
	for (int i = 0; i < c->hand_count; i++)
		(void)pthread_join(c->hand[i].thread, NULL);
	(void)pthread_mutex_destroy(&c->lock);	/* nobody is left */
	(void)pthread_cond_destroy(&c->turn);
	if (c->wake_fd >= 0)
		(void)close(c->wake_fd);	/* nothing to lose */
	free(c);
}
