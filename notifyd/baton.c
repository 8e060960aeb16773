/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/baton.c - The threads, and which of them receives
 *
 * The baton changes hands under the lock, but for one case: the watch and
 * the holder both want n->inline_seq, and whoever exchanges it has the baton.
 */
#include "notifyd/doorman.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "notifyd/target.h"

#define HANG_NS		(20 * 1000000L)

static void *worker_run(void *arg);

static int thread_start(pthread_t *ret, void *(*run)(void *), void *arg)
{
	pthread_attr_t attr;
	sigset_t all, old;
	int r = pthread_attr_init(&attr);

	if (r != 0)
		return -r;
	(void)pthread_attr_setstacksize(&attr, 512 * 1024);	/* a size of ours: valid */
	(void)sigfillset(&all);		/* cannot fail */
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(ret, &attr, run, arg);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	(void)pthread_attr_destroy(&attr);
	return -r;
}

/* Under the lock: another thread, with the baton */
static int worker_start(struct notifyd *n)
{
	struct worker *w = &n->worker[n->worker_count];
	int r;

	if (n->worker_count == DOORMAN_THREADS_MAX)
		return -EAGAIN;
	w->n = n;
	w->has_baton = true;
	w->notif = w->notif ? w->notif : calloc(1, n->notif_size);
	w->resp = w->resp ? w->resp : calloc(1, n->resp_size);
	if (!w->notif || !w->resp)
		return -ENOMEM;
	r = thread_start(&w->thread, worker_run, w);
	n->worker_count += r == 0;
	return r;
}

/* Somebody else receives from now on; -errno: there is nobody else */
static int give(struct notifyd *n)
{
	int r = 0;

	(void)pthread_mutex_lock(&n->lock);
	if (n->idle_count > 0) {
		n->is_baton_free = true;	/* whoever looks first takes it */
		(void)pthread_cond_signal(&n->wake);
	} else {
		r = worker_start(n);
	}
	(void)pthread_mutex_unlock(&n->lock);
	return r;
}

/* ---- the holder ---- */

static void watch_again(struct notifyd *n)
{
	struct itimerspec hang = { .it_value.tv_nsec = HANG_NS };

	(void)timerfd_settime(n->watch_fd, 0, &hang, NULL);	/* valid: cannot fail */
}

void baton_begin(struct worker *w)
{
	struct notifyd *n = w->n;

	w->inline_seq = ++n->last_seq;
	n->inline_seq = w->inline_seq;
	if (!atomic_exchange(&n->is_watched, true))	/* one call in 20 ms sets it */
		watch_again(n);
}

/* False if the watch was faster */
static bool claim(struct worker *w)
{
	uint64_t mine = w->inline_seq;

	if (mine == 0)
		return true;
	w->inline_seq = 0;
	return atomic_compare_exchange_strong(&w->n->inline_seq, &mine, 0);
}

void baton_end(struct worker *w)
{
	if (w->has_baton && !claim(w))
		w->has_baton = false;
}

bool baton_release(struct worker *w)
{
	if (!w->has_baton)
		return true;
	if (claim(w) && give(w->n) < 0)
		return false;	/* still ours */
	w->has_baton = false;
	return true;
}

/* ---- the watch ---- */

/* It has answered the same call for 20 to 40 ms */
static void take_from_holder(struct notifyd *n, uint64_t seq)
{
	if (!atomic_compare_exchange_strong(&n->inline_seq, &seq, 0))
		return;
	if (give(n) < 0) {	/* every thread is busy: the first that is done takes it */
		(void)pthread_mutex_lock(&n->lock);
		n->is_baton_free = true;
		(void)pthread_mutex_unlock(&n->lock);
	}
}

int notifyd_watch_fd(const struct notifyd *n)
{
	return n->watch_fd;
}

void notifyd_watch(struct notifyd *n)
{
	uint64_t times, seq;

	if (read(n->watch_fd, &times, sizeof(times)) != sizeof(times))
		return;
	/* before the look: a call that begins now sees it, or is seen */
	atomic_store(&n->is_watched, false);
	seq = atomic_load(&n->inline_seq);
	if (seq != 0 && seq == n->watched_seq)
		take_from_holder(n, seq);
	else if (seq != 0 && !atomic_exchange(&n->is_watched, true))
		watch_again(n);
	n->watched_seq = seq;
}

/* ---- threads ---- */

/* True with the baton; false at the end */
static bool wait_for_baton(struct notifyd *n)
{
	bool has_it;

	(void)pthread_mutex_lock(&n->lock);
	while (!n->is_ended && !n->is_baton_free) {
		n->idle_count++;
		(void)pthread_cond_wait(&n->wake, &n->lock);
		n->idle_count--;
	}
	has_it = !n->is_ended;
	n->is_baton_free = false;
	(void)pthread_mutex_unlock(&n->lock);
	return has_it;
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;
	sigset_t guard;

	(void)sigemptyset(&guard);
	(void)sigaddset(&guard, GUARD_SIGNAL);
	(void)pthread_sigmask(SIG_UNBLOCK, &guard, NULL);
	do {
		loop_hold(w);
		w->has_baton = wait_for_baton(w->n);
	} while (w->has_baton);
	guard_release(w);
	target_forget(w);
	return NULL;
}

void baton_end_all(struct notifyd *n)
{
	(void)pthread_mutex_lock(&n->lock);
	n->is_ended = true;
	(void)pthread_cond_broadcast(&n->wake);
	(void)pthread_mutex_unlock(&n->lock);
}

bool baton_is_ended(struct notifyd *n)
{
	bool ret;

	(void)pthread_mutex_lock(&n->lock);
	ret = n->is_ended;
	(void)pthread_mutex_unlock(&n->lock);
	return ret;
}

int baton_start(struct notifyd *n)
{
	int r;

	n->watch_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (n->watch_fd < 0)
		return -errno;
	(void)pthread_mutex_lock(&n->lock);
	r = worker_start(n);
	(void)pthread_mutex_unlock(&n->lock);
	if (r < 0)
		baton_join(n);
	return r;
}

/* A thread that sleeps in the kernel: interrupt it until it has looked */
static void join(pthread_t thread, int signo)
{
	struct timespec deadline;

	do {
		(void)pthread_kill(thread, signo);	/* not joined: exists */
		(void)clock_gettime(CLOCK_REALTIME, &deadline);
		deadline.tv_nsec += 5000000;
		if (deadline.tv_nsec >= 1000000000) {
			deadline.tv_nsec -= 1000000000;
			deadline.tv_sec++;
		}
	} while (pthread_timedjoin_np(thread, NULL, &deadline) == ETIMEDOUT);
}

void baton_join(struct notifyd *n)
{
	baton_end_all(n);
	/* a receiver on a kernel before 6.11 never hears that everybody has gone */
	for (size_t i = 0; i < n->worker_count; i++)
		join(n->worker[i].thread, GUARD_SIGNAL);
}
