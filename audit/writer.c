/* SPDX-License-Identifier: Apache-2.0
 *
 * audit/writer.c - Writes the log: each line whole, before the call it tells of is answered
 *
 * DOC: Two locks, and what a full disk does
 *
 * @lock orders the lines: number, hash and place in the file belong together.
 * What is slow, reading /proc, is done before it is taken. @flush_lock belongs
 * to whoever writes the counted events; it is taken before @lock, never after.
 *
 * A line that does not fit on the disk is taken back whole, its event is not
 * recorded, and the caller refuses the operation. Counted events were answered
 * already: when writing them fails, later ones are refused until it succeeds.
 */
#include "audit/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "audit/batch.h"
#include "audit/chain.h"
#include "audit/format.h"
#include "audit/key.h"
#include "common/cleanup.h"

struct audit {
	pthread_mutex_t lock;		/* chain, size, is_torn, buf, scratch, refused */
	struct chain chain;
	struct chain_key key;
	int fd;
	off_t size;			/* of what is known to be whole */
	bool is_torn;			/* a part of a line stands behind @size */
	bool is_closed;			/* the end record is written, or given up */
	uint64_t refused;
	struct timespec begun;
	char session[64];
	char *buf, *scratch;

	struct who_cache who;

	pthread_mutex_t flush_lock;
	struct batch batch;
	struct batch_table *pending;	/* being written, or failed to be; under flush_lock */
	atomic_int flush_err;		/* -errno of the last attempt */

	pthread_t thread;
	pthread_mutex_t wake_lock;
	pthread_cond_t wake;
	bool is_filled, is_stopping, has_thread;	/* under wake_lock */
};

static int cut_back(struct audit *a)
{
	if (!a->is_torn)
		return 0;
	if (ftruncate(a->fd, a->size) < 0)
		return -EIO;
	a->is_torn = false;
	return 0;
}

/* One write(2), all or nothing. Under lock. */
static int append(struct audit *a, const char *text, size_t len)
{
	int r = a->is_closed ? -ESHUTDOWN : cut_back(a);
	ssize_t n;

	if (r < 0)
		return r;
	do
		n = write(a->fd, text, len);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)len) {
		a->size += n;
		return 0;
	}
	r = n < 0 ? -errno : -ENOSPC;
	a->is_torn = n > 0;
	(void)cut_back(a);	/* tried again before the next line */
	return r;
}

static int write_line(struct audit *a, void (*fill)(struct jsonw *w, const void *arg), const void *arg,
		      const struct chain_key *key)
{
	struct chain next = a->chain;
	ssize_t n = chain_line(&next, a->buf, CHAIN_LINE_MAX, fill, arg, key);
	int r;

	if (n < 0)
		return (int)n;
	r = append(a, a->buf, (size_t)n);
	if (r < 0)
		return r;
	a->chain = next;
	return 0;
}

static int write_event(struct audit *a, const struct event *ev, const struct who_ids *ids,
		       struct policy_str program, uint64_t *ret_seq)
{
	struct format_event f = { .ev = ev, .ids = *ids, .program = program, .count = 1 };
	int r;

	pthread_mutex_lock(&a->lock);
	f.scratch = a->scratch;
	r = write_line(a, format_event, &f, NULL);
	if (r == 0 && ret_seq)
		*ret_seq = a->chain.seq;
	if (r == 0 && ev->decision && ev->decision->verdict != POLICY_ALLOW)
		a->refused++;
	pthread_mutex_unlock(&a->lock);
	return r;
}

/* Format entries from @t->written on, as many as fit into one write. Under lock. */
static size_t fill_lines(struct audit *a, struct batch_table *t, struct chain *next, uint32_t *ret_end)
{
	size_t used = 0;
	uint32_t i = t->written;

	for (; i < t->entry_count; i++) {
		const struct batch_entry *e = &t->entry[i];
		struct event ev = {
			.layer = e->layer, .op = e->op, .flags = EVENT_F_BATCH, .tid = e->ids.tid,
			.object = e->object, .resolved = e->resolved, .decision = &e->decision,
			.latency_ns = e->latency_ns / e->count,
		};
		struct format_event f = { .ev = &ev, .ids = e->ids, .program = e->program, .count = e->count };
		ssize_t n = chain_line(next, a->buf + used, CHAIN_LINE_MAX - used, format_event, &f, NULL);

		if (n < 0)
			break;
		used += (size_t)n;
	}
	*ret_end = i;
	return used;
}

static int write_table(struct audit *a, struct batch_table *t)
{
	int r = 0;

	while (r == 0 && t->written < t->entry_count) {
		struct chain next;
		uint32_t end;
		size_t len;

		pthread_mutex_lock(&a->lock);
		next = a->chain;
		len = fill_lines(a, t, &next, &end);
		r = len > 0 ? append(a, a->buf, len) : -E2BIG;
		if (r == 0)
			a->chain = next;
		pthread_mutex_unlock(&a->lock);
		if (r == 0)
			t->written = end;
	}
	return r;
}

static int flush(struct audit *a)
{
	int r;

	pthread_mutex_lock(&a->flush_lock);
	if (!a->pending)
		a->pending = batch_swap(&a->batch);
	r = write_table(a, a->pending);
	if (r == 0) {
		batch_reset(a->pending);
		a->pending = NULL;
	}
	atomic_store(&a->flush_err, r);
	pthread_mutex_unlock(&a->flush_lock);
	return r;
}


/* Sleeps while there is nothing to write: an idle session wakes nobody */
static void *flush_thread(void *arg)
{
	struct audit *a = arg;

	pthread_mutex_lock(&a->wake_lock);
	while (!a->is_stopping) {
		struct timespec until;

		if (!a->is_filled) {
			pthread_cond_wait(&a->wake, &a->wake_lock);
			continue;
		}
		(void)clock_gettime(CLOCK_REALTIME, &until);	/* cannot fail with this clock */
		until.tv_sec++;
		while (!a->is_stopping && pthread_cond_timedwait(&a->wake, &a->wake_lock, &until) != ETIMEDOUT)
			;
		a->is_filled = false;
		pthread_mutex_unlock(&a->wake_lock);
		int r = flush(a);
		pthread_mutex_lock(&a->wake_lock);
		if (r < 0)
			a->is_filled = true;	/* try again in a second */
	}
	pthread_mutex_unlock(&a->wake_lock);
	return NULL;
}

/* Under wake_lock. With the first event that is counted: a short session has none */
static int start_thread(struct audit *a)
{
	sigset_t all, old;
	int r;

	if (a->has_thread)
		return 0;
	(void)sigfillset(&all);		/* cannot fail */
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);	/* signals are the main thread's business */
	r = pthread_create(&a->thread, NULL, flush_thread, a);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	a->has_thread = r == 0;
	return -r;
}

/* Something is counted. Without a thread to write it in a second, it is written now */
static int wake_writer(struct audit *a)
{
	int r;

	pthread_mutex_lock(&a->wake_lock);
	a->is_filled = true;
	r = a->is_stopping ? 0 : start_thread(a);
	pthread_cond_signal(&a->wake);
	pthread_mutex_unlock(&a->wake_lock);
	return r == 0 ? 0 : flush(a);
}

static int count_event(struct audit *a, const struct event *ev)
{
	bool first;
	int r;

	if (atomic_load(&a->flush_err) < 0) {
		r = flush(a);
		if (r < 0)
			return r;
	}
	for (int tries = 0; tries < 3; tries++) {
		r = batch_add(&a->batch, ev, &a->who, &first);
		if (r == 0 && first)
			return wake_writer(a);
		if (r != -ENOBUFS)
			return r;
		r = flush(a);
		if (r < 0)
			return r;
	}
	return -E2BIG;	/* others fill it faster: written by itself */
}

int audit_event(struct audit *a, const struct event *ev, uint64_t *ret_seq)
{
	char buf[WHO_PROGRAM_MAX];
	struct policy_str program = { buf, 0 };
	struct who_ids ids;
	int r;

	if (ret_seq)
		*ret_seq = 0;
	if (ev->flags & EVENT_F_BATCH && ev->decision && ev->decision->verdict == POLICY_ALLOW && ev->err == 0 &&
	    !(ev->flags & ~EVENT_F_BATCH) && !ev->argv) {
		r = count_event(a, ev);
		if (r != -E2BIG)
			return r;
	}
	who_ids(&a->who, ev->tid, &ids);
	program.len = (uint32_t)who_program(ev->tid, buf, sizeof(buf));
	if (ev->layer == EVENT_LAYER_EXEC) {
		batch_forget(&a->batch, ids.tid);
		batch_forget(&a->batch, ids.tgid);	/* whose id the task has after the exec */
	}
	return write_event(a, ev, &ids, program, ret_seq);
}

static int open_log(const char *session_dir)
{
	cleanup_fd int dir = open(session_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd;

	if (dir < 0)
		return -errno;
	fd = openat(dir, AUDIT_LOG_NAME,
		    O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

/* "log -f" and "log verify" learn from this lock that the session lives */
static void mark_alive(int fd)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	(void)fcntl(fd, F_OFD_SETLK, &lock);	/* without it they only say less; released with the descriptor */
}

static void stop_thread(struct audit *a)
{
	bool has_thread;

	pthread_mutex_lock(&a->wake_lock);
	a->is_stopping = true;
	has_thread = a->has_thread;
	a->has_thread = false;
	pthread_cond_signal(&a->wake);
	pthread_mutex_unlock(&a->wake_lock);
	if (has_thread)
		(void)pthread_join(a->thread, NULL);	/* joinable, and joined once */
}

void audit_free(struct audit *a)
{
	if (!a)
		return;
	stop_thread(a);
	if (a->fd >= 0)
		(void)close(a->fd);	/* synced before, where it matters */
	if (a->batch.active)
		batch_destroy(&a->batch);
	key_forget(&a->key);
	free(a->buf);
	free(a->scratch);
	free(a);
}

static int begin(struct audit *a, const struct audit_options *opt)
{
	struct format_start f = { .opt = opt, .scratch = a->scratch };
	int r;

	if (!a->buf || !a->scratch)
		return -ENOMEM;
	if (strlen(opt->session_id) >= sizeof(a->session))
		return -ENAMETOOLONG;
	strcpy(a->session, opt->session_id);
	a->chain.session = a->session;
	(void)clock_gettime(CLOCK_MONOTONIC, &a->begun);	/* cannot fail with this clock */
	r = key_load(&a->key, opt->key_file, true);
	if (r < 0)
		return r;
	r = batch_init(&a->batch);
	if (r < 0)
		return r;
	a->fd = open_log(opt->session_dir);
	if (a->fd < 0)
		return a->fd;
	mark_alive(a->fd);
	return write_line(a, format_start, &f, NULL);
}

int audit_open(struct audit **ret, const struct audit_options *opt)
{
	struct audit *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	a->fd = -1;
	a->buf = malloc(CHAIN_LINE_MAX);
	a->scratch = malloc(FORMAT_SCRATCH_SIZE);
	who_init(&a->who);
	(void)pthread_mutex_init(&a->lock, NULL);	/* cannot fail with default attributes */
	(void)pthread_mutex_init(&a->flush_lock, NULL);
	(void)pthread_mutex_init(&a->wake_lock, NULL);
	(void)pthread_cond_init(&a->wake, NULL);
	r = begin(a, opt);
	if (r < 0) {
		audit_free(a);
		return r;
	}
	*ret = a;
	return 0;
}

/*
 * The log is on the disk when the session has ended; a command of a moment
 * does not wait for that (1 to 12 ms on a busy machine), its log is only sent
 * on its way. It is whole and signed for everybody who reads it, as ever.
 */
static int to_disk(const struct audit *a)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);	/* cannot fail with this clock */
	if (now.tv_sec - a->begun.tv_sec >= 2)
		return fsync(a->fd);
	/* Where a file system does not know this, it writes it in its own time */
	(void)sync_file_range(a->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return 0;
}

int audit_close(struct audit *a, int wait_status)
{
	struct format_end f = { .wait_status = wait_status };
	int r;

	stop_thread(a);
	r = flush(a);
	if (r == 0)
		r = flush(a);	/* the first may have written an older table */
	pthread_mutex_lock(&a->lock);
	f.refused = a->refused;
	if (r == 0)
		r = write_line(a, format_end, &f, &a->key);	/* only a whole log is signed */
	if (to_disk(a) < 0 && r == 0)
		r = -errno;
	a->is_closed = true;
	key_forget(&a->key);
	pthread_mutex_unlock(&a->lock);
	return r;
}
