/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/automaton.c - Automata as tables: candidate lists, edges, beginning and end
 */
#include "policy/automaton.h"

#include <string.h>

#include "policy/format.h"
#include "policy/grow.h"
#include "policy/subset.h"

static bool list_is(const struct automaton *a, uint32_t l, const uint32_t *rules, size_t count)
{
	return a->list[l].rule_count == count &&
	       memcmp(a->list_rule + a->list[l].rule_off, rules, count * sizeof(*rules)) == 0;
}

static int rehash_lists(struct automaton *a)
{
	size_t want = a->list_bucket_count ? a->list_bucket_count * 2 : 64;
	uint32_t *bucket = calloc(want, sizeof(*bucket)), l;

	if (!bucket)
		return -ENOMEM;
	for (l = 1; l < a->list_count; l++) {
		size_t at = a->list[l].hash & (want - 1);

		while (bucket[at])
			at = (at + 1) & (want - 1);
		bucket[at] = l;
	}
	free(a->list_bucket);
	a->list_bucket = bucket;
	a->list_bucket_count = want;
	return 0;
}

static int new_list(struct automaton *a, const uint32_t *rules, size_t count, uint32_t hash)
{
	int r;

	if (a->list_count >= BLOB_LIST_MAX)
		return -EFBIG;
	r = grow(&a->list, &a->list_cap, a->list_count + 1, sizeof(*a->list));
	if (r == 0)
		r = grow(&a->list_rule, &a->list_rule_cap, a->list_rule_count + count,
			 sizeof(*a->list_rule));
	if (r < 0)
		return r;
	if (count)
		memcpy(a->list_rule + a->list_rule_count, rules, count * sizeof(*rules));
	a->list[a->list_count++] = (struct automaton_list){
		.rule_off = (uint32_t)a->list_rule_count,
		.rule_count = (uint32_t)count,
		.hash = hash,
	};
	a->list_rule_count += count;
	return 0;
}

/* Drop rules all of whose ops are decided before them */
static size_t cut_list(const struct automaton *a, uint32_t *rules, size_t count)
{
	uint64_t decided = 0;
	size_t i, kept = 0;

	for (i = 0; i < count; i++) {
		const struct nfa_rule *r = &a->rule[rules[i]];

		if ((r->ops & ~decided) == 0)
			continue;
		rules[kept++] = rules[i];
		if (!r->is_conditional)
			decided |= r->ops;
	}
	return kept;
}

int automaton_list_of(struct automaton *a, uint32_t *rules, size_t count, uint32_t *ret_list)
{
	uint32_t hash;
	size_t at;
	int r;

	count = cut_list(a, rules, count);
	if (count == 0) {
		*ret_list = 0;
		return 0;
	}
	if (a->list_count * 2 >= a->list_bucket_count) {
		r = rehash_lists(a);
		if (r < 0)
			return r;
	}
	hash = subset_hash(rules, count);
	for (at = hash & (a->list_bucket_count - 1); a->list_bucket[at];
	     at = (at + 1) & (a->list_bucket_count - 1)) {
		if (list_is(a, a->list_bucket[at], rules, count)) {
			*ret_list = a->list_bucket[at];
			return 0;
		}
	}
	r = new_list(a, rules, count, hash);
	if (r < 0)
		return r;
	a->list_bucket[at] = *ret_list = (uint32_t)a->list_count - 1;
	return 0;
}

const struct automaton_edge *automaton_find_edge(const struct automaton *a,
						 const struct automaton_state *s, uint8_t byte)
{
	const struct automaton_edge *e = a->edge + s->edge_off;
	size_t low = 0, high = s->edge_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (e[middle].byte < byte)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->edge_count && e[low].byte == byte ? &e[low] : NULL;
}

int automaton_init(struct automaton *a, const struct nfa_rule *rule)
{
	uint32_t dead;
	int r;

	*a = (struct automaton){ .rule = rule };
	r = new_list(a, NULL, 0, 0);
	if (r == 0)
		r = grow(&a->pool, &a->pool_cap, 1, sizeof(*a->pool));
	if (r == 0)
		r = grow(&a->scratch, &a->scratch_cap, 1, sizeof(*a->scratch));
	if (r == 0)
		r = grow(&a->edge, &a->edge_cap, 1, sizeof(*a->edge));
	if (r == 0)
		r = subset_new_state(a, 0, &dead);
	if (r == 0)
		a->state[dead].is_done = true;
	return r;
}

void automaton_free(struct automaton *a)
{
	free(a->state);
	free(a->edge);
	free(a->text);
	free(a->list);
	free(a->list_rule);
	free(a->pool);
	free(a->bucket);
	free(a->list_bucket);
	free(a->stamp);
	free(a->scratch);
	*a = (struct automaton){ 0 };
}
