/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/subset.c - Deterministic automata by subset construction
 *
 * DOC: Theory of Operation
 *
 * A state is a set of nodes of the pattern tree. Two things keep the number of
 * states and the work for each small:
 *
 * Split rows. Nodes that stay where they are or move on any byte ("*", "**",
 * "?", sets) are the loop part of a set, nodes with nothing but literal children
 * its plain part. The ways of the whole set on bytes that the plain part does
 * not name are the ways of the loop part alone, which is a state of its own:
 * the whole set keeps only its few literal edges and fails over to that state.
 * A run of single literal edges that all fail to the same state becomes a chain.
 *
 * Forgetting. In a state where a rule will match whatever follows (beneath its
 * "**", or within its final "*" up to the next '/'), nodes that can only lead
 * to later rules with no op of their own are dropped. Without it every "x*" and
 * "X/ **" would double the states behind it.
 */
#include "policy/subset.h"

#include <string.h>

#include "policy/grow.h"

static int push_edge(struct automaton *a, uint8_t byte, uint32_t target)
{
	int r = grow(&a->edge, &a->edge_cap, a->edge_count + 1, sizeof(*a->edge));

	if (r == 0)
		a->edge[a->edge_count++] = (struct automaton_edge){ .byte = byte, .target = target };
	return r;
}

/* Where a finished loop state goes; it has no retry and is no chain */
static uint32_t loop_target(const struct automaton *a, uint32_t state, uint8_t byte)
{
	const struct automaton_state *s = &a->state[state];
	const struct automaton_edge *e = automaton_find_edge(a, s, byte);

	return e ? e->target : s->fail;
}

static bool is_plain(const struct nfa_node *n)
{
	return n->kind == NFA_PLAIN && !n->any_child && !n->set_child && !n->tail_child;
}

/* What a node does on any byte but '/' */
static void add_generic(struct subset *b, uint32_t node)
{
	const struct nfa_node *n = &b->n->node[node];

	if (n->any_child)
		subset_add(b, n->any_child);
	if (n->tail_child)
		subset_add(b, n->tail_child);
	if (n->kind == NFA_STAR || n->kind == NFA_SKIP || n->kind == NFA_TAIL)
		subset_add(b, node);
	if (n->kind == NFA_MIDDLE)
		subset_add(b, n->partner);
}

static void add_slash(struct subset *b, uint32_t node)
{
	const struct nfa_node *n = &b->n->node[node];

	if (n->kind == NFA_SKIP)
		subset_add(b, n->partner);
	if (n->kind == NFA_TAIL)
		subset_add(b, node);
}

static void add_named(struct subset *b, uint32_t node, uint8_t byte)
{
	uint32_t c;

	for (c = b->n->node[node].byte_child; c; c = b->n->node[c].sibling)
		if (b->n->node[c].byte == byte)
			subset_add(b, c);
	for (c = b->n->node[node].set_child; c; c = b->n->node[c].sibling)
		if (pattern_set_has(b->n->set[b->n->node[c].set_idx].has, byte))
			subset_add(b, c);
}

static void name_bytes(const struct subset *b, uint32_t node, uint64_t named[4])
{
	uint32_t c, i;

	for (c = b->n->node[node].byte_child; c; c = b->n->node[c].sibling)
		named[b->n->node[c].byte >> 6] |= UINT64_C(1) << (b->n->node[c].byte & 63);
	for (c = b->n->node[node].set_child; c; c = b->n->node[c].sibling)
		for (i = 0; i < 4; i++)
			named[i] |= b->n->set[b->n->node[c].set_idx].has[i];
}

/* The state that @state goes to on @byte; -1 for a byte that no node names */
static int loop_step(struct subset *b, uint32_t state, int byte, uint32_t *ret)
{
	uint32_t off = b->a->state[state].set_off, len = b->a->state[state].set_len, i;
	bool is_slash = byte == '/' && b->n->kind != PATTERN_ARG;

	subset_begin(b);
	for (i = 0; i < len; i++) {
		uint32_t node = b->a->pool[off + i];

		if (is_slash)
			add_slash(b, node);
		else
			add_generic(b, node);
		if (byte >= 0)
			add_named(b, node, (uint8_t)byte);
	}
	return subset_intern(b, ret);
}

static int finish_loop(struct subset *b, uint32_t state)
{
	struct automaton *a = b->a;
	uint32_t i, off = a->state[state].set_off, target, fallback;
	size_t edge_off = a->edge_count;
	uint64_t named[4] = { 0 };
	unsigned int byte;
	int r;

	if (a->state[state].is_done)
		return 0;
	for (i = 0; i < a->state[state].set_len; i++)
		name_bytes(b, a->pool[off + i], named);
	named[0] |= UINT64_C(1) << '/';
	r = loop_step(b, state, -1, &fallback);
	for (byte = pattern_set_next(named, 0); r == 0 && byte < 256;
	     byte = pattern_set_next(named, byte + 1)) {
		r = loop_step(b, state, (int)byte, &target);
		if (r == 0 && target != fallback)
			r = push_edge(a, (uint8_t)byte, target);
	}
	a->state[state].fail = fallback;
	a->state[state].edge_off = (uint32_t)edge_off;
	a->state[state].edge_count = (uint32_t)(a->edge_count - edge_off);
	a->state[state].is_done = true;
	return r;
}

/* The state behind literal child @child (or, 0, all of @state's for @byte) when the rest is in @rest */
static int plain_step(struct subset *b, uint32_t state, uint32_t child, uint8_t byte, uint32_t rest,
		      uint32_t *ret)
{
	const struct automaton *a = b->a;
	const struct automaton_state *s = &a->state[state], *t;
	uint32_t i;

	subset_begin(b);
	if (child)
		subset_add(b, child);
	for (i = 0; !child && i < s->set_len; i++)
		if (is_plain(&b->n->node[a->pool[s->set_off + i]]))
			add_named(b, a->pool[s->set_off + i], byte);
	t = &a->state[loop_target(a, rest, byte)];
	for (i = 0; i < t->set_len; i++)
		subset_add(b, a->pool[t->set_off + i]);
	return subset_intern(b, ret);
}

/* The only literal child; 0 if there are none or several */
static uint32_t only_child(const struct subset *b, uint32_t node)
{
	uint32_t c = b->n->node[node].byte_child;

	return c && !b->n->node[c].sibling ? c : 0;
}

/* Nothing happens at this node but one more byte */
static bool is_inner(const struct subset *b, uint32_t node)
{
	const struct nfa_node *n = &b->n->node[node];

	return is_plain(n) && !n->accept && !n->star_child && !n->middle_child &&
	       only_child(b, node) && b->n->node[only_child(b, node)].byte != '/';
}

static int finish_chain(struct subset *b, uint32_t state, uint32_t child, uint32_t rest)
{
	struct automaton *a = b->a;
	size_t off = a->text_count;
	uint32_t target;
	uint8_t byte;
	int r;

	for (;;) {
		byte = b->n->node[child].byte;
		r = grow(&a->text, &a->text_cap, a->text_count + 1, 1);
		if (r < 0)
			return r;
		a->text[a->text_count++] = byte;
		if (!is_inner(b, child) || loop_target(a, rest, byte) != rest)
			break;
		child = only_child(b, child);
	}
	r = plain_step(b, state, child, byte, rest, &target);
	if (r < 0)
		return r;
	if (a->text_count - off == 1) {
		a->text_count = off;
		a->state[state].edge_off = (uint32_t)a->edge_count;
		a->state[state].edge_count = 1;
		return push_edge(a, byte, target);
	}
	a->state[state].text_off = (uint32_t)off;
	a->state[state].text_len = (uint32_t)(a->text_count - off);
	a->state[state].next = target;
	return 0;
}

static int finish_plain(struct subset *b, uint32_t state, const uint64_t named[4], uint32_t rest)
{
	struct automaton *a = b->a;
	size_t edge_off = a->edge_count;
	uint32_t target;
	unsigned int byte;
	int r = 0;

	for (byte = pattern_set_next(named, 0); r == 0 && byte < 256;
	     byte = pattern_set_next(named, byte + 1)) {
		r = plain_step(b, state, 0, (uint8_t)byte, rest, &target);
		if (r == 0)
			r = push_edge(a, (uint8_t)byte, target);
	}
	a->state[state].edge_off = (uint32_t)edge_off;
	a->state[state].edge_count = (uint32_t)(a->edge_count - edge_off);
	return r;
}

static int finish_state(struct subset *b, uint32_t state)
{
	struct automaton *a = b->a;
	uint32_t i, off = a->state[state].set_off, plain = 0, last = 0, child, rest;
	uint64_t named[4] = { 0 };
	int r;

	if (a->state[state].is_done)
		return 0;
	subset_begin(b);
	for (i = 0; i < a->state[state].set_len; i++) {
		uint32_t node = a->pool[off + i];

		if (is_plain(&b->n->node[node])) {
			name_bytes(b, node, named);
			last = node;
			plain++;
		} else {
			a->scratch[a->scratch_count++] = node;
		}
	}
	if (plain == 0)
		return finish_loop(b, state);
	r = subset_intern(b, &rest);
	if (r == 0)
		r = finish_loop(b, rest);
	if (r < 0)
		return r;
	a->state[state].fail = rest;
	a->state[state].is_retry = rest != 0;
	a->state[state].is_done = true;
	child = only_child(b, last);
	if (plain == 1 && child && b->n->node[child].byte != '/')
		return finish_chain(b, state, child, rest);
	return finish_plain(b, state, named, rest);
}

static int finish_list(struct subset *b, uint32_t state)
{
	struct automaton *a = b->a;
	uint32_t off = a->state[state].set_off, i, at;
	size_t count = 0, kept = 0, k;
	int r;

	for (i = 0; i < a->state[state].set_len; i++) {
		for (at = b->n->node[a->pool[off + i]].accept; at; at = b->n->accept[at - 1].next) {
			r = grow(&a->scratch, &a->scratch_cap, count + 1, sizeof(*a->scratch));
			if (r < 0)
				return r;
			a->scratch[count++] = b->n->accept[at - 1].rule_idx;
		}
	}
	subset_sort(a->scratch, count);
	for (k = 0; k < count; k++)
		if (k == 0 || a->scratch[k] != a->scratch[kept - 1])
			a->scratch[kept++] = a->scratch[k];
	return automaton_list_of(a, a->scratch, kept, &a->state[state].list_idx);
}

static int begin_tree(struct automaton *a, const struct nfa *n)
{
	int r;

	r = grow(&a->stamp, &a->stamp_cap, n->node_count, sizeof(*a->stamp));
	if (r == 0)
		r = grow(&a->scratch, &a->scratch_cap, n->node_count, sizeof(*a->scratch));
	if (r < 0)
		return r;
	memset(a->stamp, 0, n->node_count * sizeof(*a->stamp));
	a->stamp_now = 0;
	a->pool_count = 0;
	a->first = (uint32_t)a->state_count;
	free(a->bucket);
	a->bucket_count = 64;
	a->bucket = calloc(a->bucket_count, sizeof(*a->bucket));
	return a->bucket ? 0 : -ENOMEM;
}

int automaton_add(struct automaton *a, const struct nfa *n, uint32_t *ret_root)
{
	struct subset b = { a, n };
	uint32_t s;
	int r;

	r = begin_tree(a, n);
	if (r < 0)
		return r;
	subset_begin(&b);
	subset_add(&b, 0);
	r = subset_intern(&b, ret_root);
	for (s = a->first; r == 0 && s < a->state_count; s++)
		r = finish_state(&b, s);
	for (s = a->first; r == 0 && s < a->state_count; s++)
		r = finish_list(&b, s);
	return r;
}
