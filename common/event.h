/* SPDX-License-Identifier: Apache-2.0
 *
 * common/event.h - What fusefs and the doorman tell the rest of the supervisor
 *
 * The two judges include neither the log nor the words. They fill a struct
 * event and hand it to the sink that cli/run.c gave them, before they answer
 * the caller: the sink writes the log line and, for a refusal, the line on the
 * caller's stderr.
 */
#ifndef COMMON_EVENT_H
#define COMMON_EVENT_H

#include <sys/types.h>

#include "common/base.h"
#include "policy/policy.h"

enum event_layer {
	EVENT_LAYER_NONE = 0,
	EVENT_LAYER_FUSEFS,
	EVENT_LAYER_OPEN,		/* doorman: what changes files outside the served trees */
	EVENT_LAYER_EXEC,		/* doorman, before the exec and at the exec stop */
	EVENT_LAYER_NETWORK,
	EVENT_LAYER_UNIX,
	EVENT_LAYER_SESSION,		/* start, end, births */
	EVENT_LAYER_COUNT
};

/* struct event.flags */
#define EVENT_F_UNVERIFIED	(1u << 0)	/* exec of a traced task: judged beforehand only */
#define EVENT_F_KILLED		(1u << 1)	/* verdict differed at the exec stop: the task died */
#define EVENT_F_BATCH		(1u << 2)	/* an allowed open or look: may be counted, not written one by one */
#define EVENT_F_QUIET		(1u << 4)	/* runtimes ask for it to see whether they may: recorded, not spoken of */
#define EVENT_F_BIRTH		(1u << 3)	/* something that runs later was made in this session (footer) */

/** struct event - One decision. Everything is borrowed for the call. */
struct event {
	enum event_layer layer;
	enum policy_op op;
	uint32_t flags;
	pid_t tid;				/* task that asked, in the supervisor's pid namespace; 0 unknown */
	struct policy_str object;		/* path, program or "1.2.3.4:80" as asked */
	struct policy_str resolved;		/* as resolved; may be empty */
	const char *const *argv;		/* exec only; may be NULL */
	uint32_t argc;
	const struct policy_decision *decision;
	int err;				/* errno answered, > 0; 0: done */
	uint64_t latency_ns;
};

/**
 * struct event_sink - Where events go
 * @event:	Thread-safe. 0: recorded. -errno: could not be recorded, and then
 *		what was to be allowed must be refused with EACCES (DESIGN 13)
 */
struct event_sink {
	int (*event)(struct event_sink *sink, const struct event *ev);
};

const char *event_layer_name(enum event_layer l);	/* static */

#endif /* COMMON_EVENT_H */
