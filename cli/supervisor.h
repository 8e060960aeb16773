/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/supervisor.h - The process behind a session: builds the cage, judges, records
 */
#ifndef CLI_SUPERVISOR_H
#define CLI_SUPERVISOR_H

#include "cage/cage.h"
#include "cli/context.h"
#include "cli/options.h"
#include "cli/session.h"
#include "policy/load.h"
#include "policy/plan.h"

/** struct supervisor_job - Everything the front has worked out before the fork. Borrowed. */
struct supervisor_job {
	const struct options *options;
	const struct context *context;
	const struct session *session;
	const struct policy_loaded *loaded;
	const struct plan *plan;
	const struct cage_caller *caller;
	char *const *envp;
	const char *cwd;
	int job_sock;		/* init's end; taken over */
	int status_sock;	/* to the front; taken over */
};

/** enum supervisor_msg_kind - Over the status socket, struct supervisor_msg */
enum supervisor_msg_kind {
	SUPERVISOR_FAILED = 1,		/* supervisor -> front: nothing was started */
	SUPERVISOR_ENDED,		/* front -> supervisor: the terminal is as it was; say the summary. @status */
	SUPERVISOR_DONE,		/* supervisor -> front: record and summary are complete */
};
struct supervisor_msg {
	int32_t kind, status;
	struct cage_failure failure;
};

/** supervisor_main() - Never returns. Context: forked from the front, single-threaded */
_Noreturn void supervisor_main(const struct supervisor_job *job);

#endif /* CLI_SUPERVISOR_H */
