/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/emit.c - Rules to blob
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compiled.h"
#include "policy/grow.h"

static void compiled_free(struct compiled *c)
{
	size_t i;

	for (i = 0; i < c->small_count; i++)
		free(c->small[i].text);
	automaton_free(&c->a);
	free(c->nfa_rule);
	free(c->summary_rule);
	free(c->summary.summary);
	free(c->rule);
	free(c->arg);
	free(c->net);
	free(c->small);
	free(c->cell);
	free(c->base);
	free(c->chain);
	free(c->string);
}

static int compiled_init(struct compiled *c, const struct policy_builder *b)
{
	size_t i;

	*c = (struct compiled){ .b = b };
	c->nfa_rule = calloc(b->rule_count + 1, sizeof(*c->nfa_rule));
	c->summary_rule = calloc(b->rule_count + 1, sizeof(*c->summary_rule));
	if (!c->nfa_rule || !c->summary_rule)
		return -ENOMEM;
	for (i = 0; i < b->rule_count; i++) {
		const struct builder_rule *r = &b->rule[i];
		bool is_conditional = r->flags & BLOB_COND_MASK;

		c->nfa_rule[i] = (struct nfa_rule){ r->ops, is_conditional };
		c->summary_rule[i] = (struct summary_rule){
			.ops = r->ops,
			.is_conditional = is_conditional,
			.is_default = r->flags & POLICY_RULE_DEFAULT,
			.is_refusal = r->verdict != POLICY_ALLOW,
			.hides = r->flags & POLICY_F_HIDE,
		};
	}
	return automaton_init(&c->a, c->nfa_rule);
}

struct table_source {
	const void *data;
	size_t count, size;
};

/* States, lists and entries take another form in the blob: written apart */
static void find_tables(const struct compiled *c, struct table_source t[BLOB_TABLE_COUNT])
{
	t[BLOB_TABLE_STATE] = (struct table_source){ NULL, c->a.state_count, sizeof(struct blob_state) };
	t[BLOB_TABLE_CELL] = (struct table_source){ c->cell, c->cell_count, sizeof(*c->cell) };
	t[BLOB_TABLE_CHAIN] = (struct table_source){ c->chain, c->chain_count, sizeof(*c->chain) };
	t[BLOB_TABLE_TEXT] = (struct table_source){ c->a.text, c->a.text_count, 1 };
	t[BLOB_TABLE_LIST] = (struct table_source){ NULL, c->a.list_count, sizeof(struct blob_list) };
	t[BLOB_TABLE_ENTRY] = (struct table_source){ NULL, c->a.list_rule_count,
						     sizeof(struct blob_entry) };
	t[BLOB_TABLE_RULE] = (struct table_source){ c->rule, c->b->rule_count, sizeof(*c->rule) };
	t[BLOB_TABLE_ARG] = (struct table_source){ c->arg, c->arg_count, sizeof(*c->arg) };
	t[BLOB_TABLE_NET] = (struct table_source){ c->net, c->net_count, sizeof(*c->net) };
	t[BLOB_TABLE_SUMMARY] = (struct table_source){ c->summary.summary, c->summary.count,
						       sizeof(*c->summary.summary) };
	t[BLOB_TABLE_STRING] = (struct table_source){ c->string, c->string_count, 1 };
}

static void write_states(const struct compiled *c, struct blob_state *out)
{
	size_t i;

	for (i = 0; i < c->a.state_count; i++) {
		const struct automaton_state *s = &c->a.state[i];

		out[i] = (struct blob_state){
			.base = c->base[i],
			.fail = s->fail | (s->is_retry ? BLOB_FAIL_RETRY : 0),
			.list_idx = s->list_idx,
			.summary_idx = s->summary_idx,
		};
	}
}

static void write_lists(const struct compiled *c, struct blob_list *list, struct blob_entry *entry)
{
	size_t i;

	for (i = 0; i < c->a.list_count; i++)
		list[i] = (struct blob_list){ c->a.list[i].rule_off, c->a.list[i].rule_count };
	for (i = 0; i < c->a.list_rule_count; i++) {
		const struct blob_rule *r = &c->rule[c->a.list_rule[i]];

		entry[i] = (struct blob_entry){ r->ops, c->a.list_rule[i], r->flags & BLOB_COND_MASK };
	}
}

/* Nets lie in the order of the rules, so those of a layer are neighbours */
static void write_layer(const struct compiled *c, uint32_t idx, struct blob_layer *out)
{
	uint32_t i, s;

	out->flags = (c->b->layer[idx].is_base ? BLOB_LAYER_BASE : 0) |
		     (c->b->layer[idx].overrides ? BLOB_LAYER_OVERRIDES : 0);
	out->dead_summary_idx = c->dead_summary_idx[idx];
	for (s = 0; s < POLICY_SECTION_COUNT; s++) {
		out->root[s] = c->root[idx][s];
		out->fallback[s] = c->b->layer[idx].fallback[s];
	}
	for (i = 0; i < c->net_count; i++) {
		if (c->rule[c->net[i].rule_idx].layer_idx != idx)
			continue;
		if (out->net_count++ == 0)
			out->net_first_idx = i;
	}
}

static int write_blob(const struct compiled *c, const struct blob_header *h, char *blob)
{
	struct table_source t[BLOB_TABLE_COUNT];
	int i;

	find_tables(c, t);
	memcpy(blob, h, sizeof(*h));
	for (i = 0; i < BLOB_TABLE_COUNT; i++)
		if (t[i].data)
			memcpy(blob + h->table[i].off, t[i].data, t[i].count * t[i].size);
	write_states(c, (struct blob_state *)(void *)(blob + h->table[BLOB_TABLE_STATE].off));
	write_lists(c, (struct blob_list *)(void *)(blob + h->table[BLOB_TABLE_LIST].off),
		    (struct blob_entry *)(void *)(blob + h->table[BLOB_TABLE_ENTRY].off));
	return 0;
}

/* Header with the places of all tables; string positions of layer names are in it already */
static int lay_out(const struct compiled *c, struct blob_header *h)
{
	struct table_source t[BLOB_TABLE_COUNT];
	size_t at = sizeof(*h);
	uint32_t i;

	find_tables(c, t);
	for (i = 0; i < BLOB_TABLE_COUNT; i++) {
		if (t[i].count > BLOB_SIZE_MAX || t[i].count * t[i].size > BLOB_SIZE_MAX - at)
			return -EFBIG;
		h->table[i] = (struct blob_range){ (uint32_t)at, (uint32_t)t[i].count };
		at = (at + t[i].count * t[i].size + 7) & ~(size_t)7;
	}
	if (at > BLOB_SIZE_MAX)
		return -EFBIG;
	h->magic = BLOB_MAGIC;
	h->version = BLOB_VERSION;
	h->order = BLOB_ORDER;
	h->size = (uint32_t)at;
	h->layer_count = c->b->layer_count;
	for (i = 0; i < c->b->layer_count; i++)
		write_layer(c, i, &h->layer[i]);
	return 0;
}

static int emit(struct compiled *c, void **ret_blob, size_t *ret_size, struct policy_diag *reterr,
		uint32_t *reterr_source)
{
	struct blob_header h = { 0 };
	char *blob;
	uint32_t i;
	int r;

	r = compile_layers(c, reterr, reterr_source);
	if (r == 0)
		r = compile_rules(c, reterr, reterr_source);
	if (r == 0)
		r = compile_pack(c);
	for (i = 0; r == 0 && i < c->b->layer_count; i++)
		r = compile_string(c, c->b->layer[i].name, &h.layer[i].name);
	if (r == 0)
		r = lay_out(c, &h);
	if (r < 0)
		return r;
	blob = calloc(1, h.size > sizeof(h) ? h.size : sizeof(h));
	if (!blob)
		return -ENOMEM;
	r = write_blob(c, &h, blob);
	*ret_blob = blob;
	*ret_size = h.size;
	return r;
}

static int check_bases(const struct policy_builder *b)
{
	uint32_t i, count = 0;

	for (i = 0; i < b->layer_count; i++)
		count += b->layer[i].is_base;
	return count == 1 ? 0 : -EINVAL;
}

int policy_builder_emit(const struct policy_builder *b, void **ret_blob, size_t *ret_size,
			struct policy_diag *reterr, uint32_t *reterr_source)
{
	struct compiled c;
	int r;

	*reterr_source = 0;
	reterr->line = reterr->column = 0;
	if (check_bases(b) < 0) {
		(void)snprintf(reterr->message, sizeof(reterr->message),
			       "A policy needs one base layer and no second.");
		return -EINVAL;
	}
	r = compiled_init(&c, b);
	if (r == 0)
		r = emit(&c, ret_blob, ret_size, reterr, reterr_source);
	compiled_free(&c);
	if (r == -EFBIG)
		(void)snprintf(reterr->message, sizeof(reterr->message),
			       "The patterns of the policy together grow beyond the limit; patterns with "
			       "several stars multiply each other.");
	return r;
}
