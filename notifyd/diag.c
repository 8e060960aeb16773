/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/diag.c - What the kernel knows of sockets: who listens where, who bound a socket file
 *
 * Source: sock_diag(7)
 */
#include "notifyd/diag.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"

#define TCP_LISTEN_STATE 10	/* include/net/tcp_states.h */

/* One message of a dump. 0: go on; 1: enough; -errno */
typedef int (*message_fn)(const struct nlmsghdr *h, void *ctx);

static int read_dump(int fd, message_fn fn, void *ctx)
{
	char buf[16384] __attribute__((aligned(8)));

	for (;;) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);
		int left = (int)n;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		for (struct nlmsghdr *h = (void *)buf; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
			int r;

			if (h->nlmsg_type == NLMSG_DONE)
				return 0;
			if (h->nlmsg_type == NLMSG_ERROR) {
				const struct nlmsgerr *e = NLMSG_DATA(h);

				return e->error < 0 ? e->error : -EIO;
			}
			if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY)
				continue;
			r = fn(h, ctx);
			if (r != 0)
				return r;
		}
	}
}

static int ask(int fd, uint16_t flags, const void *req, size_t size, message_fn fn, void *ctx)
{
	struct {
		struct nlmsghdr h;
		char body[sizeof(struct inet_diag_req_v2)];
	} m = {
		.h = {
			.nlmsg_len = (uint32_t)(NLMSG_LENGTH(0) + size), .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | flags,
		},
	};

	static_assert(sizeof(struct unix_diag_req) <= sizeof(struct inet_diag_req_v2), "m.body is too small");
	memcpy(m.body, req, size);
	if (send(fd, &m, m.h.nlmsg_len, MSG_NOSIGNAL) < 0)
		return -errno;
	return read_dump(fd, fn, ctx);
}

struct listeners {
	diag_listener_fn fn;
	void *ctx;
};

static int one_listener(const struct nlmsghdr *h, void *arg)
{
	const struct listeners *l = arg;
	const struct inet_diag_msg *m = NLMSG_DATA(h);
	struct address a = { .len = sizeof(a.in6) };
	struct endpoint e;

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)))
		return -EIO;
	a.sa.sa_family = m->idiag_family;
	if (m->idiag_family == AF_INET6) {
		memcpy(&a.in6.sin6_addr, m->id.idiag_src, sizeof(a.in6.sin6_addr));
		a.in6.sin6_port = m->id.idiag_sport;
	} else {
		memcpy(&a.in.sin_addr, m->id.idiag_src, sizeof(a.in.sin_addr));
		a.in.sin_port = m->id.idiag_sport;
	}
	if (address_endpoint(&a, &e) < 0)
		return -EIO;
	return l->fn(&e, (uint64_t)m->id.idiag_cookie[1] << 32 | m->id.idiag_cookie[0], l->ctx) ? 0 : 1;
}

int diag_listeners(uint16_t port, diag_listener_fn fn, void *ctx)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	struct listeners l = { fn, ctx };

	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		/* a socket each: what is left of a dump that was ended early goes with it */
		cleanup_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
		struct inet_diag_req_v2 req = {
			.sdiag_family = families[i], .sdiag_protocol = IPPROTO_TCP,
			.idiag_states = 1u << TCP_LISTEN_STATE, .id.idiag_sport = htons(port),
		};
		int r = fd < 0 ? -errno : ask(fd, NLM_F_DUMP, &req, sizeof(req), one_listener, &l);

		/* a kernel without IPv6 has no such handler, and no such listener */
		if (r < 0 && !(families[i] == AF_INET6 && r == -ENOENT))
			return r;
		if (r == 1)
			return 0;
	}
	return 0;
}

static int found(const struct nlmsghdr *h, void *arg)
{
	const struct inet_diag_msg *m = NLMSG_DATA(h);

	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)) || m->idiag_state != TCP_LISTEN_STATE)
		return -EIO;
	*(uint64_t *)arg = (uint64_t)m->id.idiag_cookie[1] << 32 | m->id.idiag_cookie[0];
	return 1;
}

int diag_listener_for(const struct endpoint *to, uint64_t *ret_cookie)
{
	cleanup_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	bool is_v4 = address_is_v4(to);
	struct inet_diag_req_v2 req = {
		.sdiag_family = is_v4 ? AF_INET : AF_INET6, .sdiag_protocol = IPPROTO_TCP,
		.idiag_states = UINT32_MAX,
		.id = {
			.idiag_sport = htons(to->port), .idiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE },
			/* a listener that is confined to the loopback device is met there alone */
			.idiag_if = address_is_loopback(to) ? if_nametoindex("lo") : 0,
		},
	};
	int r;

	if (fd < 0)
		return -errno;
	memcpy(req.id.idiag_src, is_v4 ? to->ip + 12 : to->ip, is_v4 ? 4 : 16);
	r = ask(fd, 0, &req, sizeof(req), found, ret_cookie);
	return r == 1 ? 0 : r < 0 ? r : -EIO;
}

struct bound {
	uint32_t dev, ino;
};

static int one_unix(const struct nlmsghdr *h, void *arg)
{
	const struct bound *want = arg;
	const struct unix_diag_msg *m = NLMSG_DATA(h);
	const struct rtattr *a = (const void *)(m + 1);
	int left = (int)h->nlmsg_len - (int)NLMSG_LENGTH(sizeof(*m));

	for (; RTA_OK(a, left); a = RTA_NEXT(a, left)) {
		struct unix_diag_vfs vfs;

		if (a->rta_type != UNIX_DIAG_VFS || RTA_PAYLOAD(a) < sizeof(vfs))
			continue;
		memcpy(&vfs, RTA_DATA(a), sizeof(vfs));
		if (vfs.udiag_vfs_ino == want->ino && vfs.udiag_vfs_dev == want->dev)
			return 1;
	}
	return 0;
}

int diag_unix_bound(int netlink_fd, uint32_t dev, uint64_t ino)
{
	struct bound want = { .dev = dev, .ino = (uint32_t)ino };	/* the kernel tells 32 bits */
	struct unix_diag_req req = {
		.sdiag_family = AF_UNIX, .udiag_states = UINT32_MAX, .udiag_show = UDIAG_SHOW_VFS,
	};

	return ask(netlink_fd, NLM_F_DUMP, &req, sizeof(req), one_unix, &want);
}
