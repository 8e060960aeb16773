/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/loop.c - Receive, dispatch, reply: the one place that answers
 */
#include "notifyd/doorman.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/newer.h"
#include "notifyd/pins.h"

void reply_result(struct call *c, int64_t result)
{
	c->reply.kind = REPLY_VALUE;
	c->reply.err = result < 0 ? (int)-result : 0;
	c->reply.value = result < 0 ? 0 : result;
}

/* ---- the answer ---- */

/* Hands in the descriptor and answers with its number; -EMFILE of the caller's table is still unanswered */
static int send_fd_in(struct call *c)
{
	struct seccomp_notif_addfd add = {
		.id = c->id, .flags = SECCOMP_ADDFD_FLAG_SEND,
		.srcfd = (uint32_t)c->reply.fd, .newfd_flags = c->reply.fd_flags,
	};
	int r;

	do
		r = ioctl(c->n->cfg.listener_fd, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

static int send_reply(struct call *c)
{
	struct seccomp_notif_resp *resp = c->worker->resp;

	if (c->reply.kind == REPLY_FD) {
		int r = send_fd_in(c);

		(void)close(c->reply.fd);	/* ours; the caller has its own */
		if (r == 0 || r == -ENOENT || r == -ESRCH)
			return r;
		reply_result(c, r);
	}
	memset(resp, 0, c->n->resp_size);
	resp->id = c->id;
	if (c->reply.kind == REPLY_CONTINUE) {
		resp->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	} else {
		resp->error = -c->reply.err;
		resp->val = c->reply.err ? 0 : c->reply.value;
	}
	/* ENOENT: the caller has gone, nobody is waiting for this */
	return ioctl(c->n->cfg.listener_fd, SECCOMP_IOCTL_NOTIF_SEND, resp) < 0 ? -errno : 0;
}

static void serve(struct call *c, const struct handler *h)
{
	int sent;

	if (h)
		h->handle(c);
	sent = send_reply(c);
	if (c->after)
		c->after(c, sent);
}

/* ---- receiving ---- */

enum received { RECEIVED_CALL, RECEIVED_NOTHING, RECEIVED_END };

static enum received receive(struct worker *w, struct call *ret)
{
	struct notifyd *n = w->n;
	struct pollfd p = { .fd = n->cfg.listener_fd };

	memset(w->notif, 0, n->notif_size);	/* the kernel insists */
	if (ioctl(n->cfg.listener_fd, SECCOMP_IOCTL_NOTIF_RECV, w->notif) == 0) {
		*ret = (struct call){
			.n = n, .worker = w, .id = w->notif->id, .tid = (pid_t)w->notif->pid,
			.nr = w->notif->data.nr, .start_ns = now_ns(), .reply = { .err = EACCES, .fd = -1 },
		};
		memcpy(ret->args, w->notif->data.args, sizeof(ret->args));
		return RECEIVED_CALL;
	}
	if (errno == ENOENT) {
		/* the caller was killed, or (since 6.11) nobody with this filter is left */
		if (poll(&p, 1, 0) == 1 && (p.revents & POLLHUP))
			return RECEIVED_END;
		return RECEIVED_NOTHING;
	}
	return errno == EINTR ? RECEIVED_NOTHING : RECEIVED_END;
}

/* ---- threads ---- */

static void *worker_run(void *arg);

/* Under the lock */
static bool worker_start(struct notifyd *n, bool with_baton)
{
	struct worker *w = &n->worker[n->worker_count];
	sigset_t all, old;
	pthread_attr_t attr;
	int r;

	if (n->worker_count == DOORMAN_THREADS_MAX)
		return false;
	w->n = n;
	w->starts_with_baton = with_baton;
	w->notif = w->notif ? w->notif : calloc(1, n->notif_size);
	w->resp = w->resp ? w->resp : calloc(1, n->resp_size);
	if (!w->notif || !w->resp || pthread_attr_init(&attr) != 0)
		return false;
	(void)pthread_attr_setstacksize(&attr, 512 * 1024);	/* a size of ours: valid */
	(void)sigfillset(&all);		/* cannot fail */
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&w->thread, &attr, worker_run, w);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	(void)pthread_attr_destroy(&attr);
	if (r != 0)
		return false;
	w->is_started = true;
	n->worker_count++;
	return true;
}

enum passed { PASSED_ON, PASSED_ALL_BUSY, PASSED_ALONE };

/* Somebody else receives from now on, unless every thread is busy or there is no other */
static enum passed baton_pass(struct notifyd *n)
{
	enum passed passed = PASSED_ON;

	(void)pthread_mutex_lock(&n->lock);
	if (n->idle_count > 0) {
		n->idle_count--;	/* taken on behalf of the one that wakes */
		n->is_baton_free = true;
		(void)pthread_cond_signal(&n->wake);
	} else if (!worker_start(n, true)) {
		passed = n->worker_count > 1 ? PASSED_ALL_BUSY : PASSED_ALONE;
	}
	(void)pthread_mutex_unlock(&n->lock);
	return passed;
}

static void queue_push(struct notifyd *n, const struct call *c)
{
	struct call *copy = malloc(sizeof(*copy));

	if (!copy) {
		struct call refused = *c;

		serve(&refused, NULL);
		return;
	}
	*copy = *c;
	(void)pthread_mutex_lock(&n->lock);
	copy->next = NULL;
	*n->queue_tail = copy;
	n->queue_tail = &copy->next;
	(void)pthread_cond_signal(&n->wake);
	(void)pthread_mutex_unlock(&n->lock);
}

static void end_all(struct notifyd *n)
{
	(void)pthread_mutex_lock(&n->lock);
	n->is_ended = true;
	(void)pthread_cond_broadcast(&n->wake);
	(void)pthread_mutex_unlock(&n->lock);
}

static bool is_ended(struct notifyd *n)
{
	bool ret;

	(void)pthread_mutex_lock(&n->lock);
	ret = n->is_ended;
	(void)pthread_mutex_unlock(&n->lock);
	return ret;
}

static void hold_baton(struct worker *w)
{
	struct notifyd *n = w->n;
	struct call c;

	for (;;) {
		const struct handler *h;
		enum received got = receive(w, &c);
		enum passed passed;

		if (got == RECEIVED_END || (got == RECEIVED_NOTHING && is_ended(n))) {
			end_all(n);
			return;
		}
		if (got == RECEIVED_NOTHING)
			continue;
		h = handler_find(c.nr);
		if (!h || h->is_quick) {
			serve(&c, h);
			continue;
		}
		passed = baton_pass(n);
		if (passed == PASSED_ALL_BUSY) {
			queue_push(n, &c);	/* the first that is done takes it */
			continue;
		}
		serve(&c, h);
		if (passed == PASSED_ON)
			return;
	}
}

/* Waits for the baton (NULL, *@ret_baton) or a queued call; both unset at the end. Under the lock */
static struct call *next_work(struct notifyd *n, bool *ret_baton)
{
	struct call *c = NULL;

	*ret_baton = false;
	for (;;) {
		if (n->is_ended)
			return NULL;
		if (n->queue) {
			c = n->queue;
			n->queue = c->next;
			if (!n->queue)
				n->queue_tail = &n->queue;
			return c;
		}
		n->idle_count++;
		(void)pthread_cond_wait(&n->wake, &n->lock);
		if (n->is_baton_free) {		/* the passer has counted us off */
			n->is_baton_free = false;
			*ret_baton = true;
			return NULL;
		}
		n->idle_count--;
	}
}

static void *worker_run(void *arg)
{
	struct worker *w = arg;
	struct notifyd *n = w->n;
	sigset_t guard;

	(void)sigemptyset(&guard);
	(void)sigaddset(&guard, GUARD_SIGNAL);
	(void)pthread_sigmask(SIG_UNBLOCK, &guard, NULL);
	if (unshare(CLONE_FS) < 0) {	/* a working directory and umask of this thread's own (unix.c) */
		end_all(n);		/* never seen; shut is shut */
		return NULL;
	}
	if (w->starts_with_baton)
		hold_baton(w);
	for (;;) {
		bool baton;
		struct call *c;

		(void)pthread_mutex_lock(&n->lock);
		c = next_work(n, &baton);
		(void)pthread_mutex_unlock(&n->lock);
		if (c) {
			c->worker = w;
			serve(c, handler_find(c->nr));
			free(c);
		} else if (baton) {
			hold_baton(w);
		} else {
			break;
		}
	}
	guard_release(w);
	return NULL;
}

/* ---- start and stop ---- */

static int sizes(struct notifyd *n)
{
	struct seccomp_notif_sizes s;

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &s) < 0)
		return -errno;
	/* the kernel copies its own size, which may have grown */
	n->notif_size = s.seccomp_notif > sizeof(struct seccomp_notif) ?
			s.seccomp_notif : sizeof(struct seccomp_notif);
	n->resp_size = s.seccomp_notif_resp > sizeof(struct seccomp_notif_resp) ?
		       s.seccomp_notif_resp : sizeof(struct seccomp_notif_resp);
	return 0;
}

static uint64_t own_net_cookie(void)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (s < 0)
		return 0;
	if (getsockopt(s, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) < 0)
		cookie = 0;
	(void)close(s);		/* nothing was sent */
	return cookie;
}

static void notifyd_free(struct notifyd *n)
{
	for (size_t i = 0; i < DOORMAN_THREADS_MAX; i++) {
		free(n->worker[i].notif);
		free(n->worker[i].resp);
	}
	if (n->proc_fd >= 0)
		(void)close(n->proc_fd);	/* O_PATH */
	free(n->listeners.slot);
	(void)pthread_mutex_destroy(&n->lock);
	(void)pthread_mutex_destroy(&n->resolver_lock);
	(void)pthread_mutex_destroy(&n->listeners.lock);
	(void)pthread_cond_destroy(&n->wake);
	(void)pthread_cond_destroy(&n->resolver_wake);
	free(n);
}

static void init_locks(struct notifyd *n)
{
	/* with default attributes these cannot fail on Linux */
	(void)pthread_mutex_init(&n->lock, NULL);
	(void)pthread_mutex_init(&n->resolver_lock, NULL);
	(void)pthread_mutex_init(&n->listeners.lock, NULL);
	(void)pthread_cond_init(&n->wake, NULL);
	(void)pthread_cond_init(&n->resolver_wake, NULL);
	n->queue_tail = &n->queue;
	for (size_t i = 0; i < RESOLVER_SOCKETS; i++)
		n->resolver_free[i] = (int)(RESOLVER_SOCKETS - 1 - i);
	n->resolver_free_count = RESOLVER_SOCKETS;
}

int notifyd_start(struct notifyd **ret, const struct notifyd_config *cfg)
{
	struct notifyd *n = calloc(1, sizeof(*n));
	bool started;
	int r;

	if (!n)
		return -ENOMEM;
	n->cfg = *cfg;
	init_locks(n);
	n->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = n->proc_fd < 0 ? -errno : sizes(n);
	if (r == 0)
		r = guard_init();
	if (r < 0) {
		notifyd_free(n);
		return r;
	}
	n->net_cookie = own_net_cookie();
#ifdef AGENTSH_TEETH
	n->is_execstop_off = getenv("AGENTSH_TEETH_OFF") && strstr(getenv("AGENTSH_TEETH_OFF"), "execstop");
#endif
	n->has_by_commands = policy_has_by(cfg->policy, POLICY_SECTION_COMMANDS);
	n->has_by_files = policy_has_by(cfg->policy, POLICY_SECTION_FILES);
	n->has_by_network = policy_has_by(cfg->policy, POLICY_SECTION_NETWORK);
	/* 6.6; without it a wake-up may cross to another CPU and cost 20 us more */
	(void)ioctl(cfg->listener_fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	(void)pthread_mutex_lock(&n->lock);
	started = worker_start(n, true);
	(void)pthread_mutex_unlock(&n->lock);
	if (!started) {
		notifyd_free(n);
		return -EAGAIN;
	}
	*ret = n;
	return 0;
}

void notifyd_stop(struct notifyd *n)
{
	struct timespec pause = { .tv_nsec = 5000000 }, deadline;

	if (!n)
		return;
	end_all(n);
	for (size_t i = 0; i < n->worker_count; i++) {
		struct worker *w = &n->worker[i];

		/* a receiver on a kernel before 6.11 sleeps for ever: interrupt until it has looked */
		do {
			(void)pthread_kill(w->thread, GUARD_SIGNAL);	/* not joined: exists */
			(void)clock_gettime(CLOCK_REALTIME, &deadline);
			deadline.tv_nsec += pause.tv_nsec;
			if (deadline.tv_nsec >= 1000000000) {
				deadline.tv_nsec -= 1000000000;
				deadline.tv_sec++;
			}
		} while (pthread_timedjoin_np(w->thread, NULL, &deadline) == ETIMEDOUT);
	}
	(void)close(n->cfg.listener_fd);
	for (size_t i = 0; i < RESOLVER_SOCKETS; i++)
		(void)close(n->cfg.resolver_socks[i]);	/* the resolver ends by it */
	notifyd_free(n);
}
