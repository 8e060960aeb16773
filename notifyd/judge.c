/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/judge.c - A program, its interpreters and its argv against the policy
 */
#include "notifyd/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/cleanup.h"
#include "notifyd/image.h"

#define LOADERS_MAX 4		/* ld.so ld.so ld.so prog */

/** struct judging - The strictest so far */
struct judging {
	const struct call *c;
	struct exec *e;
	struct verdict *v;
	int depth;
};

void exec_find_parts(const struct resolver_reply *rep, int *ret_program, int *ret_loader)
{
	*ret_program = 0;
	*ret_loader = -1;
	for (uint32_t i = 0; i < rep->count; i++) {
		if (rep->object[i].flags & RESOLVER_O_INTERP)
			*ret_loader = (int)i;
		else
			*ret_program = (int)i;
	}
}

/* Takes a decision over if it is stricter than what was there */
static void take(struct judging *j, const struct policy_decision *d, enum policy_op op, const char *resolved)
{
	bool is_first = j->v->decision.rule.s == NULL;
	/* of two that allow, the commands' word on the program itself is the one to record */
	bool is_better = d->verdict == POLICY_ALLOW && op == POLICY_OP_RUN && j->v->op == POLICY_OP_EXEC;

	if (!is_first && d->verdict >= j->v->decision.verdict && !(is_better && j->v->decision.verdict == POLICY_ALLOW))
		return;
	j->v->decision = *d;
	j->v->op = op;
	(void)snprintf(j->e->resolved, sizeof(j->e->resolved), "%s", resolved);	/* paths are no longer */
	j->v->resolved = policy_str(j->e->resolved);
}

static void refuse(struct judging *j, const char *rule, const char *message, int err, const char *resolved)
{
	struct policy_decision d;

	verdict_refuse(&d, rule, message, err);
	take(j, &d, POLICY_OP_RUN, resolved);
}

/*
 * Nobody lists the dynamic loader among the programs he allows: where only the
 * default refuses it, the system's own is taken. A rule that names it counts.
 */
static bool is_system_loader(const struct resolver_reply *rep, const struct resolver_object *o)
{
	static const char *const places[] = {
		"/lib/", "/lib64/", "/lib32/", "/libx32/", "/usr/lib/", "/usr/lib64/", "/usr/lib32/",
		"/usr/libx32/", "/nix/store/", "/gnu/store/",
	};
	const char *path = pins_text(rep, o->path_off), *asked = pins_text(rep, o->asked_off);
	const char *base = strrchr(path, '/'), *asked_base = strrchr(asked, '/');

	if (!(o->flags & RESOLVER_O_INTERP) || !base || !asked_base)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (strncmp(path, places[i], strlen(places[i])) == 0)
			return image_is_loader_name(base + 1) || image_is_loader_name(asked_base + 1);
	return false;
}

static int copy_tail(struct argv_copy *to, const struct argv_copy *from, uint32_t first)
{
	for (uint32_t i = first; i < from->argc; i++) {
		int r = argv_append(to, from->v[i], strlen(from->v[i]));

		if (r < 0)
			return r;
	}
	return argv_finish(to);
}

static int judge_object(struct judging *j, const struct resolver_reply *rep,
			 const struct resolver_object *o, const struct argv_copy *argv)
{
	const char *path = pins_text(rep, o->path_off), *asked = pins_text(rep, o->asked_off);
	bool is_lenient = is_system_loader(rep, o);
	struct policy_request req = {
		.op = POLICY_OP_EXEC, .traits = POLICY_T_UNKNOWN, .subject = j->e->by_file,
		.object = { .kind = POLICY_OBJECT_PATH, .path = policy_str(path) },
	};
	struct policy_decision d;

	if (o->flags & RESOLVER_O_MEMORY) {
		refuse(j, "memory-file", "Programs are run from files that have a name. "
		       "Write it to a file in the workspace and run that.", EACCES, path);
		return 0;
	}
	if (o->flags & RESOLVER_O_UNREADABLE) {
		refuse(j, "unreadable-program", "A program that you may not read cannot be checked while "
		       "it starts, so it does not start.", EACCES, path);
		return 0;
	}
	policy_eval(j->c->n->cfg.policy, &req, &d);
	if (!(is_lenient && d.rule_id == POLICY_RULE_NONE))
		take(j, &d, POLICY_OP_EXEC, path);
	req.op = POLICY_OP_RUN;
	req.subject = j->e->by_command;
	req.object = (struct policy_object){
		.kind = POLICY_OBJECT_EXEC,
		.exec = { .path = policy_str(path), .asked = policy_str(asked[0] ? asked : path),
			  .argv = argv->v, .argc = argv->argc },
	};
	policy_eval(j->c->n->cfg.policy, &req, &d);
	if (!(is_lenient && d.rule_id == POLICY_RULE_NONE))
		take(j, &d, POLICY_OP_RUN, path);
	return d.verdict == POLICY_REDIRECT && j->e->args.argc == 0 ? copy_tail(&j->e->args, argv, 0) : 0;
}

static int judge_chain(struct judging *j, const struct resolver_reply *rep, const struct argv_copy *argv,
		       struct argv_copy *expected);

/* "ld.so PROGRAM": what counts is PROGRAM, which the loader opens itself */
static int judge_loaded(struct judging *j, const struct argv_copy *argv)
{
	int i = image_loader_program(argv->v, argv->argc), r;
	struct pin_request q = { .dirfd = AT_FDCWD };
	struct argv_copy tail = { 0 };
	struct resolver_reply *rep;

	if (i == 0)
		return 0;
	if (i < 0 || j->depth == LOADERS_MAX || !strchr(argv->v[i], '/')) {
		refuse(j, "loader-program", "It cannot be told which program the dynamic loader would run. "
		       "Run the program itself.", EACCES, i > 0 ? argv->v[i] : argv->v[0]);
		return 0;
	}
	q.path = argv->v[i];
	if (strlen(q.path) >= PATH_MAX)
		return -ENAMETOOLONG;
	rep = malloc(sizeof(*rep));
	if (!rep)
		return -ENOMEM;
	r = pins_exec(j->c, &q, rep);
	/* it maps what is not executable too */
	if (r == -EACCES && rep->count == 1 && S_ISREG(rep->object[0].mode))
		r = 0;
	if (r == 0)
		r = copy_tail(&tail, argv, (uint32_t)i);
	if (r == 0) {
		j->depth++;
		r = judge_chain(j, rep, &tail, NULL);
	}
	argv_free(&tail);
	free(rep);
	return r;
}

/* What binfmt_script puts before the arguments: interpreter, its argument, the script's name */
static int script_argv(const struct resolver_reply *rep, uint32_t i, const char *name,
		       const struct argv_copy *argv, struct argv_copy *ret)
{
	const struct resolver_object *o = &rep->object[i];
	const char *interp = pins_text(rep, rep->object[i + 1].asked_off);
	const char *arg = pins_text(rep, o->arg_off);
	int r = argv_append(ret, interp, strlen(interp));

	if (r == 0 && o->has_arg)
		r = argv_append(ret, arg, strlen(arg));
	if (r == 0)
		r = argv_append(ret, name, strlen(name));
	return r < 0 ? r : copy_tail(ret, argv, 1);
}

static int judge_chain(struct judging *j, const struct resolver_reply *rep, const struct argv_copy *argv,
		       struct argv_copy *expected)
{
	struct argv_copy own = { 0 };
	const struct argv_copy *now = argv;
	const char *name = rep == &j->e->rep ? j->e->asked : pins_text(rep, rep->object[0].asked_off);
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < rep->count; i++) {
		const struct resolver_object *o = &rep->object[i];

		r = judge_object(j, rep, o, now);
		if (r == 0 && o->flags & RESOLVER_O_LOADER && !(o->flags & RESOLVER_O_INTERP))
			r = judge_loaded(j, now);
		if (r == 0 && (o->flags & RESOLVER_O_SCRIPT) && i + 1 < rep->count) {
			struct argv_copy next = { 0 };

			r = script_argv(rep, i, name, now, &next);
			argv_free(&own);
			own = next;
			now = &own;
			name = pins_text(rep, rep->object[i + 1].asked_off);
		}
	}
	if (r == 0 && expected) {
		r = copy_tail(expected, now, 0);
	}
	argv_free(&own);
	return r;
}

int exec_judge(const struct call *c, struct exec *e, const struct resolver_reply *rep,
	       const struct argv_copy *argv, struct argv_copy *expected)
{
	struct judging j = { .c = c, .e = e, .v = &e->verdict };
	int r;

	e->verdict = (struct verdict){
		.layer = EVENT_LAYER_EXEC, .op = POLICY_OP_RUN,
		.object = policy_str(e->asked), .argv = e->argv.v, .argc = e->argv.argc,
	};
	r = judge_chain(&j, rep, argv, expected);
	if (r < 0) {
		refuse(&j, "unjudged", "What would be run could not be read in full.", -r, "");
		return e->verdict.decision.err;
	}
	return verdict_errno(&e->verdict.decision);
}
