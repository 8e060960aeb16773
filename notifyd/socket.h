/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/socket.h - A socket of the caller, taken hold of
 */
#ifndef NOTIFYD_SOCKET_H
#define NOTIFYD_SOCKET_H

#include "notifyd/address.h"
#include "notifyd/doorman.h"

/** struct sock - Our duplicate: whatever the caller does with its number, this is the one we act on */
struct sock {
	int fd;
	int domain, type, protocol;
	bool is_outside;	/* of our own network namespace, not of the cage's */
};

/** sock_take() - 0; -EBADF; -ENOTSOCK; -ESRCH. @ret is always safe to give to sock_release() */
int sock_take(const struct call *c, int fd, struct sock *ret) MUST_USE;
void sock_release(struct sock *s);

/** sock_is_judged() - Internet sockets that reach the outside */
static inline bool sock_is_judged(const struct sock *s)
{
	return s->is_outside && (s->domain == AF_INET || s->domain == AF_INET6);
}

/** sock_address_read() - The caller's address, once. 0; -EINVAL; -EFAULT; -ESRCH */
int sock_address_read(const struct call *c, uint64_t addr, int len, struct address *ret) MUST_USE;

/** sock_is_v6_only() - An IPv6 socket that takes no IPv4 */
bool sock_is_v6_only(const struct sock *s);

/** net_judge() - One endpoint against the policy; the stricter of several calls stays in @v */
void net_judge(const struct call *c, enum policy_op op, const struct endpoint *e, struct verdict *v);

/**
 * net_judge_local() - bind or listen at an address: any is judged as loopback, port 0 as every port it can become
 * Return: errno to answer with, > 0; 0 allowed
 */
int net_judge_local(const struct call *c, enum policy_op op, const struct sock *s,
		    const struct endpoint *e, struct verdict *v);

/** net_verdict() - A verdict to begin with: nothing judged yet */
struct verdict net_verdict(enum policy_op op, const char *object);

/** enum net_listener - Who would take a connection on this machine. Zero is the strict answer */
enum net_listener {
	NET_LISTENER_FOREIGN = 0,	/* somebody outside, or it cannot be told */
	NET_LISTENER_OWN,		/* sockets of this session alone */
	NET_LISTENER_NOBODY,
};
enum net_listener net_listener_at(const struct call *c, const struct endpoint *to);

/** net_is_port_foreign() - Somebody outside listens at this port on a loopback or any address */
bool net_is_port_foreign(const struct call *c, uint16_t port);

/** net_confine() - Only the loopback device reaches this socket; 0; -errno */
int net_confine(const struct sock *s) MUST_USE;

/** cookies_add() - Remember a socket as a listener of this session. 0; -errno */
int cookies_add(struct cookies *k, int fd) MUST_USE;
bool cookies_has(struct cookies *k, uint64_t cookie);

/** unix_connect() - connect() of a Unix socket; the result to answer with */
int unix_connect(struct call *c, const struct sock *s, const struct address *a);

/**
 * unix_destination() - Where an addressed datagram may go
 * @a:		In: as asked; out: an address that reaches the pinned socket
 * @ret_pin:	Keep open until it was sent; -1 if there is none
 *
 * Return: 0; -errno, told
 */
int unix_destination(struct call *c, const struct sock *s, struct address *a, int *ret_pin) MUST_USE;

/**
 * guarded_connect() - connect() as the caller would have it: blocking until done, gone or interrupted
 * @is_far:	It will take a while: hand the baton on at once
 */
int guarded_connect(struct call *c, int fd, const struct sockaddr *sa, socklen_t len, bool is_far);

#endif /* NOTIFYD_SOCKET_H */
