/* SPDX-License-Identifier: Apache-2.0
 *
 * audit/format.c - The fields of the three kinds of line: start, event, end
 *
 * Whatever comes from inside is bounded here, so that a line always fits into
 * CHAIN_LINE_MAX: one byte takes at most six.
 */
#include "audit/format.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/chain.h"

#define OBJECT_MAX	4096	/* a path cannot be longer */
#define MESSAGE_MAX	1024
#define ARG_MAX_LEN	1024	/* shown of one argument */
#define ARGS_MAX_LEN	8192	/* shown of all of them */
#define ARGS_MAX	64

static_assert(6 * (3 * OBJECT_MAX + 2 * MESSAGE_MAX + ARGS_MAX_LEN + 2 * ARG_MAX_LEN) + 4096 < CHAIN_LINE_MAX,
	      "a line of the longest fields fits");

/* The middle of a long text is its least telling part */
static void put_bounded(struct jsonw *w, struct policy_str s, size_t max)
{
	char buf[OBJECT_MAX + 32];
	size_t half = (max - 32) / 2;
	int n;

	if (s.len <= max) {
		jsonw_str(w, s);
		return;
	}
	memcpy(buf, s.s, half);
	n = snprintf(buf + half, 32, "...[%zu bytes]...", s.len - 2 * half);	/* fits */
	memcpy(buf + half + n, s.s + s.len - half, half);
	jsonw_str(w, (struct policy_str){ buf, (uint32_t)(2 * half + (size_t)n) });
}

static void put_argv(struct jsonw *w, const char *const *argv, size_t argc, char *scratch)
{
	struct mask mask = { .arg_count = 0 };
	size_t left = ARGS_MAX_LEN;

	jsonw_key(w, "argv");
	jsonw_array_begin(w);
	for (size_t i = 0; i < argc && argv[i]; i++) {
		struct policy_str s = mask_arg(&mask, argv[i], scratch);

		if (i >= ARGS_MAX || (s.len > left && left < ARG_MAX_LEN)) {
			char rest[48];

			(void)snprintf(rest, sizeof(rest), "...[%zu more]", argc - i);	/* fits */
			jsonw_cstr(w, rest);
			break;
		}
		put_bounded(w, s, ARG_MAX_LEN);
		left -= s.len < ARG_MAX_LEN ? s.len : ARG_MAX_LEN;
	}
	jsonw_array_end(w);
}

static void put_flags(struct jsonw *w, uint32_t flags, uint32_t decision_flags)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} names[] = {
		{ EVENT_F_UNVERIFIED, "unverified" }, { EVENT_F_KILLED, "killed" }, { EVENT_F_BIRTH, "birth" },
	};

	jsonw_key(w, "flags");
	jsonw_array_begin(w);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (flags & names[i].bit)
			jsonw_cstr(w, names[i].name);
	if (decision_flags & POLICY_F_HIDE)
		jsonw_cstr(w, "hidden");
	jsonw_array_end(w);
}

static void put_uint(struct jsonw *w, const char *key, uint64_t v)
{
	jsonw_key(w, key);
	jsonw_uint(w, v);
}

static void put_str(struct jsonw *w, const char *key, struct policy_str s, size_t max)
{
	jsonw_key(w, key);
	put_bounded(w, s, max);
}

static void put_who(struct jsonw *w, const struct who_ids *ids)
{
	put_uint(w, "pid", (uint64_t)(ids->tgid ? ids->tgid : ids->tid));
	put_uint(w, "inner", (uint64_t)ids->inner);
	put_uint(w, "parent", (uint64_t)ids->parent);
}

static void put_decision(struct jsonw *w, const struct event *ev)
{
	const struct policy_decision *d = ev->decision;

	jsonw_key(w, "decision");
	jsonw_cstr(w, d ? policy_verdict_name(d->verdict) : "none");
	if (d)
		put_str(w, "rule", d->rule, MESSAGE_MAX);
	if (d && d->message.len > 0 && d->verdict != POLICY_ALLOW)
		put_str(w, "message", d->message, MESSAGE_MAX);
	jsonw_key(w, "err");
	jsonw_cstr(w, ev->err > 0 ? strerrorname_np(ev->err) : "");
}

void format_event(struct jsonw *w, const void *arg)
{
	const struct format_event *f = arg;
	const struct event *ev = f->ev;

	put_who(w, &f->ids);
	put_str(w, "program", f->program, OBJECT_MAX);
	jsonw_key(w, "layer");
	jsonw_cstr(w, event_layer_name(ev->layer));
	jsonw_key(w, "op");
	jsonw_cstr(w, policy_op_name(ev->op));
	put_str(w, "object", ev->object, OBJECT_MAX);
	if (ev->resolved.len > 0 && (ev->resolved.len != ev->object.len ||
				     memcmp(ev->resolved.s, ev->object.s, ev->object.len) != 0))
		put_str(w, "resolved", ev->resolved, OBJECT_MAX);
	put_decision(w, ev);
	put_uint(w, "latency_us", ev->latency_ns / 1000);
	put_uint(w, "count", f->count);
	if (ev->flags & ~EVENT_F_BATCH || (ev->decision && ev->decision->flags & POLICY_F_HIDE))
		put_flags(w, ev->flags, ev->decision ? ev->decision->flags : 0);
	if (ev->argv)
		put_argv(w, ev->argv, ev->argc, f->scratch);
}

void format_start(struct jsonw *w, const void *arg)
{
	const struct format_start *f = arg;
	size_t argc = 0;

	while (f->opt->argv && f->opt->argv[argc])
		argc++;
	put_uint(w, "pid", (uint64_t)getpid());
	put_uint(w, "uid", getuid());
	jsonw_key(w, "layer");
	jsonw_cstr(w, event_layer_name(EVENT_LAYER_SESSION));
	jsonw_key(w, "op");
	jsonw_cstr(w, "start");
	put_str(w, "policy", policy_str(f->opt->policy_name ? f->opt->policy_name : ""), MESSAGE_MAX);
	put_str(w, "workspace", policy_str(f->opt->workspace ? f->opt->workspace : ""), OBJECT_MAX);
	put_argv(w, f->opt->argv, argc, f->scratch);
}

void format_end(struct jsonw *w, const void *arg)
{
	const struct format_end *f = arg;
	int st = f->wait_status;

	jsonw_key(w, "layer");
	jsonw_cstr(w, event_layer_name(EVENT_LAYER_SESSION));
	jsonw_key(w, "op");
	jsonw_cstr(w, "end");
	jsonw_key(w, "exit");
	jsonw_int(w, st == -1 ? -1 : WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st));	/* as shells say it */
	put_uint(w, "refused", f->refused);
}
