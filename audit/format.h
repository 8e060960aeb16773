/* SPDX-License-Identifier: Apache-2.0
 *
 * audit/format.h - The fields of the three kinds of line: start, event, end
 */
#ifndef AUDIT_FORMAT_H
#define AUDIT_FORMAT_H

#include "audit/audit.h"
#include "audit/mask.h"
#include "audit/who.h"
#include "common/jsonw.h"

/** struct format_event - One line about one decision, or about @count alike */
struct format_event {
	const struct event *ev;
	struct who_ids ids;
	struct policy_str program;
	uint64_t count;
	char *scratch;		/* FORMAT_SCRATCH_SIZE */
};

/** struct format_start, struct format_end - Of the session */
struct format_start {
	const struct audit_options *opt;
	char *scratch;
};
struct format_end {
	int wait_status;	/* -1: unknown */
	uint64_t refused;	/* events that were not allowed */
};

#define FORMAT_SCRATCH_SIZE (4 * MASK_ARG_MAX)

/* fill functions of chain_line(); @arg is the struct of the same name */
void format_event(struct jsonw *w, const void *arg);
void format_start(struct jsonw *w, const void *arg);
void format_end(struct jsonw *w, const void *arg);

#endif /* AUDIT_FORMAT_H */
