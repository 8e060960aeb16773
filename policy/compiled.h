/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/compiled.h - A policy between builder and blob; private to the write side
 */
#ifndef POLICY_COMPILED_H
#define POLICY_COMPILED_H

#include "policy/automaton.h"
#include "policy/builder.h"
#include "policy/summary.h"

/** struct compiled_small - The automaton of a "by" list or an argument pattern, found again by its text */
struct compiled_small {
	char *text;
	uint32_t hash, root;
};

struct compiled {
	const struct policy_builder *b;	/* borrowed */
	struct nfa_rule *nfa_rule;	/* by rule_idx */
	struct summary_rule *summary_rule;
	struct automaton a;
	struct summary_table summary;
	uint32_t root[POLICY_LAYER_MAX][POLICY_SECTION_COUNT];
	uint32_t dead_summary_idx[POLICY_LAYER_MAX];
	struct blob_rule *rule;
	uint32_t *arg;
	struct blob_net *net;
	struct compiled_small *small;
	struct blob_cell *cell;
	uint32_t *base;			/* by state: cells, or chain's number */
	struct blob_chain *chain;
	char *string;
	size_t arg_count, arg_cap, net_count, net_cap, small_count, small_cap;
	size_t cell_count, cell_cap, chain_count, chain_cap, string_count, string_cap;
};

/** compile_layers() - The automata of all layers, their summaries, and the rules that can never match */
int compile_layers(struct compiled *c, struct policy_diag *reterr, uint32_t *reterr_source) MUST_USE;

/** compile_rules() - Fill rule, arg, net and string */
int compile_rules(struct compiled *c, struct policy_diag *reterr, uint32_t *reterr_source) MUST_USE;

/** compile_string() - Append a string to the pool */
int compile_string(struct compiled *c, const char *s, struct blob_str *ret) MUST_USE;

/** compile_bytes() - As compile_string() for what may hold NULs; one more follows at @s + @len */
int compile_bytes(struct compiled *c, const char *s, size_t len, struct blob_str *ret) MUST_USE;

/** compile_pack() - Lay the edges of all states into one table of cells, chains apart */
int compile_pack(struct compiled *c) MUST_USE;

/** compile_refuse() - Fill a diagnosis with a rule's place. Returns -EINVAL */
int compile_refuse(const struct compiled *c, size_t rule_idx, const char *why,
		   struct policy_diag *reterr, uint32_t *reterr_source);

#endif /* POLICY_COMPILED_H */
