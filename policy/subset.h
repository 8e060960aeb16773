/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/subset.h - Sets of nodes and the states they are; private to the subset construction
 *
 * One set is in the making at a time, in automaton.scratch.
 */
#ifndef POLICY_SUBSET_H
#define POLICY_SUBSET_H

#include "policy/automaton.h"

/** struct subset - One tree on its way into the automata. Borrowed. */
struct subset {
	struct automaton *a;
	const struct nfa *n;
};

uint32_t subset_hash(const uint32_t *words, size_t count);
void subset_sort(uint32_t *words, size_t count);

void subset_begin(struct subset *b);
/** subset_add() - A node and those entered with it */
void subset_add(struct subset *b, uint32_t node);
/** subset_intern() - The state of the set: an old one or a new; 0 for the empty set */
int subset_intern(struct subset *b, uint32_t *ret) MUST_USE;
/** subset_new_state() - A state of the set in scratch, without a look for an old one */
int subset_new_state(struct automaton *a, uint32_t hash, uint32_t *ret) MUST_USE;

#endif /* POLICY_SUBSET_H */
