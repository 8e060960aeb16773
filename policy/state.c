/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/state.c - Kept positions in the files automata
 */
#include <string.h>

#include "policy/judge.h"

/* A position that a bug has damaged counts as one nothing matches at */
static uint32_t checked(const struct blob *b, uint32_t state)
{
	return state < b->header->table[BLOB_TABLE_STATE].count ? state : 0;
}

void policy_state_root(const struct policy *p, struct policy_state *ret)
{
	struct blob b = blob_view(p);
	uint32_t i;

	memset(ret, 0, sizeof(*ret));
	for (i = 0; i < b.header->layer_count; i++)
		ret->s[i] = b.header->layer[i].root[POLICY_SECTION_FILES];
}

void policy_state_step(const struct policy *p, const struct policy_state *dir,
		       struct policy_str name, struct policy_state *ret)
{
	struct blob b = blob_view(p);
	uint32_t i;

	for (i = 0; i < POLICY_LAYER_MAX; i++) {
		uint32_t s = i < b.header->layer_count ? dir->s[i] : 0;

		s = blob_walk(&b, s, "/", 1);
		ret->s[i] = blob_walk(&b, s, name.s, name.len);
	}
}

void policy_state_path(const struct policy *p, struct policy_str path, struct policy_state *ret)
{
	struct blob b = blob_view(p);
	uint32_t i;

	policy_state_root(p, ret);
	for (i = 0; i < b.header->layer_count; i++)
		ret->s[i] = blob_walk_path(&b, ret->s[i], path);
}

void policy_eval_state(const struct policy *p, const struct policy_state *st, enum policy_op op,
		       uint32_t traits, const struct policy_subject *subject,
		       struct policy_decision *ret)
{
	struct judge j;
	uint32_t i;

	if (policy_op_section(op) != POLICY_SECTION_FILES) {
		judge_refused(ret);
		return;
	}
	j = judge_begin(p, op, traits, subject ? subject->exe : (struct policy_str){ "", 0 });
	for (i = 0; i < j.b.header->layer_count && !judge_settled(&j); i++) {
		uint32_t s = checked(&j.b, st->s[i]);

		judge_layer(&j, i, judge_list(&j, j.b.state[s].list_idx));
	}
	judge_end(&j, ret);
}

uint64_t policy_state_class(const struct policy *p, const struct policy_state *st)
{
	struct blob b = blob_view(p);
	uint64_t class = 0;
	uint32_t i;

	for (i = 0; i < b.header->layer_count; i++) {
		uint64_t list = b.state[checked(&b, st->s[i])].list_idx;

		class |= list << (16 * i);
	}
	return class;
}

void policy_state_beneath(const struct policy *p, const struct policy_state *st,
			  struct policy_beneath *ret)
{
	struct blob b = blob_view(p);
	uint32_t i, flags = 0;

	*ret = (struct policy_beneath){ .may_allow = POLICY_OPS_FILES };
	for (i = 0; i < b.header->layer_count; i++) {
		uint32_t s = checked(&b, st->s[i]);
		const struct blob_summary *sum = &b.summary[s ? b.state[s].summary_idx :
							    b.header->layer[i].dead_summary_idx];

		ret->may_allow &= sum->pass;
		ret->may_refuse |= sum->refuse;
		flags |= sum->flags;
	}
	ret->hides = flags & BLOB_SUMMARY_HIDES;
	ret->conditional = flags & BLOB_SUMMARY_CONDITIONAL;
}
