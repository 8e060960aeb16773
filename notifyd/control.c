/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/control.c - Control messages: descriptors of the caller, and a list of the rest
 */
#include "notifyd/send.h"

#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "notifyd/target.h"

#define CONTROL_MAX ((size_t)20480)	/* what optmem_max lets through by default */

struct kind {
	int level, type;
};

/* On sockets of the cage's own namespace; on outside sockets they mean nothing or too much */
static const struct kind passed[] = {
	{ IPPROTO_IP, IP_PKTINFO }, { IPPROTO_IP, IP_TOS }, { IPPROTO_IP, IP_TTL },
	{ IPPROTO_IPV6, IPV6_PKTINFO }, { IPPROTO_IPV6, IPV6_TCLASS }, { IPPROTO_IPV6, IPV6_HOPLIMIT },
	{ IPPROTO_UDP, UDP_SEGMENT }, { SOL_SOCKET, SO_TIMESTAMPING },
};

static bool is_passed(const struct outgoing *o, const struct cmsghdr *m)
{
	for (size_t i = 0; !o->s->is_outside && i < ARRAY_SIZE(passed); i++)
		if (passed[i].level == m->cmsg_level && passed[i].type == m->cmsg_type)
			return true;
	return false;
}

static int take_fds(const struct call *c, struct outgoing *o, const struct cmsghdr *m)
{
	size_t count = (m->cmsg_len - CMSG_LEN(0)) / sizeof(int);

	if (count > SEND_FDS_MAX - o->fd_count)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		int theirs, ours;

		memcpy(&theirs, CMSG_DATA(m) + i * sizeof(int), sizeof(theirs));
		ours = target_fd(c, theirs);
		if (ours < 0)
			return ours;
		o->fd[o->fd_count++] = ours;
	}
	return 0;
}

static void add(struct outgoing *o, int level, int type, const void *data, size_t len)
{
	struct cmsghdr *m = (void *)(o->control + o->control_len);

	m->cmsg_level = level;
	m->cmsg_type = type;
	m->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(m), data, len);
	o->control_len += CMSG_SPACE(len);
}

static int translate(const struct call *c, struct outgoing *o, const struct cmsghdr *m)
{
	if (m->cmsg_level == SOL_SOCKET && m->cmsg_type == SCM_RIGHTS)
		return o->s->domain == AF_UNIX ? take_fds(c, o, m) : -EINVAL;
	/* who wants to know is told the truth by the courier (deliver.c); nobody names somebody else */
	if (m->cmsg_level == SOL_SOCKET && m->cmsg_type == SCM_CREDENTIALS)
		return 0;
	if (!is_passed(o, m))
		return -EINVAL;
	add(o, m->cmsg_level, m->cmsg_type, CMSG_DATA(m), m->cmsg_len - CMSG_LEN(0));
	return 0;
}

int outgoing_control(const struct call *c, struct outgoing *o, uint64_t addr, size_t len)
{
	cleanup_free char *copy = NULL;
	struct msghdr walk = { .msg_controllen = len };
	int r;

	if (len == 0 || addr == 0)
		return 0;
	if (len > CONTROL_MAX)
		return -ENOBUFS;
	copy = calloc(1, len + CMSG_SPACE(0));
	/* ours can only be shorter, but for one header of descriptors gathered */
	o->control = calloc(1, len + CMSG_SPACE(SEND_FDS_MAX * sizeof(int)));
	if (!copy || !o->control)
		return -ENOMEM;
	r = target_read(c, addr, copy, len);
	walk.msg_control = copy;
	for (struct cmsghdr *m = CMSG_FIRSTHDR(&walk); r == 0 && m; m = CMSG_NXTHDR(&walk, m)) {
		if (m->cmsg_len < CMSG_LEN(0) || m->cmsg_len > len - (size_t)((char *)m - copy))
			return -EINVAL;
		r = translate(c, o, m);
	}
	if (r == 0 && o->fd_count > 0)
		add(o, SOL_SOCKET, SCM_RIGHTS, o->fd, o->fd_count * sizeof(int));
	return r;
}
