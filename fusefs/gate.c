/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/gate.c - A name or a node, and operations: the only caller of policy_eval_state() here
 */
#include "fusefs/gate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/proc.h"
#include "fusefs/caller.h"
#include "fusefs/elsewhere.h"

#define BIT(op) POLICY_OP_BIT(POLICY_OP_##op)

/* A redirected name stands for a file, and stays */
#define NOT_ELSEWHERE	(BIT(DELETE) | BIT(RENAME) | BIT(LINK) | BIT(SYMLINK) | BIT(MKDIR) | BIT(RMDIR) | BIT(MKNOD))

/* What of an object another name could give away */
static const enum policy_op carried[] = { POLICY_OP_READ, POLICY_OP_EXEC, POLICY_OP_WRITE };

static uint64_t now_ns(void)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);	/* exists on every Linux */
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void gate_begin(struct gate *g, fuse_req_t req)
{
	g->fs = fs_of(req);
	g->tid = acting_caller(&g->fs->acting, fuse_req_ctx(req)->pid);
	g->start_ns = now_ns();
	g->exe_known = false;
}

static struct policy_subject subject(struct gate *g)
{
	if (!g->exe_known) {
		g->exe_len = proc_exe(g->tid, g->exe, sizeof(g->exe));
		g->exe_known = true;
	}
	/* Unknown is empty: then "by" rules match, which only restrict */
	return (struct policy_subject){ { g->exe, g->exe_len > 0 ? (uint32_t)g->exe_len : 0 } };
}

/*
 * Conditions only restrict: what is allowed with all of them met is allowed,
 * and who asks and what stood need be found out for the rest alone.
 */
static bool may(struct gate *g, const struct policy_state *st, enum policy_op op, uint32_t traits,
		struct policy_decision *ret)
{
	const struct fusefs *fs = g->fs;
	struct policy_subject who;

	if (fs->redirects && (POLICY_OP_BIT(op) & NOT_ELSEWHERE) && elsewhere_is(fs, st, ret)) {
		ret->verdict = POLICY_DENY;
		ret->err = EACCES;
		return false;
	}
	policy_eval_state(fs->policy, st, op, POLICY_T_UNKNOWN, NULL, ret);
	if (ret->verdict == POLICY_REDIRECT && fs->redirects)
		return true;	/* backing.c has the target there */
	if (ret->verdict == POLICY_ALLOW || !fs->is_conditional)
		return ret->verdict == POLICY_ALLOW;
	if (fs->has_by) {
		who = subject(g);
		policy_eval_state(fs->policy, st, op, traits, &who, ret);
	} else if (traits != POLICY_T_UNKNOWN) {
		policy_eval_state(fs->policy, st, op, traits, NULL, ret);
	}
	return ret->verdict == POLICY_ALLOW;
}

static int answer(const struct policy_decision *d)
{
	return d->verdict == POLICY_DENY && d->err > 0 ? -d->err : -EACCES;
}

uint32_t gate_traits(const struct fusefs *fs, const struct node_id *id)
{
	return born_has(fs->born, id->dev, id->ino) ? 0 : POLICY_T_UNKNOWN;
}

int gate_spot(struct gate *g, const struct dirref *d, const char *name, struct spot *ret)
{
	struct node_id dir_id;
	int r;

	ret->dir = d->node;
	ret->name = name;
	nodes_state(g->fs->nodes, d->node, &ret->state);
	policy_state_step(g->fs->policy, &ret->state, policy_str(name), &ret->state);
	r = backing_look(d, name, &ret->seen);
	if (r < 0 && r != -ENOENT)
		return r;
	ret->exists = r == 0;
	ret->traits = POLICY_T_UNKNOWN;
	if (!g->fs->is_conditional)
		return 0;
	dir_id = node_id(d->node);
	if (ret->exists)
		ret->traits = gate_traits(g->fs, &ret->seen.id);
	else
		ret->traits = gate_traits(g->fs, &dir_id) & POLICY_T_STOOD_FOLDER;
	return 0;
}

static bool is_at_or_above(const char *path, const char *of)
{
	size_t len = strlen(path);

	return strncmp(path, of, len) == 0 && (of[len] == '\0' || of[len] == '/');
}

bool gate_is_mount_way(struct fusefs *fs, const struct node *dir, const char *name)
{
	cleanup_free char *path = NULL;

	if (!fs->mountpoints[0])
		return false;
	path = nodes_path(fs->nodes, dir, name);
	for (char **m = fs->mountpoints; path && *m; m++)
		if (is_at_or_above(path, *m))
			return true;
	return false;
}

/* Does any rule say anything of this name? */
static bool is_named(struct gate *g, const struct spot *s)
{
	struct policy_decision d;

	for (unsigned op = 0; op < POLICY_OP_COUNT; op++)
		if ((POLICY_OPS_FILES & POLICY_OP_BIT(op)) &&
		    (may(g, &s->state, (enum policy_op)op, s->traits, &d) || d.rule_id != POLICY_RULE_NONE))
			return true;
	return false;
}

enum gate_face gate_face(struct gate *g, const struct spot *s, mode_t type, struct policy_decision *ret)
{
	struct policy_beneath below;

	if (may(g, &s->state, POLICY_OP_STAT, s->traits, ret))
		return GATE_SEEN;
	if (S_ISDIR(type) && gate_is_mount_way(g->fs, s->dir, s->name))
		return GATE_SEEN;
	if (ret->flags & POLICY_F_HIDE)
		return GATE_HIDDEN;
	if (ret->rule_id != POLICY_RULE_NONE)
		return GATE_REFUSED;
	if (is_named(g, s))
		return GATE_SEEN;
	policy_state_beneath(g->fs->policy, &s->state, &below);
	return S_ISDIR(type) && below.may_allow ? GATE_WAY : GATE_ABSENT;
}

int gate_may_quietly(struct gate *g, const struct spot *s, uint64_t ops, struct policy_decision *ret,
		     enum policy_op *ret_op)
{
	for (unsigned op = 0; op < POLICY_OP_COUNT; op++) {
		if (!(ops & POLICY_OP_BIT(op)) || may(g, &s->state, (enum policy_op)op, s->traits, ret))
			continue;
		*ret_op = (enum policy_op)op;
		return answer(ret);
	}
	return 0;
}

int gate_may(struct gate *g, const struct spot *s, uint64_t ops)
{
	struct policy_decision d;
	enum policy_op op;

	if (gate_may_quietly(g, s, ops, &d, &op) == 0)
		return 0;
	return gate_refuse(g, op, s->dir, s->name, &d);
}

/* Under all its names; false, the operation and the decision if one is refused */
static bool may_node(struct gate *g, struct node *n, uint32_t traits, uint64_t ops, struct policy_decision *ret,
		     enum policy_op *ret_op)
{
	struct policy_state st[NODES_NAMES_MAX];
	size_t count = nodes_states(g->fs->nodes, n, st);

	for (size_t i = 0; i < count; i++) {
		struct spot s = { .state = st[i], .traits = traits };

		/* Hard links share a node because they are decided alike: one is enough, but for renames */
		if (i > 0 && policy_state_class(g->fs->policy, &st[i]) == policy_state_class(g->fs->policy, &st[0]))
			continue;
		if (gate_may_quietly(g, &s, ops, ret, ret_op) < 0)
			return false;
	}
	return true;
}

static uint32_t node_traits(struct gate *g, const struct node *n)
{
	struct node_id id = node_id(n);

	return g->fs->is_conditional ? gate_traits(g->fs, &id) : POLICY_T_UNKNOWN;
}

int gate_may_node(struct gate *g, struct node *n, uint64_t ops)
{
	struct policy_decision d;
	enum policy_op op;

	if (may_node(g, n, node_traits(g, n), ops, &d, &op))
		return 0;
	return gate_refuse(g, op, n, NULL, &d);
}

bool gate_may_node_quietly(struct gate *g, struct node *n, uint64_t ops)
{
	struct policy_decision d;
	enum policy_op op;

	return may_node(g, n, node_traits(g, n), ops, &d, &op);
}

bool gate_is_given(const struct fusefs *fs, const struct node *n, const char *name)
{
	struct policy_state st[NODES_NAMES_MAX];
	size_t count = nodes_states(fs->nodes, (struct node *)n, st);
	struct policy_decision d;

	for (size_t i = 0; i < count; i++) {
		if (name)
			policy_state_step(fs->policy, &st[i], policy_str(name), &st[i]);
		policy_eval_state(fs->policy, &st[i], POLICY_OP_WRITE, POLICY_T_UNKNOWN, NULL, &d);
		if (d.verdict != POLICY_ALLOW)
			return false;
	}
	return count > 0;
}

/* On a directory the setgid bit only hands its group on */
int gate_may_modes(struct gate *g, const struct node *n, const char *name, mode_t type, mode_t mode)
{
	const struct policy_decision d = {
		.verdict = POLICY_DENY, .rule_id = POLICY_RULE_NONE, .err = EPERM, .rule = policy_str("agentsh-setuid"),
		.message = policy_str("Whoever ran such a program outside would be root."),
	};

	if (!g->fs->is_alone || !(mode & (S_ISUID | (S_ISDIR(type) ? 0 : S_ISGID))))
		return 0;
	return gate_refuse(g, POLICY_OP_CHMOD, n, name, &d);
}

int gate_may_list(struct gate *g, struct node *dir)
{
	struct policy_decision d;
	struct policy_beneath below;
	struct policy_state st;

	nodes_state(g->fs->nodes, dir, &st);
	if (may(g, &st, POLICY_OP_LIST, node_traits(g, dir), &d) || caller_is_trusted(g->fs, g->tid))
		return 0;
	policy_state_beneath(g->fs->policy, &st, &below);
	if (d.rule_id == POLICY_RULE_NONE && (below.may_allow || gate_is_mount_way(g->fs, dir, NULL)))
		return 0;
	return gate_refuse(g, POLICY_OP_LIST, dir, NULL, &d);
}

int gate_may_mkdir(struct gate *g, const struct spot *s)
{
	const uint64_t makes = BIT(CREATE) | BIT(MKDIR) | BIT(WRITE);
	struct policy_beneath below;
	struct policy_decision d;

	if (may(g, &s->state, POLICY_OP_MKDIR, s->traits, &d))
		return 0;
	policy_state_beneath(g->fs->policy, &s->state, &below);
	if (d.rule_id == POLICY_RULE_NONE && (below.may_allow & makes))
		return 0;
	return gate_refuse(g, POLICY_OP_MKDIR, s->dir, s->name, &d);
}

int gate_may_carry(struct gate *g, const struct spot *old, const struct spot *new)
{
	for (size_t i = 0; i < ARRAY_SIZE(carried); i++) {
		struct policy_decision was, is;
		bool old_may = may(g, &old->state, carried[i], old->traits, &was);
		bool new_may = may(g, &new->state, carried[i], new->traits, &is);

		if (new_may && !old_may)
			return gate_refuse(g, carried[i], old->dir, old->name, &was);
		if (old_may && !new_may && carried[i] == POLICY_OP_WRITE)
			return gate_refuse(g, carried[i], new->dir, new->name, &is);
	}
	return 0;
}

int gate_may_carry_node(struct gate *g, struct node *n, uint32_t traits, const struct spot *new)
{
	for (size_t i = 0; i < ARRAY_SIZE(carried); i++) {
		struct policy_decision was, is;
		enum policy_op op;
		bool old_may = may_node(g, n, traits, POLICY_OP_BIT(carried[i]), &was, &op);
		bool new_may = may(g, &new->state, carried[i], new->traits, &is);

		if (new_may && !old_may)
			return gate_refuse(g, carried[i], n, NULL, &was);
		if (old_may && !new_may && carried[i] == POLICY_OP_WRITE)
			return gate_refuse(g, carried[i], new->dir, new->name, &is);
	}
	return 0;
}

static int tell(struct gate *g, enum policy_op op, const struct node *n, const char *name,
		const struct policy_decision *d, struct event *ev)
{
	struct event_sink *sink = g->fs->sink;
	cleanup_free char *path = nodes_path(g->fs->nodes, n, name);

	if (!path)
		return -ENOMEM;
	if (ev->layer == EVENT_LAYER_NONE)
		ev->layer = EVENT_LAYER_FUSEFS;
	ev->op = op;
	ev->tid = g->tid;
	ev->object = policy_str(path);
	ev->decision = d;
	ev->latency_ns = now_ns() - g->start_ns;
	return sink->event(sink, ev);
}

/* One of our threads holds it until its new program has been looked at: the doorman leads it elsewhere.
 * Whom somebody inside traces the doorman cannot hold, and so cannot lead. */
static bool is_held_by_us(pid_t tid)
{
	struct proc_status st;
	char path[64];

	if (proc_status(tid, &st) < 0 || st.tracer == 0)
		return false;
	(void)snprintf(path, sizeof(path), "/proc/self/task/%d", st.tracer);	/* always fits */
	return access(path, F_OK) == 0;
}

int gate_may_run(struct gate *g, struct node *n)
{
	struct policy_request req = { .op = POLICY_OP_RUN, .object.kind = POLICY_OBJECT_EXEC };
	struct policy_decision d;
	cleanup_free char *path = NULL;

	if (!policy_has_rules(g->fs->policy, POLICY_SECTION_COMMANDS))
		return 0;
	path = nodes_path(g->fs->nodes, n, NULL);
	if (!path)
		return -ENOMEM;
	req.object.exec.path = req.object.exec.asked = policy_str(path);
	if (policy_has_by(g->fs->policy, POLICY_SECTION_COMMANDS))
		req.subject = subject(g);
	policy_eval(g->fs->policy, &req, &d);
	if (d.verdict == POLICY_ALLOW || (d.verdict == POLICY_REDIRECT && is_held_by_us(g->tid)))
		return 0;
	return gate_refuse(g, POLICY_OP_RUN, n, NULL, &d);
}

int gate_refuse(struct gate *g, enum policy_op op, const struct node *n, const char *name,
		const struct policy_decision *d)
{
	struct event ev = { .err = -answer(d) };

	(void)tell(g, op, n, name, d, &ev);	/* refused either way */
	return -ev.err;
}

static int note(struct gate *g, enum policy_op op, const struct node *n, const char *name,
		const struct policy_decision *d, uint32_t flags)
{
	struct event ev = { .flags = flags };

	return tell(g, op, n, name, d, &ev) != 0 ? -EACCES : 0;
}

int gate_note(struct gate *g, enum policy_op op, const struct node *n, const char *name, uint32_t flags)
{
	struct policy_decision d = { .verdict = POLICY_ALLOW, .rule_id = POLICY_RULE_NONE };
	struct policy_state st[NODES_NAMES_MAX];
	size_t count = nodes_states(g->fs->nodes, (struct node *)n, st);

	if (name && count)
		policy_state_step(g->fs->policy, &st[0], policy_str(name), &st[0]);
	if (count)
		(void)may(g, &st[0], op, POLICY_T_UNKNOWN, &d);	/* which rule: for the record */
	if (d.verdict != POLICY_REDIRECT)
		d.verdict = POLICY_ALLOW;
	d.err = 0;
	return note(g, op, n, name, &d, flags);
}

int gate_note_spot(struct gate *g, enum policy_op op, const struct spot *s)
{
	struct policy_decision d;

	(void)may(g, &s->state, op, s->traits, &d);	/* which rule: for the record */
	if (d.verdict != POLICY_REDIRECT)
		d.verdict = POLICY_ALLOW;
	d.err = 0;
	return note(g, op, s->dir, s->name, &d, 0);
}

void gate_birth(struct gate *g, const struct spot *s)
{
	for (unsigned op = 0; g->fs->is_conditional && op < POLICY_OP_COUNT; op++) {
		struct event ev = { .layer = EVENT_LAYER_SESSION, .flags = EVENT_F_BIRTH };
		struct policy_decision had_stood, is;

		if (!(POLICY_OPS_MODIFY & POLICY_OP_BIT(op)))
			continue;
		policy_eval_state(g->fs->policy, &s->state, (enum policy_op)op, POLICY_T_UNKNOWN, NULL, &had_stood);
		policy_eval_state(g->fs->policy, &s->state, (enum policy_op)op, 0, NULL, &is);
		if (had_stood.verdict == POLICY_ALLOW || is.verdict != POLICY_ALLOW)
			continue;
		had_stood.verdict = POLICY_ALLOW;	/* it was done; the rule says why it is worth a look */
		had_stood.err = 0;
		(void)tell(g, POLICY_OP_CREATE, s->dir, s->name, &had_stood, &ev);	/* the create itself is recorded */
		return;
	}
}

void gate_born(struct gate *g, const struct spot *s, const struct node_id *id)
{
	if (born_add(g->fs->born, id->dev, id->ino) < 0)
		return;		/* counts as one that stood: stricter */
	gate_birth(g, s);
}
