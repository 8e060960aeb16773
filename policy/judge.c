/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/judge.c - From candidate rules to a decision
 */
#include "policy/judge.h"

#include <errno.h>
#include <string.h>

static const struct policy_str default_rule = { "default", 7 };
static const struct policy_str nothing = { "", 0 };

struct judge judge_begin(const struct policy *p, enum policy_op op, uint32_t traits,
			 struct policy_str exe)
{
	return (struct judge){
		.b = blob_view(p),
		.op_bit = POLICY_OP_BIT(op),
		.section = policy_op_section(op),
		.traits = traits,
		.exe = exe,
		.verdict = POLICY_DENY,
		.rule_idx = POLICY_RULE_NONE,
	};
}

static bool is_by(const struct judge *j, uint32_t root)
{
	uint32_t start = j->exe.len;

	if (j->exe.len == 0)
		return true;	/* unknown program: "by" only restricts, so the strict answer */
	while (start > 0 && j->exe.s[start - 1] != '/')
		start--;
	if (j->b.state[blob_walk(&j->b, root, j->exe.s + start, j->exe.len - start)].list_idx)
		return true;
	return j->exe.s[0] == '/' && j->b.state[blob_walk_path(&j->b, root, j->exe)].list_idx;
}

static bool is_arg(const struct judge *j, uint32_t root, uint32_t i)
{
	const char *arg = j->argv[i];

	return arg && j->b.state[blob_walk(&j->b, root, arg, strlen(arg))].list_idx;
}

/* The usual way with one kind of star: only the last one seen ever needs to give ground */
static bool has_args(const struct judge *j, const struct blob_rule *rule)
{
	const uint32_t *pattern = j->b.arg + rule->arg_first_idx;
	uint32_t count = rule->arg_count, n = 0, i = 1, star = UINT32_MAX, mark = 1;

	if (j->argc > 0 && !j->argv)
		return rule->verdict != POLICY_ALLOW;	/* unknown arguments: the strict answer */
	while (i < j->argc) {
		if (n < count && pattern[n] == BLOB_ARG_ANY) {
			star = n++;
			mark = i;
		} else if (n < count && is_arg(j, pattern[n], i)) {
			n++;
			i++;
		} else if (star != UINT32_MAX) {
			n = star + 1;
			i = ++mark;
		} else {
			return false;
		}
	}
	while (n < count && pattern[n] == BLOB_ARG_ANY)
		n++;
	return n == count;
}

bool judge_rule(const struct judge *j, uint64_t ops, uint32_t cond, uint32_t rule_idx)
{
	const struct blob_rule *rule = &j->b.rule[rule_idx];

	if (!(ops & j->op_bit))
		return false;
	if ((cond & BLOB_COND_STOOD_SELF) && !(j->traits & POLICY_T_STOOD_SELF))
		return false;
	if ((cond & BLOB_COND_STOOD_FOLDER) && !(j->traits & POLICY_T_STOOD_FOLDER))
		return false;
	if ((cond & BLOB_COND_BY) && !is_by(j, rule->by))
		return false;
	return !(cond & BLOB_COND_ARGS) || has_args(j, rule);
}

uint32_t judge_list(const struct judge *j, uint32_t list_idx)
{
	const struct blob_list *list = &j->b.list[list_idx];
	const struct blob_entry *e = &j->b.entry[list->entry_first_idx];
	uint32_t i;

	for (i = 0; i < list->entry_count; i++, e++)
		if (judge_rule(j, e->ops, e->cond, e->rule_idx))
			return e->rule_idx;
	return POLICY_RULE_NONE;
}

void judge_layer(struct judge *j, uint32_t layer_idx, uint32_t rule_idx)
{
	const struct blob_layer *layer = &j->b.header->layer[layer_idx];
	uint32_t verdict;

	if (rule_idx != POLICY_RULE_NONE && (j->b.rule[rule_idx].flags & BLOB_RULE_DEFAULT))
		rule_idx = POLICY_RULE_NONE;
	if (rule_idx != POLICY_RULE_NONE)
		verdict = j->b.rule[rule_idx].verdict;
	else if (layer->flags & BLOB_LAYER_BASE)
		verdict = layer->fallback[j->section];
	else
		return;
	if (j->has_opinion && verdict >= j->verdict &&
	    !(verdict == POLICY_REDIRECT && j->verdict == verdict &&
	      (layer->flags & BLOB_LAYER_OVERRIDES)))
		return;
	j->has_opinion = true;
	j->verdict = verdict;
	j->rule_idx = rule_idx;
}

bool judge_settled(const struct judge *j)
{
	return j->has_opinion && j->verdict == POLICY_DENY;
}

void judge_refused(struct policy_decision *ret)
{
	*ret = (struct policy_decision){
		.verdict = POLICY_DENY,
		.rule_id = POLICY_RULE_NONE,
		.err = EACCES,
		.rule = default_rule,
		.message = nothing,
		.target = nothing,
	};
}

void judge_end(const struct judge *j, struct policy_decision *ret)
{
	const struct blob_rule *rule;

	judge_refused(ret);
	ret->verdict = (enum policy_verdict)j->verdict;
	if (j->verdict != POLICY_DENY)
		ret->err = 0;
	if (j->rule_idx == POLICY_RULE_NONE)
		return;
	rule = &j->b.rule[j->rule_idx];
	ret->rule_id = j->rule_idx;
	ret->err = rule->err;
	ret->flags = rule->flags & BLOB_FLAG_MASK;
	ret->rule = blob_string(&j->b, rule->id);
	ret->message = blob_string(&j->b, rule->message);
	ret->target = blob_string(&j->b, rule->target);
}
