/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/judge.h - From candidate rules to a decision; private to the read side
 */
#ifndef POLICY_JUDGE_H
#define POLICY_JUDGE_H

#include "policy/format.h"

/** struct judge - One question in the making. Plain data on the caller's stack. */
struct judge {
	struct blob b;
	uint64_t op_bit;
	enum policy_section section;
	uint32_t traits;
	struct policy_str exe;
	const char *const *argv;	/* commands only; NULL: unknown when argc > 0 */
	uint32_t argc;
	bool has_opinion;		/* some layer spoke */
	uint32_t verdict, rule_idx;	/* strictest so far; POLICY_RULE_NONE: the default */
};

struct judge judge_begin(const struct policy *p, enum policy_op op, uint32_t traits,
			 struct policy_str exe);

/** judge_layer() - Let a layer speak: the rule it found, or POLICY_RULE_NONE */
void judge_layer(struct judge *j, uint32_t layer_idx, uint32_t rule_idx);

/** judge_settled() - No further layer can change the answer */
bool judge_settled(const struct judge *j);

/** judge_list() - First rule of a candidate list whose op and conditions hold */
uint32_t judge_list(const struct judge *j, uint32_t list_idx);

/** judge_rule() - Do op and conditions of this rule hold? */
bool judge_rule(const struct judge *j, uint64_t ops, uint32_t cond, uint32_t rule_idx);

void judge_end(const struct judge *j, struct policy_decision *ret);

/** judge_refused() - The answer to a request that makes no sense: deny, EACCES */
void judge_refused(struct policy_decision *ret);

#endif /* POLICY_JUDGE_H */
