/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/connect.c - connect: on the caller's socket, with our own copy of the address
 */
#include "notifyd/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

static uint64_t send_timeout_ns(int fd)
{
	struct timeval tv = { 0 };
	socklen_t len = sizeof(tv);

	if (getsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, &len) < 0)
		return 0;
	return (uint64_t)tv.tv_sec * 1000000000u + (uint64_t)tv.tv_usec * 1000u;
}

/*
 * Each interruption leaves a TCP socket connecting, and the next connect()
 * waits on; a Unix socket tries again. The caller's own time limit would begin
 * anew each time, so it is kept here.
 */
static int connect_blocking(struct call *c, int fd, const struct sockaddr *sa, socklen_t len)
{
	uint64_t timeout = send_timeout_ns(fd), start = now_ns();
	bool is_tcp = sa->sa_family != AF_UNIX;
	int r = guard_arm(c->worker);

	while (r == 0) {
		if (connect(fd, sa, len) == 0)
			break;
		r = -errno;
		/* connected while we looked: only the call that began it says 0 */
		if (r != -EINTR)
			break;
		r = guard_check(c, timeout != 0);
		if (r == 0 && timeout && now_ns() - start >= timeout)
			r = is_tcp ? -EINPROGRESS : -EAGAIN;
	}
	guard_disarm(c->worker);
	return r;
}

int guarded_connect(struct call *c, int fd, const struct sockaddr *sa, socklen_t len, bool is_far)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	if (flags & O_NONBLOCK)		/* the description's: what the caller set */
		return connect(fd, sa, len) < 0 ? -errno : 0;
	if (is_far && !baton_release(c->worker))
		return -EAGAIN;		/* the last thread must not wait */
	return connect_blocking(c, fd, sa, len);
}

/*
 * Refused by the policy, but what this session listens on is its own; and a
 * port of this machine where nobody listens is answered as the kernel does, so
 * that waiting for a server to come up works.
 */
static int judge_own(const struct call *c, const struct endpoint *e, struct verdict *v, int err)
{
	enum net_listener who = net_listener_at(c, e);

	if (who == NET_LISTENER_NOBODY && address_is_loopback(e))
		return ECONNREFUSED;
	if (who != NET_LISTENER_OWN)
		return err;
	v->decision = (struct policy_decision){
		.verdict = POLICY_ALLOW, .rule_id = POLICY_RULE_NONE, .rule = policy_str("own-listener"),
	};
	return 0;
}

/* Judged as the kernel will take it: by the family of the address, which must be the socket's */
static int connect_outside(struct call *c, const struct sock *s, struct address *a)
{
	char text[ADDRESS_TEXT_SIZE];
	struct endpoint e;
	struct verdict v;
	int err;

	if (a->len >= sizeof(sa_family_t) && a->sa.sa_family == AF_UNSPEC)
		return connect(s->fd, &a->sa, a->len) < 0 ? -errno : 0;	/* lets go; to connect again is judged again */
	err = -address_endpoint(a, &e);
	if (err == 0 && a->sa.sa_family != s->domain)
		err = EAFNOSUPPORT;
	if (err)
		return -err;
	endpoint_text(&e, text);
	address_any_to_loopback(a);
	err = -address_endpoint(a, &e);
	v = net_verdict(POLICY_OP_CONNECT, text);
	net_judge(c, POLICY_OP_CONNECT, &e, &v);
	if (err == 0)
		err = verdict_errno(&v.decision);
	if (err)
		err = judge_own(c, &e, &v, err);
	if (err == ECONNREFUSED)
		return -err;
	err = verdict_tell(c, &v, err);
	return err ? -err : guarded_connect(c, s->fd, &a->sa, a->len, !address_is_loopback(&e));
}

void handle_connect(struct call *c)
{
	struct address a;
	struct sock s;
	int r = sock_take(c, (int)c->args[0], &s);

	if (r == 0)
		r = sock_address_read(c, c->args[1], (int)c->args[2], &a);
	if (r == 0 && sock_is_judged(&s))
		r = connect_outside(c, &s, &a);
	else if (r == 0 && s.domain == AF_UNIX)
		r = unix_connect(c, &s, &a);
	else if (r == 0)	/* of the cage's own namespace, where there is nobody but the cage */
		r = guarded_connect(c, s.fd, &a.sa, a.len, false);
	sock_release(&s);
	reply_result(c, r);
}
