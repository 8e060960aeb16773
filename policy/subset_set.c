/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/subset_set.c - Sets of nodes, what they may forget, and the states they are
 */
#include "policy/subset.h"

#include <string.h>

#include "policy/format.h"
#include "policy/grow.h"

#define SUBSET_STATE_MAX	(1u << 18)	/* of one tree; a policy meets BLOB_STATE_MAX */
#define SUBSET_POOL_MAX		(1u << 24)
#define STICKY_MAX		64

/* A rule that matches from here on: to the end, or to the next '/' */
struct sticky {
	uint32_t rule_idx, node;
	uint8_t kind;			/* NFA_TAIL or NFA_STAR */
};

static uint32_t mix(uint32_t h)
{
	h ^= h >> 16;
	h *= 0x7feb352du;
	h ^= h >> 15;
	h *= 0x846ca68bu;
	return h ^ h >> 16;
}

uint32_t subset_hash(const uint32_t *words, size_t count)
{
	uint32_t h = (uint32_t)count;
	size_t i;

	for (i = 0; i < count; i++)
		h = mix(h ^ words[i]) + words[i];
	return mix(h);
}

void subset_begin(struct subset *b)
{
	b->a->stamp_now++;
	b->a->scratch_count = 0;
}

void subset_add(struct subset *b, uint32_t node)
{
	struct automaton *a = b->a;
	const struct nfa_node *n;

	for (;;) {
		n = &b->n->node[node];
		if (a->stamp[node] == a->stamp_now)
			return;
		a->stamp[node] = a->stamp_now;
		if (n->is_useful)
			a->scratch[a->scratch_count++] = node;
		if (n->middle_child)
			subset_add(b, n->middle_child);
		if (!n->star_child)
			return;
		node = n->star_child;
	}
}

static int compare_words(const void *x, const void *y)
{
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

	return a < b ? -1 : a > b;
}

void subset_sort(uint32_t *w, size_t count)
{
	size_t i, j;

	if (count > 256) {
		qsort(w, count, sizeof(*w), compare_words);
		return;
	}
	for (i = 1; i < count; i++) {
		uint32_t x = w[i];

		for (j = i; j > 0 && w[j - 1] > x; j--)
			w[j] = w[j - 1];
		w[j] = x;
	}
}

static size_t find_sticky(const struct subset *b, struct sticky *ret)
{
	const struct automaton *a = b->a;
	size_t i, j, count = 0;
	uint32_t at;

	for (i = 0; i < a->scratch_count; i++) {
		const struct nfa_node *n = &b->n->node[a->scratch[i]];

		if (n->kind != NFA_TAIL && n->kind != NFA_STAR)
			continue;
		for (at = n->accept; at && count < STICKY_MAX; at = b->n->accept[at - 1].next) {
			struct sticky s = { b->n->accept[at - 1].rule_idx, a->scratch[i], n->kind };

			for (j = count++; j > 0 && ret[j - 1].rule_idx > s.rule_idx; j--)
				ret[j] = ret[j - 1];
			ret[j] = s;
		}
	}
	return count;
}

/*
 * Will rules that match anyway decide everything this node could lead to? From
 * the first of its rules on, each must be one of those that match, until those
 * that match have decided all of its ops.
 */
static bool is_covered(const struct subset *b, uint32_t node, const struct sticky *s, size_t count)
{
	const struct nfa_node *n = &b->n->node[node];
	uint32_t next = n->rule_min;	/* all before it are covered */
	uint64_t decided = 0;

	for (; count > 0 && s->rule_idx <= next; s++, count--) {
		if (s->node == node || (s->kind == NFA_STAR && n->is_deep))
			continue;
		if (s->rule_idx >= n->rule_min && s->kind == n->kind && node < s->node)
			continue;	/* of two alike one stays */
		if (s->rule_idx == next && next++ == n->rule_max)
			return true;
		if (!b->a->rule[s->rule_idx].is_conditional)
			decided |= b->a->rule[s->rule_idx].ops;
		if ((n->ops & ~decided) == 0)
			return true;
	}
	return false;
}

static void set_prune(struct subset *b)
{
	struct automaton *a = b->a;
	struct sticky sticky[STICKY_MAX];
	size_t count = find_sticky(b, sticky), i, kept = 0;

	if (count == 0)
		return;
	for (i = 0; i < a->scratch_count; i++)
		if (!is_covered(b, a->scratch[i], sticky, count))
			a->scratch[kept++] = a->scratch[i];
	a->scratch_count = kept;
}

static int rehash_states(struct automaton *a)
{
	size_t want = a->bucket_count * 2;
	uint32_t *bucket = calloc(want, sizeof(*bucket)), s;

	if (!bucket)
		return -ENOMEM;
	for (s = a->first; s < a->state_count; s++) {
		size_t at = a->state[s].hash & (want - 1);

		while (bucket[at])
			at = (at + 1) & (want - 1);
		bucket[at] = s + 1;
	}
	free(a->bucket);
	a->bucket = bucket;
	a->bucket_count = want;
	return 0;
}

int subset_new_state(struct automaton *a, uint32_t hash, uint32_t *ret)
{
	int r;

	if (a->state_count - a->first >= SUBSET_STATE_MAX || a->state_count >= BLOB_STATE_MAX ||
	    a->pool_count + a->scratch_count > SUBSET_POOL_MAX)
		return -EFBIG;
	r = grow(&a->state, &a->state_cap, a->state_count + 1, sizeof(*a->state));
	if (r == 0)
		r = grow(&a->pool, &a->pool_cap, a->pool_count + a->scratch_count, sizeof(*a->pool));
	if (r < 0)
		return r;
	memcpy(a->pool + a->pool_count, a->scratch, a->scratch_count * sizeof(*a->pool));
	a->state[a->state_count] = (struct automaton_state){
		.set_off = (uint32_t)a->pool_count,
		.set_len = (uint32_t)a->scratch_count,
		.hash = hash,
	};
	a->pool_count += a->scratch_count;
	*ret = (uint32_t)a->state_count++;
	return 0;
}

int subset_intern(struct subset *b, uint32_t *ret)
{
	struct automaton *a = b->a;
	uint32_t hash;
	size_t at;
	int r;

	subset_sort(a->scratch, a->scratch_count);
	set_prune(b);
	if (a->scratch_count == 0) {
		*ret = 0;
		return 0;
	}
	if ((a->state_count - a->first) * 2 >= a->bucket_count) {
		r = rehash_states(a);
		if (r < 0)
			return r;
	}
	hash = subset_hash(a->scratch, a->scratch_count);
	for (at = hash & (a->bucket_count - 1); a->bucket[at]; at = (at + 1) & (a->bucket_count - 1)) {
		const struct automaton_state *s = &a->state[a->bucket[at] - 1];

		if (s->hash == hash && s->set_len == a->scratch_count &&
		    memcmp(a->pool + s->set_off, a->scratch, s->set_len * sizeof(*a->pool)) == 0) {
			*ret = a->bucket[at] - 1;
			return 0;
		}
	}
	r = subset_new_state(a, hash, ret);
	if (r == 0)
		a->bucket[at] = *ret + 1;
	return r;
}
