/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/deliver.c - Sending for somebody else, with its blocking, its time limit and its SIGPIPE
 */
#include "notifyd/send.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/courier.h"
#include "common/proc.h"
#include "notifyd/target.h"

/* MSG_ZEROCOPY means nothing without SO_ZEROCOPY, MSG_FASTOPEN is refused, others are the kernel's own */
#define FLAGS_PASSED (MSG_OOB | MSG_EOR | MSG_MORE | MSG_CONFIRM)

void outgoing_init(struct outgoing *o, struct sock *s, int flags)
{
	memset(o, 0, offsetof(struct outgoing, fd));
	o->fd_count = 0;
	o->pin = -1;
	o->s = s;
	o->flags = flags;
}

void outgoing_release(struct outgoing *o)
{
	for (size_t i = 0; i < o->fd_count; i++)
		(void)close(o->fd[i]);	/* duplicates */
	if (o->pin >= 0)
		(void)close(o->pin);	/* O_PATH */
	free(o->control);
	free(o->iov);
}

/* @size bytes of the message from @off on */
static int gather(const struct call *c, const struct outgoing *o, size_t off, char *buf, size_t size)
{
	for (size_t i = 0; i < o->iov_count && size > 0; i++) {
		size_t have = o->iov[i].iov_len, part;
		int r;

		if (off >= have) {
			off -= have;
			continue;
		}
		part = have - off < size ? have - off : size;
		r = target_read(c, (uint64_t)(uintptr_t)o->iov[i].iov_base + off, buf, part);
		if (r < 0)
			return r;
		buf += part;
		size -= part;
		off = 0;
	}
	return 0;
}

#define SEND_POLL_MS 5

struct limit {
	bool is_blocking;
	uint64_t start, timeout;
};

static struct limit limit_of(const struct outgoing *o)
{
	struct limit l = { .start = now_ns() };
	struct timeval tv = { 0 };
	socklen_t len = sizeof(tv);
	int fl = fcntl(o->s->fd, F_GETFL);

	l.is_blocking = fl >= 0 && !(fl & O_NONBLOCK) && !(o->flags & MSG_DONTWAIT);
	if (l.is_blocking && getsockopt(o->s->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, &len) == 0)
		l.timeout = (uint64_t)tv.tv_sec * 1000000000u + (uint64_t)tv.tv_usec * 1000u;
	return l;
}

/* By the courier, where a receiver may ask who sent it. Never waits */
static ssize_t send_named(struct call *c, const struct outgoing *o, const struct msghdr *m, int flags)
{
	struct courier_parcel p = {
		.sock = o->s->fd, .pin = o->pin, .flags = flags,
		.data = m->msg_iov->iov_base, .data_len = m->msg_iov->iov_len,
		.name = o->pin >= 0 ? NULL : m->msg_name, .name_len = o->pin >= 0 ? 0 : m->msg_namelen,
		.fds = o->fd, .fd_count = m->msg_control ? o->fd_count : 0,
	};
	struct proc_status st;
	ssize_t n;

	if (proc_status(c->tid, &st) < 0)
		return -ESRCH;
	p.sender = st.inner_tgid;
	(void)pthread_mutex_lock(&c->n->courier_lock);	/* not recursive: cannot fail */
	n = courier_send(c->n->cfg.courier_sock, &p);
	(void)pthread_mutex_unlock(&c->n->courier_lock);
	return n;
}

/* One attempt that does not wait. Bytes; -errno */
static ssize_t send_now(struct call *c, const struct outgoing *o, const struct msghdr *m, int flags)
{
	ssize_t n;

	if (o->s->domain == AF_UNIX && c->n->wants_credentials && c->n->cfg.courier_sock >= 0)
		return send_named(c, o, m, flags);
	n = sendmsg(o->s->fd, m, flags | MSG_NOSIGNAL | MSG_DONTWAIT);
	return n < 0 ? -errno : n;
}

/* One sendmsg, waited for if it is to block. Bytes; -errno */
static ssize_t send_once(struct call *c, const struct outgoing *o, const struct limit *l,
			 const struct msghdr *m, int flags)
{
	struct pollfd room = { .fd = o->s->fd, .events = POLLOUT };
	ssize_t n = send_now(c, o, m, flags);
	int r;

	if (n != -EAGAIN || !l->is_blocking)
		return n;
	r = guard_arm(c->worker);
	while (r == 0 && n == -EAGAIN) {
		(void)poll(&room, 1, SEND_POLL_MS);	/* interrupted by the guard; a datagram's peer may be full, which it does not tell */
		n = send_now(c, o, m, flags);
		if (n != -EAGAIN)
			break;
		r = guard_check(c, l->timeout != 0);
		if (r == 0 && l->timeout && now_ns() - l->start >= l->timeout)
			r = -EAGAIN;
	}
	guard_disarm(c->worker);
	return r < 0 ? r : n;
}

static int64_t send_all(struct call *c, struct outgoing *o, char *buf, size_t buf_size)
{
	struct limit l = limit_of(o);
	bool is_stream = o->s->type == SOCK_STREAM;
	size_t sent = 0;

	for (;;) {
		size_t left = o->total - sent;
		struct iovec iov = { buf, left < buf_size ? left : buf_size };
		struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
		int flags = o->flags & FLAGS_PASSED;
		ssize_t n = gather(c, o, sent, buf, iov.iov_len);

		if (iov.iov_len < left)		/* what they mark is the end of the message */
			flags &= ~(MSG_OOB | MSG_EOR);
		if (o->has_name) {
			m.msg_name = &o->name.sa;
			m.msg_namelen = o->name.len;
		}
		if (sent == 0 && o->control_len > 0) {
			m.msg_control = o->control;
			m.msg_controllen = o->control_len;
		}
		if (n == 0)
			n = send_once(c, o, &l, &m, flags);
		if (n < 0)
			return sent > 0 ? (int64_t)sent : n;
		sent += (size_t)n;
		if (!is_stream || sent >= o->total)
			return (int64_t)sent;
		if (n == 0 || ((size_t)n < iov.iov_len && !l.is_blocking))
			return (int64_t)sent;
	}
}

int64_t outgoing_deliver(struct call *c, struct outgoing *o)
{
	size_t size = o->total < SEND_BYTES_MAX ? o->total : SEND_BYTES_MAX;
	cleanup_free char *buf = NULL;
	int64_t r;

	if (o->s->type != SOCK_STREAM && o->total > SEND_BYTES_MAX)
		return -EMSGSIZE;
	buf = malloc(size + 1);
	if (!buf)
		return -ENOMEM;
	r = send_all(c, o, buf, size);
	/* only streams raise it; pending before the answer, so it is handled on the way out of the call */
	if (r == -EPIPE && o->s->type == SOCK_STREAM && !(o->flags & MSG_NOSIGNAL) && target_valid(c) == 0)
		(void)syscall(SYS_tkill, c->tid, SIGPIPE);	/* gone: then nobody needs it */
	return r;
}
