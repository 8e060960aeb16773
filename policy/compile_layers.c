/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/compile_layers.c - The automata of the layers, and rules that can never match
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compiled.h"

int compile_refuse(const struct compiled *c, size_t rule_idx, const char *why,
		   struct policy_diag *reterr, uint32_t *reterr_source)
{
	const struct builder_rule *r = &c->b->rule[rule_idx];

	reterr->line = r->line;
	reterr->column = r->column;
	(void)snprintf(reterr->message, sizeof(reterr->message), "Rule \"%.100s\" %s.", r->id,
		       why);	/* cut is fine */
	*reterr_source = r->source;
	return -EINVAL;
}

/** struct part - The rules of one section of one layer, or those of one source among them */
struct part {
	const struct compiled *c;
	uint32_t layer_idx;
	enum policy_section section;
	bool one_source;
	uint32_t source;
};

static bool is_in_part(const struct part *p, const struct builder_rule *r)
{
	return r->layer_idx == p->layer_idx && r->section == p->section &&
	       (!p->one_source || r->source == p->source);
}

static int add_rule(struct nfa *n, const struct builder_rule *r, uint32_t rule_idx)
{
	int e = 0;
	size_t i;

	for (i = 0; e == 0 && i < r->pattern.count; i++)
		e = nfa_add(n, r->pattern.s[i], rule_idx);
	return e;
}

static int compile_part(const struct part *p, struct automaton *a, uint32_t *ret_root)
{
	const struct policy_builder *b = p->c->b;
	struct nfa n;
	uint32_t i;
	int r;

	r = nfa_init(&n, PATTERN_PATH, p->c->nfa_rule);
	for (i = 0; r == 0 && i < b->rule_count; i++)
		if (is_in_part(p, &b->rule[i]))
			r = add_rule(&n, &b->rule[i], i);
	if (r == 0) {
		nfa_finish(&n);
		r = automaton_add(a, &n, ret_root);
	}
	nfa_free(&n);
	return r;
}

/* The first rule of the part that is not alive; SIZE_MAX: all are */
static size_t find_dead(const struct part *p, const bool *live)
{
	const struct policy_builder *b = p->c->b;
	size_t i;

	for (i = 0; i < b->rule_count; i++)
		if (is_in_part(p, &b->rule[i]) && !live[i])
			return i;
	return SIZE_MAX;
}

static int refuse_dead(const struct part *p, const bool *live, struct policy_diag *reterr,
		       uint32_t *reterr_source)
{
	size_t dead = find_dead(p, live);

	if (dead == SIZE_MAX)
		return 0;
	return compile_refuse(p->c, dead, "can never match: rules before it decide everything it names",
			      reterr, reterr_source);
}

/* Rules of other files may cover a rule, those of its own may not: an automaton of this file alone */
static int check_source(const struct part *p, bool *live, struct policy_diag *reterr,
			uint32_t *reterr_source)
{
	struct automaton a;
	uint32_t root;
	int r;

	r = automaton_init(&a, p->c->nfa_rule);
	if (r == 0)
		r = compile_part(p, &a, &root);
	if (r == 0)
		r = automaton_live_rules(&a, root, live);
	if (r == 0)
		r = refuse_dead(p, live, reterr, reterr_source);
	automaton_free(&a);
	return r;
}

static bool has_one_source(const struct part *p)
{
	const struct policy_builder *b = p->c->b;
	const struct builder_rule *first = NULL;
	size_t i;

	for (i = 0; i < b->rule_count; i++) {
		if (!is_in_part(p, &b->rule[i]))
			continue;
		if (first && first->source != b->rule[i].source)
			return false;
		if (!first)
			first = &b->rule[i];
	}
	return true;
}

/* Who wins somewhere in the layer would with fewer rules too: only files of the others are looked at */
static int check_sources(const struct part *whole, bool *live, struct policy_diag *reterr,
			 uint32_t *reterr_source)
{
	size_t dead;
	int r = 0;

	while (r == 0 && (dead = find_dead(whole, live)) != SIZE_MAX) {
		struct part p = *whole;

		p.one_source = true;
		p.source = whole->c->b->rule[dead].source;
		r = check_source(&p, live, reterr, reterr_source);
	}
	return r;
}

static int check_live(const struct part *p, const struct automaton *a, uint32_t root,
		      struct policy_diag *reterr, uint32_t *reterr_source)
{
	bool *live = calloc(p->c->b->rule_count + 1, sizeof(*live));
	int r;

	if (!live)
		return -ENOMEM;
	r = automaton_live_rules(a, root, live);
	if (r == 0)
		r = has_one_source(p) ? refuse_dead(p, live, reterr, reterr_source) :
					check_sources(p, live, reterr, reterr_source);
	free(live);
	return r;
}

static const enum policy_section automaton_section[] = {
	POLICY_SECTION_FILES, POLICY_SECTION_COMMANDS, POLICY_SECTION_SOCKETS,
};

static int compile_section(struct compiled *c, uint32_t layer_idx, enum policy_section section,
			   struct policy_diag *reterr, uint32_t *reterr_source)
{
	const struct builder_layer *l = &c->b->layer[layer_idx];
	struct part p = { .c = c, .layer_idx = layer_idx, .section = section };
	uint32_t first = (uint32_t)c->a.state_count, *root = &c->root[layer_idx][section];
	int r;

	r = compile_part(&p, &c->a, root);
	if (r < 0)
		return r;
	if (section == POLICY_SECTION_FILES) {
		struct summary_layer s = {
			.rule = c->summary_rule,
			.first = first,
			.end = (uint32_t)c->a.state_count,
			.is_base = l->is_base,
			.fallback = l->fallback[section],
		};

		r = summary_compute(&c->summary, &c->a, &s, &c->dead_summary_idx[layer_idx]);
		if (r < 0)
			return r;
	}
	return check_live(&p, &c->a, *root, reterr, reterr_source);
}

int compile_layers(struct compiled *c, struct policy_diag *reterr, uint32_t *reterr_source)
{
	uint32_t layer;
	size_t i;
	int r = 0;

	for (layer = 0; r == 0 && layer < c->b->layer_count; layer++)
		for (i = 0; r == 0 && i < ARRAY_SIZE(automaton_section); i++)
			r = compile_section(c, layer, automaton_section[i], reterr, reterr_source);
	return r;
}
