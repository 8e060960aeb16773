/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/notifyd.h - The doorman: answers the seccomp notifications of one cage
 */
#ifndef NOTIFYD_NOTIFYD_H
#define NOTIFYD_NOTIFYD_H

#include <sys/types.h>

#include "common/event.h"
#include "notifyd/resolver.h"
#include "policy/policy.h"

struct notifyd;
struct plan;

/** struct notifyd_config - Everything is borrowed until notifyd_stop() */
struct notifyd_config {
	int listener_fd;			/* taken over */
	int resolver_socks[RESOLVER_SOCKETS];	/* our ends; taken over */
	int courier_sock;			/* our end of common/courier.h; borrowed. -1: none */
	const struct policy *policy;
	const struct plan *plan;
	struct event_sink *sink;
	bool tracing;				/* policy allows tracing inside */
	bool nested;
	/* A path socket inside that everybody may connect to (the query socket of "agentsh why"):
	 * its view path, and the host path to connect to; NULL: none */
	const char *query_view_path, *query_host_path;
	int (*query)(void *ctx);		/* before each connection to it: there must be a socket. 0; -errno */
	void *query_ctx;
	/* Until told again with 0: what the resolver's thread @agent does in served trees is @caller's doing.
	 * False: it stands for somebody else already. NULL: nothing is served */
	bool (*acting)(void *ctx, pid_t agent, pid_t caller);
	void *acting_ctx;
	/* Where a redirect's program without a slash is looked for: the session's PATH. NULL: nowhere */
	const char *search_path;
	/* The environment of each new program by the rules for that: a new list, NULL-ended, for each_free();
	 * NULL: no memory, so it must not run. No callback: there are no such rules */
	char **(*each)(void *ctx, char *const *environ);
	void (*each_free)(char **envp);
	void *each_ctx;
	/* inotify_add_watch() inside on this path of the view, before it is done; NULL: nobody wants to know.
	 * @view_root: O_PATH, borrowed */
	void (*watched)(void *ctx, int view_root, const char *path);
	void *watched_ctx;
};

/** notifyd_start() - Starts the receivers. 0; -errno */
int notifyd_start(struct notifyd **ret, const struct notifyd_config *cfg) MUST_USE;

/** notifyd_watch_fd() - Readable: call notifyd_watch(). For the caller's poll, while anybody is inside */
int notifyd_watch_fd(const struct notifyd *n);

/** notifyd_watch() - A receiver may hang in a call it answers: let another receive. Does not wait */
void notifyd_watch(struct notifyd *n);

/** notifyd_stop() - After the cage has ended: join, free */
void notifyd_stop(struct notifyd *n);

#endif /* NOTIFYD_NOTIFYD_H */
