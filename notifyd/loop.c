/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/loop.c - Receive, dispatch, reply: the one place that answers
 */
#include "notifyd/doorman.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/lacks.h"
#include "common/newer.h"
#include "notifyd/pins.h"

#define CROWD_EXECS 16

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

void loop_look(const struct call *c)
{
	struct pollfd p = { .fd = c->n->cfg.listener_fd, .events = POLLIN };

	if (c->worker->has_baton && poll(&p, 1, 0) == 1 && (p.revents & POLLIN))
		c->n->crowd = CROWD_EXECS;
}

/*
 * An exec stop is a third of a millisecond off. Having another thread receive
 * until then costs more than the wait, unless there is something to receive
 * (loop_look()): then for some execs to come as well. Should this one take long, the watcher
 * takes the baton.
 */
static void see_through(struct call *c, int sent)
{
	struct notifyd *n = c->n;

	if (n->crowd > 0) {
		n->crowd--;
		(void)baton_release(c->worker);
	}
	c->after(c, sent);
}

static void serve(struct call *c, const struct handler *h)
{
	bool may_hang = h && !h->is_quick;
	int sent;

	if (may_hang)
		baton_begin(c->worker);
	if (h)
		h->handle(c);
	sent = send_reply(c);
	if (c->after)
		see_through(c, sent);
	if (may_hang)
		baton_end(c->worker);
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

void loop_hold(struct worker *w)
{
	struct notifyd *n = w->n;
	struct call c;

	while (w->has_baton) {
		enum received got = receive(w, &c);

		if (got == RECEIVED_END || (got == RECEIVED_NOTHING && baton_is_ended(n))) {
			baton_end_all(n);
			return;
		}
		if (got == RECEIVED_CALL)
			serve(&c, handler_find(c.nr));
	}
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
	if (n->view_root >= 0)
		(void)close(n->view_root);	/* O_PATH */
	free(n->listeners.slot);
	memo_free(&n->memo);
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
	(void)pthread_mutex_init(&n->courier_lock, NULL);
	(void)pthread_mutex_init(&n->listeners.lock, NULL);
	(void)pthread_cond_init(&n->wake, NULL);
	(void)pthread_cond_init(&n->resolver_wake, NULL);
	for (size_t i = 0; i < RESOLVER_SOCKETS; i++)
		n->resolver_free[i] = (int)(RESOLVER_SOCKETS - 1 - i);
	n->resolver_free_count = RESOLVER_SOCKETS;
}

int notifyd_start(struct notifyd **ret, const struct notifyd_config *cfg)
{
	struct notifyd *n = calloc(1, sizeof(*n));
	int r;

	if (!n)
		return -ENOMEM;
	n->cfg = *cfg;
	n->view_root = -1;
	init_locks(n);
	memo_init(&n->memo);
	n->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = n->proc_fd < 0 ? -errno : sizes(n);
	if (r == 0)
		r = guard_init();
	if (r < 0) {
		notifyd_free(n);
		return r;
	}
	n->net_cookie = own_net_cookie();
	/* a tracee's stop is waited for, and need not wake the main thread as well. The signal exists. */
	(void)sigaction(SIGCHLD, &(struct sigaction){ .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP }, NULL);
#ifdef AGENTSH_TEETH
	n->is_pins_off = getenv("AGENTSH_TEETH_OFF") && strstr(getenv("AGENTSH_TEETH_OFF"), "pins");
	n->is_execstop_off = getenv("AGENTSH_TEETH_OFF") && strstr(getenv("AGENTSH_TEETH_OFF"), "execstop");
#endif
	n->has_by_commands = policy_has_by(cfg->policy, POLICY_SECTION_COMMANDS);
	n->has_by_files = policy_has_by(cfg->policy, POLICY_SECTION_FILES);
	n->has_by_network = policy_has_by(cfg->policy, POLICY_SECTION_NETWORK);
	/* 6.6; without it a wake-up may cross to another CPU and cost 20 us more */
	if (!lacks("sync-wake-up"))
		(void)ioctl(cfg->listener_fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	r = baton_start(n);
	if (r < 0) {
		notifyd_free(n);
		return r;
	}
	*ret = n;
	return 0;
}

void notifyd_stop(struct notifyd *n)
{
	if (!n)
		return;
	baton_join(n);
	(void)close(n->cfg.listener_fd);
	for (size_t i = 0; i < RESOLVER_SOCKETS; i++)
		(void)close(n->cfg.resolver_socks[i]);	/* the resolver ends by it */
	notifyd_free(n);
}
