/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/words_tell.c - One line to the refused task's stderr, without ever holding anybody up
 *
 * DOC: Where the line goes
 *
 * What descriptor 2 is, is read from the name that /proc gives it: asking the
 * file itself could ask fusefs, whose thread this may be.
 *
 *	pipe		spliced in, which need not wait whatever its flags say, and which
 *			also works where the pipe was made by another user (su, a service)
 *	terminal	reopened, so that O_NONBLOCK is ours alone, and only in line mode: never into a full-screen program
 *	file		through the task's own description, so that the shared offset moves;
 *			by a thread of its own, because the file may be one that fusefs
 *			serves and the caller may be the thread that would have to serve it
 *	all else	nothing
 */
#include "cli/words_tell.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "common/base.h"
#include "common/cleanup.h"
#include "common/proc.h"

#define SEEN_SETS	256
#define SEEN_WAYS	4
#define BURST		40		/* lines at once */
#define PER_SECOND	20		/* lines after that */
#define QUEUE_MAX	16		/* files that wait for their line */
#define LINE_SIZE	1024
#define PATIENCE_MS	30		/* for a file's line to be there before the call returns */

enum place { PLACE_NONE = 0, PLACE_PIPE, PLACE_TERMINAL, PLACE_FILE };

struct job {
	int fd;
	size_t len;
	char line[LINE_SIZE];
};

struct tell {
	pthread_mutex_t lock;		/* everything below; never held while writing */
	uint64_t seed;			/* of the hash: a collision costs one line of words, no more */
	uint64_t seen[SEEN_SETS][SEEN_WAYS];
	uint8_t next_way[SEEN_SETS];
	uint64_t last_ms, credit;	/* credit: thousandths of a line */

	pthread_t thread;
	bool has_thread;		/* started with the first file */
	pthread_cond_t filled, written;
	struct job queue[QUEUE_MAX];
	uint64_t put_count, taken_count, done_count;
	bool is_stopping;
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);	/* cannot fail with this clock */
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static bool starts(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

static enum place place_of(const char *link)
{
	if (starts(link, "pipe:["))
		return PLACE_PIPE;
	if (starts(link, "/dev/pts/") || starts(link, "/dev/tty") || strcmp(link, "/dev/console") == 0)
		return PLACE_TERMINAL;
	if (starts(link, "/dev/") && !starts(link, "/dev/shm/"))
		return PLACE_NONE;
	return link[0] == '/' ? PLACE_FILE : PLACE_NONE;
}

static ssize_t fd_link(pid_t tid, int fd, char *buf, size_t size)
{
	char path[64];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)tid, fd);	/* fits */
	n = readlink(path, buf, size - 1);
	if (n >= 0)
		buf[n] = '\0';
	return n;
}

static uint64_t hash(uint64_t h, const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		h = (h ^ (uint8_t)s[i]) * 0x100000001b3u;
	return (h ^ 0xff) * 0x100000001b3u;	/* so that "ab" "c" is not "a" "bc" */
}

/* Under lock */
static bool is_seen(const struct tell *t, uint64_t h)
{
	for (size_t i = 0; i < SEEN_WAYS; i++)
		if (t->seen[h % SEEN_SETS][i] == h)
			return true;
	return false;
}

/* Under lock. Forgets the oldest of its set: a line too many, at worst */
static void mark_seen(struct tell *t, uint64_t h)
{
	size_t set = h % SEEN_SETS;

	t->seen[set][t->next_way[set]++ % SEEN_WAYS] = h;
}

/* Under lock */
static bool may_speak(struct tell *t)
{
	uint64_t now = now_ms();

	t->credit += (now - t->last_ms) * PER_SECOND;
	if (t->credit > BURST * 1000)
		t->credit = BURST * 1000;
	t->last_ms = now;
	if (t->credit < 1000)
		return false;
	t->credit -= 1000;
	return true;
}

static void forget_seen(struct tell *t, uint64_t h)
{
	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < SEEN_WAYS; i++)
		if (t->seen[h % SEEN_SETS][i] == h)
			t->seen[h % SEEN_SETS][i] = 0;
	pthread_mutex_unlock(&t->lock);
}

bool tell_wants(struct tell *t, pid_t tid, struct policy_str rule, uint64_t *ret_key)
{
	char link[4200], exe[4096];
	ssize_t exe_len, link_len;
	uint64_t h;
	bool wants;

	link_len = tid > 0 ? fd_link(tid, 2, link, sizeof(link)) : -1;
	if (link_len < 0 || place_of(link) == PLACE_NONE)
		return false;
	exe_len = proc_exe(tid, exe, sizeof(exe));
	h = hash(t->seed, link, (size_t)link_len);
	h = hash(h, exe, exe_len > 0 ? (size_t)exe_len : 0);
	h = hash(h, rule.s, rule.len);
	pthread_mutex_lock(&t->lock);
	wants = !is_seen(t, h) && may_speak(t);
	if (wants)
		mark_seen(t, h);
	pthread_mutex_unlock(&t->lock);
	*ret_key = h;
	return wants;
}

/* All or nothing, at once: a line is one buffer, and there is a place for it or not */
static ssize_t splice_line(int fd, struct policy_str line)
{
	int own[2];
	ssize_t n;

	if (pipe2(own, O_CLOEXEC) < 0)
		return -1;
	n = write(own[1], line.s, line.len);	/* an empty pipe takes it */
	if (n > 0)
		n = splice(own[0], NULL, fd, NULL, (size_t)n, SPLICE_F_NONBLOCK);
	(void)close(own[0]);
	(void)close(own[1]);
	return n;
}

/* SIGPIPE and SIGXFSZ of this write are nobody's business */
static bool write_quietly(int fd, bool is_pipe, struct policy_str line)
{
	static const struct timespec none;
	sigset_t mine, old, pending;
	ssize_t n;

	(void)sigemptyset(&mine);	/* these four cannot fail */
	(void)sigaddset(&mine, SIGPIPE);
	(void)sigaddset(&mine, SIGXFSZ);
	(void)sigpending(&pending);
	if (pthread_sigmask(SIG_BLOCK, &mine, &old) != 0)
		return false;
	n = is_pipe ? splice_line(fd, line) : write(fd, line.s, line.len);
	if (n < 0 && (errno == EPIPE || errno == EFBIG) &&
	    !sigismember(&pending, SIGPIPE) && !sigismember(&pending, SIGXFSZ))
		while (sigtimedwait(&mine, NULL, &none) < 0 && errno == EINTR)
			;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return n > 0;
}

static bool is_line_mode(int fd)
{
	struct termios tio;

	return tcgetattr(fd, &tio) == 0 && tio.c_lflag & ICANON && tio.c_oflag & OPOST;
}

/* @fd is the task's */
static bool write_pipe(int fd, struct policy_str line)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) && write_quietly(fd, true, line);
}

/* Through a description of our own. @fd is the task's */
static bool write_terminal(int fd, struct policy_str line)
{
	char path[64];
	struct stat st;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);	/* fits */
	cleanup_fd int own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return own >= 0 && fstat(own, &st) == 0 && S_ISCHR(st.st_mode) && is_line_mode(own) &&
	       write_quietly(own, false, line);
}

static void write_file(int fd, struct policy_str line)
{
	int flags = fcntl(fd, F_GETFL);
	struct stat st;

	if (flags >= 0 && (flags & O_ACCMODE) != O_RDONLY && !(flags & O_PATH) &&
	    fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		(void)write_quietly(fd, false, line);	/* a full disk: nowhere to say so */
}

static void *file_thread(void *arg)
{
	struct tell *t = arg;

	pthread_mutex_lock(&t->lock);
	for (;;) {
		struct job job;

		while (t->taken_count == t->put_count && !t->is_stopping)
			pthread_cond_wait(&t->filled, &t->lock);
		if (t->taken_count == t->put_count)
			break;
		job = t->queue[t->taken_count++ % QUEUE_MAX];
		pthread_mutex_unlock(&t->lock);
		write_file(job.fd, (struct policy_str){ job.line, (uint32_t)job.len });
		(void)close(job.fd);	/* a copy: the task has its own */
		pthread_mutex_lock(&t->lock);
		t->done_count++;
		pthread_cond_broadcast(&t->written);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

static void until(struct timespec *ret, long ms)
{
	(void)clock_gettime(CLOCK_MONOTONIC, ret);	/* cannot fail with this clock */
	ret->tv_nsec += ms * 1000000;
	ret->tv_sec += ret->tv_nsec / 1000000000;
	ret->tv_nsec %= 1000000000;
}

/* Under lock. Most sessions have a pipe or a terminal there, and need no thread */
static bool has_thread(struct tell *t)
{
	sigset_t all, old;

	if (t->has_thread)
		return true;
	(void)sigfillset(&all);	/* cannot fail */
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	t->has_thread = pthread_create(&t->thread, NULL, file_thread, t) == 0;
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return t->has_thread;
}

/* Takes over @fd */
static void queue_file(struct tell *t, int fd, struct policy_str line)
{
	struct timespec deadline;
	struct job *job;
	uint64_t number;

	pthread_mutex_lock(&t->lock);
	if (t->put_count - t->done_count >= QUEUE_MAX || !has_thread(t)) {
		/* All hang, and closing the copy here could hang as well: it stays open.
		 * tell() stops before it comes to this, but for those on their way */
		pthread_mutex_unlock(&t->lock);
		return;
	}
	job = &t->queue[t->put_count % QUEUE_MAX];
	job->fd = fd;
	job->len = line.len < sizeof(job->line) ? line.len : sizeof(job->line);
	memcpy(job->line, line.s, job->len);
	number = ++t->put_count;
	pthread_cond_signal(&t->filled);
	until(&deadline, PATIENCE_MS);
	while (t->done_count < number &&
	       pthread_cond_timedwait(&t->written, &t->lock, &deadline) == 0)
		;
	pthread_mutex_unlock(&t->lock);
}

static bool is_full(struct tell *t)
{
	bool full;

	pthread_mutex_lock(&t->lock);
	full = t->put_count - t->done_count >= QUEUE_MAX / 2;	/* leaves room for those on their way */
	pthread_mutex_unlock(&t->lock);
	return full;
}

void tell(struct tell *t, pid_t tid, uint64_t key, struct policy_str line)
{
	char link[4200];
	enum place place = fd_link(tid, 2, link, sizeof(link)) < 0 ? PLACE_NONE : place_of(link);
	int fd;

	if (place == PLACE_NONE || (place == PLACE_FILE && is_full(t)))
		return;
	fd = proc_fd(tid, 2);
	if (fd < 0)
		return;
	/* It may have been exchanged since its name was read: ask our copy */
	place = fd_link(getpid(), fd, link, sizeof(link)) < 0 ? PLACE_NONE : place_of(link);
	if (place == PLACE_PIPE || place == PLACE_TERMINAL) {
		if (!(place == PLACE_PIPE ? write_pipe(fd, line) : write_terminal(fd, line)))
			forget_seen(t, key);
		(void)close(fd);
	} else {
		queue_file(t, fd, place == PLACE_FILE ? line : (struct policy_str){ "", 0 });
	}
}

int tell_new(struct tell **ret)
{
	struct tell *t = calloc(1, sizeof(*t));
	pthread_condattr_t attr;

	if (!t)
		return -ENOMEM;
	t->credit = BURST * 1000;
	t->last_ms = now_ms();
	if (getrandom(&t->seed, sizeof(t->seed), 0) < 0)
		t->seed = t->last_ms;	/* good enough: see above */
	(void)pthread_mutex_init(&t->lock, NULL);	/* none of these can fail */
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&t->filled, &attr);
	(void)pthread_cond_init(&t->written, &attr);
	*ret = t;
	return 0;
}

void tell_free(struct tell *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	t->is_stopping = true;
	pthread_cond_signal(&t->filled);
	pthread_mutex_unlock(&t->lock);
	if (t->has_thread)
		(void)pthread_join(t->thread, NULL);	/* joinable, joined once */
	free(t);
}
