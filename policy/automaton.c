/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/automaton.c - Deterministic automata by subset construction
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
#include "policy/automaton.h"

#include <string.h>

#include "policy/format.h"
#include "policy/grow.h"

#define AUTOMATON_STATE_MAX	(1u << 18)	/* of one tree; a policy meets BLOB_STATE_MAX */
#define AUTOMATON_POOL_MAX	(1u << 24)
#define STICKY_MAX		64

/* A rule that matches from here on: to the end, or to the next '/' */
struct sticky {
	uint32_t rule_idx, node;
	uint8_t kind;			/* NFA_TAIL or NFA_STAR */
};

struct build {
	struct automaton *a;
	const struct nfa *n;
};

static uint32_t mix(uint32_t h)
{
	h ^= h >> 16;
	h *= 0x7feb352du;
	h ^= h >> 15;
	h *= 0x846ca68bu;
	return h ^ h >> 16;
}

static uint32_t hash_words(const uint32_t *w, size_t count)
{
	uint32_t h = (uint32_t)count;
	size_t i;

	for (i = 0; i < count; i++)
		h = mix(h ^ w[i]) + w[i];
	return mix(h);
}

/* ---- candidate lists ---- */

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
	hash = hash_words(rules, count);
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

/* ---- sets of nodes ---- */

static void set_begin(struct build *b)
{
	b->a->stamp_now++;
	b->a->scratch_count = 0;
}

/* A node and those entered with it */
static void set_add(struct build *b, uint32_t node)
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
			set_add(b, n->middle_child);
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

static void sort_words(uint32_t *w, size_t count)
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

static size_t find_sticky(const struct build *b, struct sticky *ret)
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
static bool is_covered(const struct build *b, uint32_t node, const struct sticky *s, size_t count)
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

static void set_prune(struct build *b)
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

/* ---- states ---- */

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

static int new_state(struct automaton *a, uint32_t hash, uint32_t *ret)
{
	int r;

	if (a->state_count - a->first >= AUTOMATON_STATE_MAX || a->state_count >= BLOB_STATE_MAX ||
	    a->pool_count + a->scratch_count > AUTOMATON_POOL_MAX)
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

/* The state of the set in scratch */
static int set_intern(struct build *b, uint32_t *ret)
{
	struct automaton *a = b->a;
	uint32_t hash;
	size_t at;
	int r;

	sort_words(a->scratch, a->scratch_count);
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
	hash = hash_words(a->scratch, a->scratch_count);
	for (at = hash & (a->bucket_count - 1); a->bucket[at]; at = (at + 1) & (a->bucket_count - 1)) {
		const struct automaton_state *s = &a->state[a->bucket[at] - 1];

		if (s->hash == hash && s->set_len == a->scratch_count &&
		    memcmp(a->pool + s->set_off, a->scratch, s->set_len * sizeof(*a->pool)) == 0) {
			*ret = a->bucket[at] - 1;
			return 0;
		}
	}
	r = new_state(a, hash, ret);
	if (r == 0)
		a->bucket[at] = *ret + 1;
	return r;
}

/* ---- ways out ---- */

static int push_edge(struct automaton *a, uint8_t byte, uint32_t target)
{
	int r = grow(&a->edge, &a->edge_cap, a->edge_count + 1, sizeof(*a->edge));

	if (r == 0)
		a->edge[a->edge_count++] = (struct automaton_edge){ .byte = byte, .target = target };
	return r;
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
static void add_generic(struct build *b, uint32_t node)
{
	const struct nfa_node *n = &b->n->node[node];

	if (n->any_child)
		set_add(b, n->any_child);
	if (n->tail_child)
		set_add(b, n->tail_child);
	if (n->kind == NFA_STAR || n->kind == NFA_SKIP || n->kind == NFA_TAIL)
		set_add(b, node);
	if (n->kind == NFA_MIDDLE)
		set_add(b, n->partner);
}

static void add_slash(struct build *b, uint32_t node)
{
	const struct nfa_node *n = &b->n->node[node];

	if (n->kind == NFA_SKIP)
		set_add(b, n->partner);
	if (n->kind == NFA_TAIL)
		set_add(b, node);
}

static void add_named(struct build *b, uint32_t node, uint8_t byte)
{
	uint32_t c;

	for (c = b->n->node[node].byte_child; c; c = b->n->node[c].sibling)
		if (b->n->node[c].byte == byte)
			set_add(b, c);
	for (c = b->n->node[node].set_child; c; c = b->n->node[c].sibling)
		if (pattern_set_has(b->n->set[b->n->node[c].set_idx].has, byte))
			set_add(b, c);
}

static void name_bytes(const struct build *b, uint32_t node, uint64_t named[4])
{
	uint32_t c, i;

	for (c = b->n->node[node].byte_child; c; c = b->n->node[c].sibling)
		named[b->n->node[c].byte >> 6] |= UINT64_C(1) << (b->n->node[c].byte & 63);
	for (c = b->n->node[node].set_child; c; c = b->n->node[c].sibling)
		for (i = 0; i < 4; i++)
			named[i] |= b->n->set[b->n->node[c].set_idx].has[i];
}

/* The state that @state goes to on @byte; -1 for a byte that no node names */
static int loop_step(struct build *b, uint32_t state, int byte, uint32_t *ret)
{
	uint32_t off = b->a->state[state].set_off, len = b->a->state[state].set_len, i;
	bool is_slash = byte == '/' && b->n->kind != PATTERN_ARG;

	set_begin(b);
	for (i = 0; i < len; i++) {
		uint32_t node = b->a->pool[off + i];

		if (is_slash)
			add_slash(b, node);
		else
			add_generic(b, node);
		if (byte >= 0)
			add_named(b, node, (uint8_t)byte);
	}
	return set_intern(b, ret);
}

static int finish_loop(struct build *b, uint32_t state)
{
	struct automaton *a = b->a;
	uint32_t i, off = a->state[state].set_off, target, fallback;
	size_t edge_off = a->edge_count;
	uint64_t named[4] = { 0 };
	int r, byte;

	if (a->state[state].is_done)
		return 0;
	for (i = 0; i < a->state[state].set_len; i++)
		name_bytes(b, a->pool[off + i], named);
	named[0] |= UINT64_C(1) << '/';
	r = loop_step(b, state, -1, &fallback);
	for (byte = 0; r == 0 && byte < 256; byte++) {
		if (!pattern_set_has(named, (uint8_t)byte))
			continue;
		r = loop_step(b, state, byte, &target);
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
static int plain_step(struct build *b, uint32_t state, uint32_t child, uint8_t byte, uint32_t rest,
		      uint32_t *ret)
{
	const struct automaton *a = b->a;
	const struct automaton_state *s = &a->state[state], *t;
	uint32_t i;

	set_begin(b);
	if (child)
		set_add(b, child);
	for (i = 0; !child && i < s->set_len; i++)
		if (is_plain(&b->n->node[a->pool[s->set_off + i]]))
			add_named(b, a->pool[s->set_off + i], byte);
	t = &a->state[loop_target(a, rest, byte)];
	for (i = 0; i < t->set_len; i++)
		set_add(b, a->pool[t->set_off + i]);
	return set_intern(b, ret);
}

/* The only literal child; 0 if there are none or several */
static uint32_t only_child(const struct build *b, uint32_t node)
{
	uint32_t c = b->n->node[node].byte_child;

	return c && !b->n->node[c].sibling ? c : 0;
}

/* Nothing happens at this node but one more byte */
static bool is_inner(const struct build *b, uint32_t node)
{
	const struct nfa_node *n = &b->n->node[node];

	return is_plain(n) && !n->accept && !n->star_child && !n->middle_child &&
	       only_child(b, node) && b->n->node[only_child(b, node)].byte != '/';
}

static int finish_chain(struct build *b, uint32_t state, uint32_t child, uint32_t rest)
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

static int finish_plain(struct build *b, uint32_t state, const uint64_t named[4], uint32_t rest)
{
	struct automaton *a = b->a;
	size_t edge_off = a->edge_count;
	uint32_t target;
	int r = 0, byte;

	for (byte = 0; r == 0 && byte < 256; byte++) {
		if (!pattern_set_has(named, (uint8_t)byte))
			continue;
		r = plain_step(b, state, 0, (uint8_t)byte, rest, &target);
		if (r == 0)
			r = push_edge(a, (uint8_t)byte, target);
	}
	a->state[state].edge_off = (uint32_t)edge_off;
	a->state[state].edge_count = (uint32_t)(a->edge_count - edge_off);
	return r;
}

static int finish_state(struct build *b, uint32_t state)
{
	struct automaton *a = b->a;
	uint32_t i, off = a->state[state].set_off, plain = 0, last = 0, child, rest;
	uint64_t named[4] = { 0 };
	int r;

	if (a->state[state].is_done)
		return 0;
	set_begin(b);
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
	r = set_intern(b, &rest);
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

static int finish_list(struct build *b, uint32_t state)
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
	sort_words(a->scratch, count);
	for (k = 0; k < count; k++)
		if (k == 0 || a->scratch[k] != a->scratch[kept - 1])
			a->scratch[kept++] = a->scratch[k];
	return automaton_list_of(a, a->scratch, kept, &a->state[state].list_idx);
}

/* ---- the whole ---- */

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
		r = new_state(a, 0, &dead);
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
	struct build b = { a, n };
	uint32_t s;
	int r;

	r = begin_tree(a, n);
	if (r < 0)
		return r;
	set_begin(&b);
	set_add(&b, 0);
	r = set_intern(&b, ret_root);
	for (s = a->first; r == 0 && s < a->state_count; s++)
		r = finish_state(&b, s);
	for (s = a->first; r == 0 && s < a->state_count; s++)
		r = finish_list(&b, s);
	return r;
}
