/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/socket.c - socket and listen, and what all socket calls share
 */
#include "notifyd/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "notifyd/diag.h"
#include "notifyd/target.h"

#define SOCK_TYPE_MASK 0xf

static int get_int(int fd, int name, int *ret)
{
	socklen_t len = sizeof(*ret);

	return getsockopt(fd, SOL_SOCKET, name, ret, &len) < 0 ? -errno : 0;
}

int sock_take(const struct call *c, int fd, struct sock *ret)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	int r;

	*ret = (struct sock){ .fd = target_fd(c, fd) };
	if (ret->fd < 0)
		return ret->fd;
	r = get_int(ret->fd, SO_DOMAIN, &ret->domain);
	if (r == 0)
		r = get_int(ret->fd, SO_TYPE, &ret->type);
	if (r == 0)
		r = get_int(ret->fd, SO_PROTOCOL, &ret->protocol);
	if (r < 0)
		return r;	/* ENOTSOCK; EBADF for O_PATH */
	/* before 5.14 it cannot be told: then all are outside */
	if (getsockopt(ret->fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len) < 0)
		cookie = 0;
	ret->is_outside = cookie == 0 || c->n->net_cookie == 0 || cookie == c->n->net_cookie;
	return 0;
}

void sock_release(struct sock *s)
{
	if (s->fd >= 0)
		(void)close(s->fd);	/* a duplicate */
	s->fd = -1;
}

int sock_address_read(const struct call *c, uint64_t addr, int len, struct address *ret)
{
	if (len < 0 || (size_t)len > sizeof(ret->storage))
		return -EINVAL;
	memset(ret, 0, sizeof(*ret));
	ret->len = (socklen_t)len;
	return target_read(c, addr, &ret->storage, (size_t)len);
}

/* ---- judging ---- */

struct verdict net_verdict(enum policy_op op, const char *object)
{
	return (struct verdict){ .layer = EVENT_LAYER_NETWORK, .op = op, .object = policy_str(object) };
}

void net_judge(const struct call *c, enum policy_op op, const struct endpoint *e, struct verdict *v)
{
	char exe[PATH_MAX];
	struct policy_request req = {
		.op = op, .traits = POLICY_T_UNKNOWN,
		.subject = subject_of(c, c->n->has_by_network, exe, sizeof(exe)),
		.object = { .kind = POLICY_OBJECT_ADDR, .addr.port = e->port },
	};
	struct policy_decision d;

	memcpy(req.object.addr.ip, e->ip, sizeof(e->ip));
	policy_eval(c->n->cfg.policy, &req, &d);
	if (!v->decision.rule.s)
		v->decision = d;
	else
		policy_merge(&v->decision, &d);
}

enum net_listener net_listener_at(const struct call *c, const struct endpoint *to)
{
	uint64_t cookie;
	int r = to->port == 0 ? -EINVAL : diag_listener_for(to, &cookie);

	if (r == -ENOENT)
		return NET_LISTENER_NOBODY;
	return r == 0 && cookies_has(&c->n->listeners, cookie) ? NET_LISTENER_OWN : NET_LISTENER_FOREIGN;
}

struct foreign_search {
	struct notifyd *n;
	bool has_foreign;
};

static bool see_foreign(const struct endpoint *bound, uint64_t cookie, void *ctx)
{
	struct foreign_search *s = ctx;

	if ((address_is_any(bound) || address_is_loopback(bound)) && !cookies_has(&s->n->listeners, cookie))
		s->has_foreign = true;
	return !s->has_foreign;
}

bool net_is_port_foreign(const struct call *c, uint16_t port)
{
	struct foreign_search s = { .n = c->n };

	if (port == 0)
		return false;
	if (diag_listeners(port, see_foreign, &s) < 0)
		return false;	/* the kernel's own check of the port is left */
	return s.has_foreign;
}

int net_confine(const struct sock *s)
{
	static const char lo[] = "lo";
	char now[IF_NAMESIZE] = "";
	socklen_t len = sizeof(now);

	if (getsockopt(s->fd, SOL_SOCKET, SO_BINDTODEVICE, now, &len) == 0 && strcmp(now, lo) == 0)
		return 0;	/* setting it again wants a capability */
	return setsockopt(s->fd, SOL_SOCKET, SO_BINDTODEVICE, lo, sizeof(lo)) < 0 ? -errno : 0;
}

/* ---- socket ---- */

void handle_socket(struct call *c)
{
	int domain = (int)c->args[0], type = (int)c->args[1], protocol = (int)c->args[2];
	int fd;

	if (domain != AF_INET && domain != AF_INET6) {
		reply_result(c, -EAFNOSUPPORT);
		return;
	}
	if ((type & SOCK_TYPE_MASK) != SOCK_STREAM) {
		reply_result(c, -ESOCKTNOSUPPORT);
		return;
	}
	if (type & ~(SOCK_TYPE_MASK | SOCK_NONBLOCK | SOCK_CLOEXEC)) {
		reply_result(c, -EINVAL);
		return;
	}
	if (protocol != 0 && protocol != IPPROTO_TCP) {	/* MPTCP among them: Go and curl fall back */
		reply_result(c, -EPROTONOSUPPORT);
		return;
	}
	fd = socket(domain, SOCK_STREAM | SOCK_CLOEXEC | (type & SOCK_NONBLOCK), IPPROTO_TCP);
	if (fd < 0) {
		reply_result(c, -errno);
		return;
	}
	c->reply.kind = REPLY_FD;
	c->reply.fd = fd;
	c->reply.fd_flags = type & SOCK_CLOEXEC ? O_CLOEXEC : 0;
}

/* ---- listen ---- */

bool sock_is_v6_only(const struct sock *s)
{
	int on = 0;
	socklen_t len = sizeof(on);

	return getsockopt(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, &len) == 0 && on;
}

/* Judges where the socket is bound, which the kernel knows and nobody can change meanwhile */
static int judge_listen(struct call *c, const struct sock *s, struct verdict *v, char text[ADDRESS_TEXT_SIZE],
			bool *ret_is_any)
{
	struct address a = { .len = sizeof(a.storage) };
	struct endpoint e;

	if (getsockname(s->fd, &a.sa, &a.len) < 0 || address_endpoint(&a, &e) < 0)
		return EINVAL;
	endpoint_text(&e, text);
	*v = net_verdict(POLICY_OP_LISTEN, text);
	*ret_is_any = address_is_any(&e);
	return net_judge_local(c, POLICY_OP_LISTEN, s, &e, v);
}

static int listen_outside(struct call *c, const struct sock *s, int backlog)
{
	char text[ADDRESS_TEXT_SIZE];
	struct verdict v = { 0 };
	bool is_any = true;
	int err = judge_listen(c, s, &v, text, &is_any), r;

	if (!v.object.s)
		return -err;
	err = verdict_tell(c, &v, err);
	if (err)
		return -err;
	/* an unbound socket gets a port of any address: confined like one that was bound so */
	r = is_any ? net_confine(s) : 0;
	if (r == 0)
		r = cookies_add(&c->n->listeners, s->fd);
	if (r == 0 && listen(s->fd, backlog) < 0)
		r = -errno;
	return r;
}

void handle_listen(struct call *c)
{
	struct sock s;
	int r = sock_take(c, (int)c->args[0], &s);

	if (r == 0 && sock_is_judged(&s))
		r = listen_outside(c, &s, (int)c->args[1]);
	else if (r == 0)
		r = listen(s.fd, (int)c->args[1]) < 0 ? -errno : 0;
	sock_release(&s);
	reply_result(c, r);
}
