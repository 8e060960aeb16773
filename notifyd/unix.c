/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/unix.c - Unix sockets by path: only those that were bound in this session
 *
 * A socket file is the session's own if a socket of the cage's network
 * namespace is bound to its inode, which only the kernel says and nobody can
 * forge: a socket that the host bound belongs to another namespace, and an
 * inode is not given out again while a socket holds it.
 */
#include "notifyd/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fdio.h"
#include "notifyd/diag.h"
#include "notifyd/pins.h"

#define REFUSED_MESSAGE "Sockets of programs outside the cage are not for use from inside; only those made in this session."

static uint32_t kernel_dev(unsigned major_no, unsigned minor_no)
{
	return major_no << 20 | minor_no;
}

/* What some file systems (btrfs) show in stat is not the device that the kernel names */
static bool mount_dev(const struct call *c, uint64_t mnt_id, uint32_t *ret)
{
	char path[64];
	cleanup_free char *text = NULL;
	size_t len;

	(void)snprintf(path, sizeof(path), "/proc/%d/mountinfo", c->tid);	/* always fits */
	if (fdio_read_file(AT_FDCWD, path, 1 << 22, &text, &len) < 0)
		return false;
	for (char *line = text; line && *line; line = strchr(line, '\n')) {
		unsigned long id;
		unsigned major_no, minor_no;

		line += *line == '\n';
		if (sscanf(line, "%lu %*u %u:%u", &id, &major_no, &minor_no) == 3 && id == mnt_id) {
			*ret = kernel_dev(major_no, minor_no);
			return true;
		}
	}
	return false;
}

/* 1 bound in that namespace, 0 not; -errno. By what the resolver saw: fusefs may show us nothing */
static int is_bound(const struct call *c, int netlink_fd, int pin, const struct resolver_object *o)
{
	uint32_t dev = kernel_dev(major(o->dev), minor(o->dev)), other;
	struct statx st;
	int r = diag_unix_bound(netlink_fd, dev, o->ino);

	if (r == 0 && statx(pin, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) == 0 &&
	    mount_dev(c, st.stx_mnt_id, &other) && other != dev)
		r = diag_unix_bound(netlink_fd, other, o->ino);
	return r;
}

static bool is_bound_inside(const struct call *c, int pin, const struct resolver_object *o)
{
	cleanup_fd int fd = pins_diag(c);

	return fd >= 0 && is_bound(c, fd, pin, o) == 1;
}

static bool is_bound_outside(const struct call *c, int pin, const struct resolver_object *o)
{
	cleanup_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	return fd < 0 || is_bound(c, fd, pin, o) != 0;	/* not known: say what it may be */
}

static void set_path(struct address *a, const char *path)
{
	memset(a, 0, sizeof(*a));
	a->un.sun_family = AF_UNIX;
	(void)snprintf(a->un.sun_path, sizeof(a->un.sun_path), "%s", path);	/* callers have looked at its length */
	a->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(a->un.sun_path) + 1);
}

static bool is_query_socket(const struct notifyd *n, const char *path)
{
	return n->cfg.query_view_path && n->cfg.query_host_path && strcmp(path, n->cfg.query_view_path) == 0;
}

/* Not the session's own. A file that no socket listens behind is refused as it always is */
static int judge_foreign(const struct call *c, const char *asked, const char *path, int pin,
			 const struct resolver_object *o)
{
	struct policy_request req = {
		.op = POLICY_OP_SOCKET, .traits = POLICY_T_UNKNOWN,
		.object = { .kind = POLICY_OBJECT_PATH, .path = policy_str(path) },
	};
	struct verdict v = {
		.layer = EVENT_LAYER_UNIX, .op = POLICY_OP_SOCKET,
		.object = policy_str(asked), .resolved = policy_str(path),
	};
	int err;

	policy_eval(c->n->cfg.policy, &req, &v.decision);
	err = verdict_errno(&v.decision);
	if (err && !is_bound_outside(c, pin, o))
		return -ECONNREFUSED;
	if (err && v.decision.rule_id == POLICY_RULE_NONE)
		verdict_refuse(&v.decision, "unix-socket", REFUSED_MESSAGE, err);
	return -verdict_tell(c, &v, err);
}

static int reach_path(struct call *c, struct address *a, int *ret_pin)
{
	char asked[sizeof(struct sockaddr_un)], reach[64];
	struct pin_request q = { .dirfd = AT_FDCWD, .path = asked };
	cleanup_free struct resolver_reply *rep = malloc(sizeof(*rep));
	cleanup_fd int pin = -1;
	const char *path;
	int r;

	if (!rep)
		return -ENOMEM;
	address_unix_path(a, asked);
	r = pins_path(c, &q, rep, &pin);
	if (r < 0)
		return r;
	path = pins_text(rep, rep->object[0].path_off);
	if (is_query_socket(c->n, path)) {
		(void)close(steal_fd(&pin));	/* O_PATH; by a descriptor, because the real name may be too long for an address */
		if (c->n->cfg.query(c->n->cfg.query_ctx) < 0)
			return -ECONNREFUSED;
		pin = open(c->n->cfg.query_host_path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
		if (pin < 0)
			return -ECONNREFUSED;
	} else if (!S_ISSOCK(rep->object[0].mode)) {
		return -ECONNREFUSED;
	} else if (!is_bound_inside(c, pin, &rep->object[0])) {
		r = judge_foreign(c, asked, path, pin, &rep->object[0]);
		if (r < 0)
			return r;
	}
	(void)snprintf(reach, sizeof(reach), "/proc/self/fd/%d", pin);	/* always fits */
	set_path(a, reach);
	*ret_pin = steal_fd(&pin);
	return 0;
}

int unix_destination(struct call *c, const struct sock *s, struct address *a, int *ret_pin)
{
	enum unix_name_kind kind;
	int r = address_unix_kind(a, &kind);

	*ret_pin = -1;
	if (r < 0)
		return r;
	if (a->sa.sa_family != AF_UNIX || kind == UNIX_NAME_NONE)
		return -EINVAL;
	if (kind == UNIX_NAME_PATH)
		return reach_path(c, a, ret_pin);
	if (s->is_outside) {	/* passed in from outside: its abstract names are the host's */
		struct verdict v = {
			.layer = EVENT_LAYER_UNIX, .op = POLICY_OP_SOCKET, .object = policy_str("abstract socket"),
		};

		verdict_refuse(&v.decision, "unix-socket", REFUSED_MESSAGE, EACCES);
		return -verdict_tell(c, &v, EACCES);
	}
	return 0;
}

/*
 * Root's sessions: what fusefs serves is closed to whoever is outside the
 * cage's user namespace, us included, but not to the resolver.
 */
static int connect_inside(struct call *c, const struct sock *s, int pin)
{
	for (;;) {
		int r = pins_connect(c, pin, s->fd);

		if (r != -EINTR)
			return r;
		r = guard_check(c, false);
		if (r < 0)
			return r;
	}
}

int unix_connect(struct call *c, const struct sock *s, const struct address *a)
{
	struct address to = *a;
	int pin, r;

	if (a->len >= sizeof(sa_family_t) && a->sa.sa_family == AF_UNSPEC)
		return connect(s->fd, &a->sa, a->len) < 0 ? -errno : 0;	/* a datagram socket lets go of its peer */
	r = unix_destination(c, s, &to, &pin);
	if (r == 0)
		r = guarded_connect(c, s->fd, &to.sa, to.len, false);
	if (r == -EACCES && pin >= 0 && geteuid() == 0)
		r = connect_inside(c, s, pin);
	if (pin >= 0)
		(void)close(pin);	/* O_PATH */
	return r;
}
