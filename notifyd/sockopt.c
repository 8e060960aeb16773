/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/sockopt.c - setsockopt: a list of what may be set, done on our own copy
 */
#include "notifyd/socket.h"

#include <errno.h>
#include <linux/in6.h>
#include <linux/netlink.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <sys/socket.h>

#include "notifyd/target.h"

#define VALUE_MAX 1024

/* Younger than some headers, or only in those of the kernel, which clash with glibc's */
#ifndef IPV6_ADDR_PREFERENCES
#define IPV6_ADDR_PREFERENCES 72
#endif

#ifndef UDPLITE_SEND_CSCOV
#define UDPLITE_SEND_CSCOV 10
#define UDPLITE_RECV_CSCOV 11
#endif

enum where { WHERE_NONE = 0, WHERE_ANY, WHERE_INSIDE };

struct option {
	int level, name;
	enum where where;
};

static const struct option options[] = {
#define SOCKOPT(level, name, where) { level, name, WHERE_##where },
#include "notifyd/sockopt.def"
#undef SOCKOPT
};

static enum where option_where(int level, int name)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (options[i].level == level && options[i].name == name)
			return options[i].where;
	return WHERE_NONE;
}

static int refuse(const struct call *c, int level, int name)
{
	bool is_reuseport = level == SOL_SOCKET && name == SO_REUSEPORT;
	char text[64];
	struct verdict v;

	(void)snprintf(text, sizeof(text), "setsockopt level %d option %d", level, name);	/* always fits */
	v = net_verdict(POLICY_OP_CONNECT, text);
	v.flags |= EVENT_F_QUIET;
	verdict_refuse(&v.decision, "socket-option", is_reuseport ?
		       "SO_REUSEPORT would share the ports of servers outside the cage. Listen without it." :
		       "This socket option could lead a connection elsewhere than was allowed. Do without it.",
		       is_reuseport ? ENOPROTOOPT : EPERM);
	return -verdict_tell(c, &v, v.decision.err);
}

void handle_setsockopt(struct call *c)
{
	int level = (int)c->args[1], name = (int)c->args[2], len = (int)c->args[4];
	enum where where = option_where(level, name);
	char value[VALUE_MAX] = { 0 };
	struct sock s;
	int r = sock_take(c, (int)c->args[0], &s);

	if (r == 0 && (len < 0 || len > VALUE_MAX))
		r = -EINVAL;
	if (r == 0 && (where == WHERE_NONE || (where == WHERE_INSIDE && s.is_outside)))
		r = refuse(c, level, name);
	if (r == 0)
		r = target_read(c, c->args[3], value, (size_t)len);
	if (r == 0 && s.domain == AF_UNIX && level == SOL_SOCKET && name == SO_PASSCRED)
		c->n->wants_credentials = true;	/* and stays so: sockets are handed on */
	if (r == 0 && setsockopt(s.fd, level, name, value, (socklen_t)len) < 0)
		r = -errno;
	sock_release(&s);
	reply_result(c, r);
}
