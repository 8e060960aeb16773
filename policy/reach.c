/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/reach.c - Which rules of an automaton can win on some path
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/automaton.h"

/* ENDS: a path can end here, so it was not entered by '/'; only then can another '/' follow */
enum { SEEN = 1, ENDS = 2 };

struct walk {
	const struct automaton *a;
	bool *live;
	uint8_t *mark;
	uint32_t *todo;		/* each state is put here twice at most */
	size_t count;
};

static void visit(struct walk *w, uint32_t state, bool ends)
{
	uint8_t want = ends ? SEEN | ENDS : SEEN, old = w->mark[state];

	if ((old & want) == want)
		return;
	w->mark[state] = old | want;
	w->todo[w->count++] = state;
	if (ends) {
		const struct automaton_list *l = &w->a->list[w->a->state[state].list_idx];
		uint32_t i;

		for (i = 0; i < l->rule_count; i++)
			w->live[w->a->list_rule[l->rule_off + i]] = true;
	}
}

/* Edges for bytes not named before, then the fail way if a byte is left for it */
static void visit_edges(struct walk *w, const struct automaton_state *s, bool ends, uint64_t named[4])
{
	uint32_t i, count = 0;

	for (i = 0; i < s->edge_count; i++) {
		const struct automaton_edge *e = &w->a->edge[s->edge_off + i];

		if (pattern_set_has(named, e->byte))
			continue;
		named[e->byte >> 6] |= UINT64_C(1) << (e->byte & 63);
		if (ends || e->byte != '/')
			visit(w, e->target, e->byte != '/');
	}
	if (s->is_retry)
		return;
	named[0] |= 1 | UINT64_C(1) << '/';	/* neither is part of a name */
	for (i = 0; i < 4; i++)
		count += (uint32_t)__builtin_popcountll(named[i]);
	if (count < 256)
		visit(w, s->fail, true);
}

static void visit_ways(struct walk *w, uint32_t state)
{
	const struct automaton_state *s = &w->a->state[state];
	uint64_t named[4] = { 0 };
	bool ends = w->mark[state] & ENDS;

	if (s->text_len > 0) {
		uint8_t first = w->a->text[s->text_off];

		named[first >> 6] |= UINT64_C(1) << (first & 63);
		visit(w, s->fail, true);	/* a name that ends within the chain */
		visit(w, s->next, true);
	}
	if (s->text_len == 0 || !s->is_retry)
		visit_edges(w, s, ends, named);
	if (s->is_retry)
		visit_edges(w, &w->a->state[s->fail], ends, named);
}

int automaton_live_rules(const struct automaton *a, uint32_t root, bool *live)
{
	struct walk w = { .a = a, .live = live };
	int r = -ENOMEM;

	w.mark = calloc(a->state_count, 1);
	w.todo = calloc(a->state_count, 2 * sizeof(*w.todo));
	if (!w.mark || !w.todo)
		goto out;
	visit(&w, root, true);
	while (w.count > 0)
		visit_ways(&w, w.todo[--w.count]);
	r = 0;
out:
	free(w.mark);
	free(w.todo);
	return r;
}
