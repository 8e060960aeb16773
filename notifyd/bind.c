/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/bind.c - bind: judged by the address and the port it will have
 *
 * An any-address is judged as loopback and kept as asked; what makes it
 * loopback is the device that listen() binds the socket to (socket.c), so that
 * a client that binds before it connects still reaches what it may reach.
 */
#include "notifyd/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "common/cleanup.h"
#include "common/fdio.h"
#include "notifyd/pins.h"

/* The ports that "any port" can become: a rule must allow both ends */
static void ephemeral_ports(uint16_t *ret_low, uint16_t *ret_high)
{
	cleanup_free char *text = NULL;
	unsigned low, high;
	size_t len;

	*ret_low = 32768;
	*ret_high = 60999;
	if (fdio_read_file(AT_FDCWD, "/proc/sys/net/ipv4/ip_local_port_range", 64, &text, &len) == 0 &&
	    sscanf(text, "%u %u", &low, &high) == 2 && low <= high && high <= UINT16_MAX) {
		*ret_low = (uint16_t)low;
		*ret_high = (uint16_t)high;
	}
}

static void judge_port(const struct call *c, enum policy_op op, const struct sock *s, struct endpoint e,
		       struct verdict *v)
{
	struct endpoint loop;

	if (!address_is_any(&e)) {
		net_judge(c, op, &e, v);
		return;
	}
	endpoint_loopback(s->domain, e.port, &loop);
	net_judge(c, op, &loop, v);
	if (s->domain == AF_INET6 && !sock_is_v6_only(s)) {
		endpoint_loopback(AF_INET, e.port, &loop);
		net_judge(c, op, &loop, v);
	}
}

int net_judge_local(const struct call *c, enum policy_op op, const struct sock *s,
		    const struct endpoint *e, struct verdict *v)
{
	uint16_t low, high;
	struct endpoint at = *e;

	if (e->port != 0) {
		judge_port(c, op, s, *e, v);
	} else {
		ephemeral_ports(&low, &high);
		at.port = low;
		judge_port(c, op, s, at, v);
		at.port = high;
		judge_port(c, op, s, at, v);
	}
	if (verdict_errno(&v->decision))
		return verdict_errno(&v->decision);
	if ((address_is_any(e) || address_is_loopback(e)) && net_is_port_foreign(c, e->port)) {
		verdict_refuse(&v->decision, "port-taken", "A server outside the cage listens at this port. "
			       "Take another.", EADDRINUSE);
		return EADDRINUSE;
	}
	return 0;
}

static int bind_outside(struct call *c, const struct sock *s, struct address *a)
{
	char text[ADDRESS_TEXT_SIZE];
	struct endpoint e;
	struct verdict v;
	int err;

	/* af_inet.c takes AF_UNSPEC with the any-address for AF_INET */
	if (s->domain == AF_INET && a->len >= sizeof(a->in) && a->sa.sa_family == AF_UNSPEC &&
	    a->in.sin_addr.s_addr == htonl(INADDR_ANY))
		a->sa.sa_family = AF_INET;
	err = -address_endpoint(a, &e);
	if (err == 0 && a->sa.sa_family != s->domain)
		err = EAFNOSUPPORT;
	if (err)
		return -err;
	endpoint_text(&e, text);
	v = net_verdict(POLICY_OP_BIND, text);
	err = verdict_tell(c, &v, net_judge_local(c, POLICY_OP_BIND, s, &e, &v));
	if (err)
		return -err;
	return bind(s->fd, &a->sa, a->len) < 0 ? -errno : 0;
}

/*
 * A path is made by the resolver on the socket that we hold, as the caller would:
 * its directory, umask and identity, its name in the eyes of fusefs, and the
 * string that getsockname() gives back, which Go unlinks. Were it the caller's
 * own call, number and address could be others when the kernel looks again.
 */
static int bind_unix(struct call *c, const struct sock *s, const struct address *a)
{
	enum unix_name_kind kind;
	int r = address_unix_kind(a, &kind);

	if (r < 0)
		return r;
	if (a->sa.sa_family != AF_UNIX)
		return -EINVAL;
	if (kind == UNIX_NAME_PATH) {
		char path[sizeof(struct sockaddr_un)];

		address_unix_path(a, path);
		return pins_bind(c, path, s->fd);
	}
	if (s->is_outside) {	/* passed in from outside: its abstract names are the host's */
		struct verdict v = {
			.layer = EVENT_LAYER_UNIX, .op = POLICY_OP_SOCKET, .object = policy_str("abstract socket"),
		};

		verdict_refuse(&v.decision, "unix-socket", "Names of the host's sockets are not for the cage.", EACCES);
		return -verdict_tell(c, &v, EACCES);
	}
	return bind(s->fd, &a->sa, a->len) < 0 ? -errno : 0;
}

void handle_bind(struct call *c)
{
	struct address a;
	struct sock s;
	int r = sock_take(c, (int)c->args[0], &s);

	if (r == 0)
		r = sock_address_read(c, c->args[1], (int)c->args[2], &a);
	if (r == 0 && sock_is_judged(&s))
		r = bind_outside(c, &s, &a);
	else if (r == 0 && s.domain == AF_UNIX)
		r = bind_unix(c, &s, &a);
	else if (r == 0)
		r = bind(s.fd, &a.sa, a.len) < 0 ? -errno : 0;
	sock_release(&s);
	reply_result(c, r);
}
