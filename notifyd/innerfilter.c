/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/innerfilter.c - Filters that programs inside install: all but those that expect a tracer
 *
 * Where the cage's filter says "notify" and an inner one says "trace", the
 * kernel takes the former, and the tracer never hears of the call: strace
 * --seccomp-bpf would show no exec and lose its place. So such a filter is
 * answered with what a kernel without it says, and the tracers that know it
 * (strace, proot) stop at every call instead.
 */
#include "notifyd/doorman.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "notifyd/target.h"

static bool returns_trace(const struct sock_filter *insn, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (insn[i].code == (BPF_RET | BPF_K) && (insn[i].k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_TRACE)
			return true;
	return false;
}

/* Does the program at @addr expect a tracer? What cannot be read is for the kernel to complain about */
static bool expects_tracer(const struct call *c, uint64_t addr)
{
	cleanup_free struct sock_filter *insn = NULL;
	struct sock_fprog prog;

	if (target_read(c, addr, &prog, sizeof(prog)) < 0 || prog.len == 0 || prog.len > BPF_MAXINSNS)
		return false;
	insn = calloc(prog.len, sizeof(*insn));
	if (!insn || target_read(c, (uint64_t)(uintptr_t)prog.filter, insn, prog.len * sizeof(*insn)) < 0)
		return false;
	return returns_trace(insn, prog.len);
}

static int refuse(const struct call *c)
{
	struct verdict v = {
		.layer = EVENT_LAYER_EXEC, .op = POLICY_OP_RUN, .flags = EVENT_F_QUIET,
		.object = policy_str("seccomp filter for a tracer"),
	};

	verdict_refuse(&v.decision, "filter-for-tracer",
		       "A filter that stops for a tracer would miss what the cage looks at itself. Trace without it.", EINVAL);
	return -verdict_tell(c, &v, v.decision.err);
}

/* seccomp(SECCOMP_SET_MODE_FILTER, flags, program) and prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program) */
void handle_filter(struct call *c)
{
	/*
	 * CONTINUE grants nothing: a filter takes away from its caller and its
	 * children only, and cannot overrule one that was there before. If the
	 * caller swaps the program, a tracer inside misses a call: nobody else does.
	 */
	if (expects_tracer(c, c->args[2]))
		reply_result(c, refuse(c));
	else
		c->reply.kind = REPLY_CONTINUE;
}
