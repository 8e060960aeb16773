/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/nfa.h - All patterns of one automaton as one tree of tokens; write side only
 *
 * Patterns share their beginnings, so thousands of literals cost the bytes that
 * tell them apart. A node stands for a position behind its tokens; a set of
 * nodes is a state of the automaton to be.
 */
#ifndef POLICY_NFA_H
#define POLICY_NFA_H

#include "policy/pattern.h"

enum nfa_kind {
	NFA_PLAIN = 0,
	NFA_STAR,	/* within a "*": stays on any byte but '/' */
	NFA_MIDDLE,	/* where "**" begins a component */
	NFA_SKIP,	/* within a component that "**" skips; '/' leads back to NFA_MIDDLE */
	NFA_TAIL,	/* beneath a trailing "**": stays on any byte */
};

struct nfa_node {
	uint32_t parent;
	uint32_t byte_child, set_child;	/* first of several, by @sibling; 0: none */
	uint32_t sibling;
	uint32_t any_child, tail_child;	/* entered by any byte but '/' */
	uint32_t star_child, middle_child; /* entered with the node itself */
	uint32_t partner;		/* NFA_MIDDLE <-> NFA_SKIP */
	uint32_t accept;		/* first struct nfa_accept + 1; 0: none */
	uint32_t rule_min, rule_max;	/* of the rules that this node can still lead to */
	uint64_t ops;			/* theirs */
	uint32_t set_idx;
	uint8_t kind;
	uint8_t byte;
	bool is_deep;			/* leads past a '/' */
	bool is_useful;			/* accepts, or has a way on of its own */
};

struct nfa_accept {
	uint32_t rule_idx, next;	/* next + 1; 0: none. Ascending. */
};

/** struct nfa_rule - What the automaton must know of a rule, to forget those that cannot win */
struct nfa_rule {
	uint64_t ops;
	bool is_conditional;
};

struct nfa_set {
	uint64_t has[4];
};

struct nfa {
	enum pattern_kind kind;
	const struct nfa_rule *rule;	/* borrowed; by rule_idx */
	struct nfa_node *node;
	struct nfa_accept *accept;
	struct nfa_set *set;
	size_t node_count, node_cap, accept_count, accept_cap, set_count, set_cap;
};

int nfa_init(struct nfa *n, enum pattern_kind kind, const struct nfa_rule *rule) MUST_USE;
void nfa_free(struct nfa *n);

/**
 * nfa_add() - Add a checked pattern; rules must come in ascending order
 *
 * In an NFA_PATH automaton a pattern without a '/' is a base name: it is told
 * from paths by its first byte.
 *
 * Return: 0; -EFBIG; -ENOMEM
 */
int nfa_add(struct nfa *n, const char *pattern, uint32_t rule_idx) MUST_USE;

/** nfa_finish() - After the last pattern: what each node leads to */
void nfa_finish(struct nfa *n);

#endif /* POLICY_NFA_H */
