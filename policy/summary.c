/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/summary.c - What lies strictly beneath each state
 *
 * For each state, "onward" is the union of what may be decided at the ends of
 * all names reached by at least one more byte, the first of which is not '/'.
 * What lies beneath a directory is then onward of the state behind its '/'.
 * The sets only grow, so rounds from the last state made to the first (children
 * before parents, mostly) settle quickly. Everything errs towards "may".
 */
#include "policy/summary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/grow.h"

struct fact {
	uint64_t pass, refuse;
	uint32_t flags;
};

struct work {
	struct automaton *a;
	const struct summary_layer *l;
	struct fact *at;	/* decided by the state's own rules, by slot */
	struct fact *onward;
	size_t *slash;		/* slot of the state behind '/' */
	bool changed;
};

/* State 0 has slot 0 */
static size_t slot(const struct work *w, uint32_t state)
{
	return state ? state - w->l->first + 1 : 0;
}

static void join(struct fact *to, const struct fact *from)
{
	to->pass |= from->pass;
	to->refuse |= from->refuse;
	to->flags |= from->flags;
}

static struct fact fact_of_list(const struct work *w, const struct automaton_list *list)
{
	uint64_t open = POLICY_OPS_FILES, undecided = 0;
	struct fact f = { 0 };
	uint32_t i;

	for (i = 0; i < list->rule_count; i++) {
		const struct summary_rule *r = &w->l->rule[w->a->list_rule[list->rule_off + i]];
		uint64_t ops = r->ops & open;

		if (!ops)
			continue;
		if (r->is_default) {
			undecided |= ops;
			open &= ~ops;
			continue;
		}
		*(r->is_refusal ? &f.refuse : &f.pass) |= ops;
		if (r->hides)
			f.flags |= BLOB_SUMMARY_HIDES;
		if (r->is_conditional)
			f.flags |= BLOB_SUMMARY_CONDITIONAL;
		else
			open &= ~ops;
	}
	/* another layer than the base has no opinion on the rest: it passes */
	*(w->l->is_base && w->l->fallback != POLICY_ALLOW ? &f.refuse : &f.pass) |=
		open | undecided;
	return f;
}

/* The state behind '/' */
static uint32_t slash_target(const struct automaton *a, uint32_t state)
{
	const struct automaton_state *s = &a->state[state];
	const struct automaton_edge *e = automaton_find_edge(a, s, '/');

	if (e)
		return e->target;
	return s->is_retry ? slash_target(a, s->fail) : s->fail;
}

static const struct fact *beneath(const struct work *w, uint32_t state)
{
	return &w->onward[w->slash[slot(w, state)]];
}

/* All that may happen once a name has led to @state */
static void join_name(const struct work *w, struct fact *to, uint32_t state)
{
	join(to, &w->at[slot(w, state)]);
	join(to, &w->onward[slot(w, state)]);
	join(to, beneath(w, state));
}

static void update(struct work *w, uint32_t state)
{
	const struct automaton_state *s = &w->a->state[state];
	struct fact *f = &w->onward[slot(w, state)], old = *f;
	uint32_t i;

	for (i = 0; i < s->edge_count; i++) {
		const struct automaton_edge *e = &w->a->edge[s->edge_off + i];

		if (e->byte != '/')
			join_name(w, f, e->target);
	}
	if (s->text_len > 0) {
		join_name(w, f, s->next);
		join_name(w, f, s->fail);	/* names that end within the chain */
	}
	if (s->is_retry)
		join(f, &w->onward[slot(w, s->fail)]);
	else
		join_name(w, f, s->fail);
	if (f->pass != old.pass || f->refuse != old.refuse || f->flags != old.flags)
		w->changed = true;
}

static int intern(struct summary_table *t, const struct fact *f, uint32_t *ret)
{
	size_t i;
	int r;

	for (i = t->count; i-- > 0;) {
		if (t->summary[i].pass == f->pass && t->summary[i].refuse == f->refuse &&
		    t->summary[i].flags == f->flags) {
			*ret = (uint32_t)i;
			return 0;
		}
	}
	r = grow(&t->summary, &t->cap, t->count + 1, sizeof(*t->summary));
	if (r < 0)
		return r;
	t->summary[t->count] = (struct blob_summary){
		.pass = f->pass,
		.refuse = f->refuse,
		.flags = f->flags,
	};
	*ret = (uint32_t)t->count++;
	return 0;
}

static void settle(struct work *w)
{
	uint32_t s;

	for (s = w->l->first; s < w->l->end; s++)
		w->slash[slot(w, s)] = slot(w, slash_target(w->a, s));
	w->at[0] = fact_of_list(w, &w->a->list[0]);
	for (s = w->l->first; s < w->l->end; s++)
		w->at[slot(w, s)] = fact_of_list(w, &w->a->list[w->a->state[s].list_idx]);
	do {
		w->changed = false;
		for (s = w->l->end; s-- > w->l->first;)
			update(w, s);
		update(w, 0);
	} while (w->changed);
}

int summary_compute(struct summary_table *t, struct automaton *a, const struct summary_layer *l,
		    uint32_t *ret_dead)
{
	struct work w = { .a = a, .l = l };
	size_t count = (size_t)(l->end - l->first) + 1;
	int r = -ENOMEM;
	uint32_t s;

	w.at = calloc(count, sizeof(*w.at));
	w.onward = calloc(count, sizeof(*w.onward));
	w.slash = calloc(count, sizeof(*w.slash));
	if (!w.at || !w.onward || !w.slash)
		goto out;
	settle(&w);
	r = intern(t, beneath(&w, 0), ret_dead);
	for (s = l->first; r == 0 && s < l->end; s++)
		r = intern(t, beneath(&w, s), &a->state[s].summary_idx);
out:
	free(w.at);
	free(w.onward);
	free(w.slash);
	return r;
}
