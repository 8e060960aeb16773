/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/words.h - The event sink of a session: log line first, then words for the agent, counts for the footer
 */
#ifndef CLI_WORDS_H
#define CLI_WORDS_H

#include <stdio.h>

#include "audit/audit.h"
#include "common/event.h"
#include "policy/load.h"

struct words;

struct words_options {
	struct audit *audit;		/* borrowed */
	const struct policy_loaded *loaded;	/* borrowed */
	const char *session_id;
};

/** words_new() - 0; -errno. Ignores SIGXFSZ from then on, for the whole process */
int words_new(struct words **ret, const struct words_options *opt) MUST_USE;
/** words_sink() - What fusefs and notifyd are given. Thread-safe. */
struct event_sink *words_sink(struct words *w);
/** words_footer() - For the person, at the end: what was refused and the flag or rule that would have allowed it; births */
void words_footer(struct words *w, bool json, FILE *out);
void words_free(struct words *w);

/* ---- cli/query.c: the read-only, rate-limited socket that answers "agentsh why" inside ---- */
#define QUERY_VIEW_PATH "/run/agentsh/query.sock"

struct query;
struct query_options {
	const char *socket_path;	/* SESSION/query.sock, made here */
	const char *session_dir;
	const struct policy_loaded *loaded;
};
int query_start(struct query **ret, const struct query_options *opt) MUST_USE;
void query_stop(struct query *q);

#endif /* CLI_WORDS_H */
