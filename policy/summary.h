/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/summary.h - What lies strictly beneath each state; write side only
 */
#ifndef POLICY_SUMMARY_H
#define POLICY_SUMMARY_H

#include "policy/automaton.h"
#include "policy/format.h"

/** struct summary_rule - What a summary must know of a rule, by rule_idx */
struct summary_rule {
	uint64_t ops;
	bool is_conditional, is_refusal, hides, is_default;
};

/** struct summary_table - Distinct summaries, as they go into the blob */
struct summary_table {
	struct blob_summary *summary;
	size_t count, cap;
};

/** struct summary_layer - One layer's files automaton: its states are [first, end) and 0 */
struct summary_layer {
	const struct summary_rule *rule;
	uint32_t first, end;
	bool is_base;
	enum policy_verdict fallback;	/* of the base */
};

/**
 * summary_compute() - Fill summary_idx of the layer's states
 * @ret_dead:	Summary of state 0 in this layer
 */
int summary_compute(struct summary_table *t, struct automaton *a, const struct summary_layer *l,
		    uint32_t *ret_dead) MUST_USE;

#endif /* POLICY_SUMMARY_H */
