/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/guard.c - Blocking calls made for somebody else, and when to give them up
 *
 * The caller's O_NONBLOCK lies in a description it shares, so it cannot be
 * borrowed for a poll loop. Instead the call blocks as asked, and a timer of
 * this thread interrupts it.
 */
#include "notifyd/doorman.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/proc.h"
#include "notifyd/target.h"

#define GUARD_FIRST_NS		5000000L	/* most calls are done by then; beyond the tick, or the clock is set each time (10 us) */
#define GUARD_INTERVAL_NS	(20 * 1000000L)
#define ERESTARTSYS		512	/* the kernel's: restart if the handler has SA_RESTART, else EINTR */

static void do_nothing(int signo)
{
	(void)signo;	/* its only purpose is the EINTR */
}

int guard_init(void)
{
	struct sigaction sa = { .sa_handler = do_nothing };	/* no SA_RESTART */

	return sigaction(GUARD_SIGNAL, &sa, NULL) < 0 ? -errno : 0;
}

static int timer_make(struct worker *w)
{
	struct sigevent ev;

	memset(&ev, 0, sizeof(ev));
	ev.sigev_notify = SIGEV_THREAD_ID;
	ev.sigev_signo = GUARD_SIGNAL;
	ev._sigev_un._tid = (pid_t)syscall(SYS_gettid);	/* glibc 2.36 has no name for the field */
	if (timer_create(CLOCK_MONOTONIC, &ev, &w->timer) < 0)
		return -errno;
	w->has_timer = true;
	return 0;
}

int guard_arm(struct worker *w)
{
	/* periodic: a first shot before the call has started is made up for by the second */
	struct itimerspec every = {
		.it_value.tv_nsec = GUARD_FIRST_NS, .it_interval.tv_nsec = GUARD_INTERVAL_NS,
	};
	int r = w->has_timer ? 0 : timer_make(w);

	if (r < 0)
		return r;
	return timer_settime(w->timer, 0, &every, NULL) < 0 ? -errno : 0;
}

void guard_disarm(struct worker *w)
{
	struct itimerspec never = { 0 };

	if (w->has_timer)
		(void)timer_settime(w->timer, 0, &never, NULL);	/* a valid timer: cannot fail */
}

void guard_release(struct worker *w)
{
	if (w->has_timer)
		(void)timer_delete(w->timer);	/* valid */
	w->has_timer = false;
}

int guard_check(const struct call *c, bool has_timeout)
{
	struct proc_status st;
	uint64_t deliverable;

	if (target_valid(c) < 0)
		return -ESRCH;
	if (!baton_release(c->worker))
		return -EAGAIN;		/* the last thread must not wait */
	if (proc_status(c->tid, &st) < 0)
		return -ESRCH;
	deliverable = (st.sig_pending | st.sig_shared_pending) & ~st.sig_blocked & ~st.sig_ignored;
	if (!deliverable)
		return 0;
	/*
	 * Only a task that the kernel has marked for a signal restarts; another
	 * would see the bare number 512. A shared signal marks the leader first.
	 */
	if (!has_timeout && ((st.sig_pending & deliverable) || st.tgid == c->tid))
		return -ERESTARTSYS;
	return -EINTR;
}

uint64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);	/* this clock exists */
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}
