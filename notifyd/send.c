/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/send.c - sendto, sendmsg, sendmmsg: all of it is copied, then sent by us
 */
#include "notifyd/send.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "notifyd/target.h"

#define MESSAGES_MAX	1024u	/* UIO_MAXIOV, as sendmmsg cuts it */
#define TOTAL_MAX	((size_t)0x7ffff000)	/* MAX_RW_COUNT */

static int judge_datagram(const struct call *c, const struct address *a)
{
	char text[ADDRESS_TEXT_SIZE];
	struct endpoint e;
	struct verdict v;
	int r = address_endpoint(a, &e);

	if (r < 0)
		return r;
	endpoint_text(&e, text);
	v = net_verdict(POLICY_OP_CONNECT, text);
	net_judge(c, POLICY_OP_CONNECT, &e, &v);
	return -verdict_tell(c, &v, verdict_errno(&v.decision));
}

/* What the kernel answers to an address on a connection-oriented Unix socket */
static int stream_with_name(const struct sock *s)
{
	struct address a = { .len = sizeof(a.storage) };

	return getpeername(s->fd, &a.sa, &a.len) == 0 ? -EISCONN : -EOPNOTSUPP;
}

static int take_name(struct call *c, struct outgoing *o, uint64_t addr, int len)
{
	int r;

	if (addr == 0 || len == 0)
		return 0;
	if (len > (int)sizeof(struct sockaddr_storage))
		len = sizeof(struct sockaddr_storage);	/* so does the kernel */
	r = sock_address_read(c, addr, len, &o->name);
	if (r < 0)
		return r;
	if (o->s->domain == AF_UNIX && o->s->type == SOCK_STREAM)
		return stream_with_name(o->s);
	/* TCP goes where it is connected to; a sequence of packets ignores the address */
	if (o->s->type == SOCK_STREAM || o->s->type == SOCK_SEQPACKET)
		return 0;
	if (o->s->domain == AF_UNIX)
		r = unix_destination(c, o->s, &o->name, &o->pin);
	else if (sock_is_judged(o->s))
		r = judge_datagram(c, &o->name);
	o->has_name = r == 0;
	return r;
}

static int take_iov(const struct call *c, struct outgoing *o, uint64_t addr, size_t count)
{
	int r;

	if (count > IOV_MAX)
		return -EMSGSIZE;
	o->iov = malloc((count + 1) * sizeof(*o->iov));
	if (!o->iov)
		return -ENOMEM;
	r = target_read(c, addr, o->iov, count * sizeof(*o->iov));
	if (r < 0)
		return r;
	o->iov_count = count;
	for (size_t i = 0; i < count; i++) {
		if (o->iov[i].iov_len > SSIZE_MAX)
			return -EINVAL;
		if (o->iov[i].iov_len > TOTAL_MAX - o->total)
			o->iov[i].iov_len = TOTAL_MAX - o->total;
		o->total += o->iov[i].iov_len;
	}
	return 0;
}

static int64_t send_message(struct call *c, struct sock *s, uint64_t addr, int flags)
{
	struct outgoing *o = malloc(sizeof(*o));
	struct msghdr h;
	int64_t r;

	if (!o)
		return -ENOMEM;
	outgoing_init(o, s, flags);
	r = target_read(c, addr, &h, sizeof(h));
	if (r == 0 && (int)h.msg_namelen < 0)
		r = -EINVAL;
	if (r == 0)
		r = take_name(c, o, (uint64_t)(uintptr_t)h.msg_name, (int)h.msg_namelen);
	if (r == 0)
		r = take_iov(c, o, (uint64_t)(uintptr_t)h.msg_iov, h.msg_iovlen);
	if (r == 0)
		r = outgoing_control(c, o, (uint64_t)(uintptr_t)h.msg_control, h.msg_controllen);
	if (r == 0)
		r = outgoing_deliver(c, o);
	outgoing_release(o);
	free(o);
	return r;
}

void handle_sendmsg(struct call *c)
{
	int flags = (int)c->args[2];
	struct sock s;
	int64_t r = sock_take(c, (int)c->args[0], &s);

	if (r == 0 && (flags & MSG_FASTOPEN))
		r = -EOPNOTSUPP;
	if (r == 0)
		r = send_message(c, &s, c->args[1], flags);
	sock_release(&s);
	reply_result(c, r);
}

void handle_sendto(struct call *c)
{
	int flags = (int)c->args[3];
	struct outgoing *o = malloc(sizeof(*o));
	struct sock s;
	int64_t r = sock_take(c, (int)c->args[0], &s);

	if (o)
		outgoing_init(o, &s, flags);
	else
		r = -ENOMEM;
	if (r == 0 && (flags & MSG_FASTOPEN))
		r = -EOPNOTSUPP;
	if (r == 0 && (int)c->args[5] < 0)
		r = -EINVAL;
	if (r == 0)
		r = take_name(c, o, c->args[4], (int)c->args[5]);
	if (r == 0) {
		o->iov = malloc(sizeof(*o->iov));
		r = o->iov ? 0 : -ENOMEM;
	}
	if (r == 0) {
		o->total = c->args[2] < TOTAL_MAX ? c->args[2] : TOTAL_MAX;
		o->iov[0] = (struct iovec){ (void *)(uintptr_t)c->args[1], o->total };
		o->iov_count = 1;
		r = outgoing_deliver(c, o);
	}
	if (o)
		outgoing_release(o);
	free(o);
	sock_release(&s);
	reply_result(c, r);
}

void handle_sendmmsg(struct call *c)
{
	unsigned count = (unsigned)c->args[2], sent;
	int flags = (int)c->args[3];
	struct sock s;
	int64_t r = sock_take(c, (int)c->args[0], &s);

	if (count > MESSAGES_MAX)
		count = MESSAGES_MAX;
	if (r == 0 && (flags & MSG_FASTOPEN))
		r = -EOPNOTSUPP;
	for (sent = 0; r >= 0 && sent < count;) {
		uint64_t at = c->args[1] + sent * sizeof(struct mmsghdr);
		uint32_t len;

		r = send_message(c, &s, at, flags);
		if (r < 0)
			break;
		len = (uint32_t)r;
		sent++;
		/* its length is a result that only the caller's memory can take */
		r = target_write(c, at + offsetof(struct mmsghdr, msg_len), &len, sizeof(len));
	}
	sock_release(&s);
	reply_result(c, r < 0 && sent == 0 ? r : (int64_t)sent);
}
