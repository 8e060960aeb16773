/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/automaton.h - From pattern trees to deterministic automata; write side only
 */
#ifndef POLICY_AUTOMATON_H
#define POLICY_AUTOMATON_H

#include "policy/nfa.h"

/** struct automaton_edge - One byte's way out of a state */
struct automaton_edge {
	uint32_t target;
	uint8_t byte;
};

/** struct automaton_state - As in the blob, before the cells are packed */
struct automaton_state {
	uint32_t set_off, set_len;	/* of nodes, in automaton.pool; while its tree is compiled */
	uint32_t hash;
	uint32_t fail;			/* @is_retry: look the byte up there; else go there */
	uint32_t edge_off, edge_count;	/* ways out other than @fail */
	uint32_t text_off, text_len;	/* a chain if @text_len: no edges then */
	uint32_t next;			/* behind the chain */
	uint32_t list_idx, summary_idx;
	bool is_retry, is_done;
};

struct automaton_list {
	uint32_t rule_off, rule_count;	/* in automaton.list_rule */
	uint32_t hash;
};

/** struct automaton - All automata of one policy. Zero it, then automaton_init(). */
struct automaton {
	const struct nfa_rule *rule;	/* borrowed */
	struct automaton_state *state;
	struct automaton_edge *edge;
	uint8_t *text;
	struct automaton_list *list;
	uint32_t *list_rule;
	uint32_t *pool;			/* node sets */
	uint32_t *bucket;		/* state number + 1 by hash of its set */
	uint32_t *list_bucket;
	uint32_t *stamp;		/* by node: seen in the set being made */
	uint32_t *scratch;
	uint32_t first;			/* state of the tree being compiled */
	uint32_t stamp_now;
	size_t state_count, state_cap, edge_count, edge_cap, text_count, text_cap;
	size_t list_count, list_cap, list_rule_count, list_rule_cap, pool_count, pool_cap;
	size_t bucket_count, list_bucket_count, stamp_cap, scratch_count, scratch_cap;
};

int automaton_init(struct automaton *a, const struct nfa_rule *rule) MUST_USE;
void automaton_free(struct automaton *a);

/**
 * automaton_add() - Compile one tree
 * @ret_root:	Its first state; 0 if nothing can match
 *
 * Its states are all those made from here on: numbers from the former
 * state_count.
 *
 * Return: 0; -EFBIG if it outgrows the limit; -ENOMEM
 */
int automaton_add(struct automaton *a, const struct nfa *n, uint32_t *ret_root) MUST_USE;

/** automaton_list_of() - Intern a candidate list of ascending rules, cut to those that can win */
int automaton_list_of(struct automaton *a, uint32_t *rules, size_t count, uint32_t *ret_list) MUST_USE;

/** automaton_find_edge() - The edge for a byte; NULL if it takes the fail way */
const struct automaton_edge *automaton_find_edge(const struct automaton *a,
						 const struct automaton_state *s, uint8_t byte);

/**
 * automaton_live_rules() - Which rules win somewhere
 * @live:	By rule_idx; set to true, never to false
 */
int automaton_live_rules(const struct automaton *a, uint32_t root, bool *live) MUST_USE;

#endif /* POLICY_AUTOMATON_H */
