/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/say.c - Decisions on their way to the log and the words
 */
#include "notifyd/doorman.h"

#include <errno.h>

#include "common/proc.h"

int verdict_errno(const struct policy_decision *d)
{
	if (d->verdict == POLICY_ALLOW)
		return 0;
	return d->err > 0 ? d->err : EACCES;	/* nobody turns ask or redirect into allow */
}

void verdict_refuse(struct policy_decision *d, const char *rule, const char *message, int err)
{
	*d = (struct policy_decision){
		.verdict = POLICY_DENY, .rule_id = POLICY_RULE_NONE, .err = err,
		.rule = policy_str(rule), .message = policy_str(message),
	};
}

int verdict_tell(const struct call *c, const struct verdict *v, int err)
{
	struct event ev = {
		.layer = v->layer, .op = v->op, .flags = v->flags, .tid = c->tid,
		.object = v->object, .resolved = v->resolved, .argv = v->argv, .argc = v->argc,
		.decision = &v->decision, .err = err, .latency_ns = now_ns() - c->start_ns,
	};
	struct event_sink *sink = c->n->cfg.sink;

	if (sink->event(sink, &ev) < 0 && err == 0)
		return EACCES;
	return err;
}

struct policy_subject subject_of(const struct call *c, bool is_wanted, char *buf, size_t size)
{
	ssize_t n = is_wanted ? proc_exe(c->tid, buf, size) : 0;

	/* unknown: rules limited to a program match, which is the strict side */
	return (struct policy_subject){ .exe = { buf, n > 0 ? (uint32_t)n : 0 } };
}
