/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/compile_rules.c - Rules, their conditions, addresses and strings
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compiled.h"
#include "policy/grow.h"

int compile_string(struct compiled *c, const char *s, struct blob_str *ret)
{
	return compile_bytes(c, s, strlen(s), ret);
}

int compile_bytes(struct compiled *c, const char *s, size_t len, struct blob_str *ret)
{
	int r;

	if (c->string_count + len + 1 > BLOB_SIZE_MAX / 4)
		return -EFBIG;
	r = grow(&c->string, &c->string_cap, c->string_count + len + 1, 1);
	if (r < 0)
		return r;
	memcpy(c->string + c->string_count, s, len + 1);
	*ret = (struct blob_str){ (uint32_t)c->string_count, (uint32_t)len };
	c->string_count += len + 1;
	return 0;
}

static uint32_t hash_text(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 16777619u;
	return h;
}

/* One text for a list, with lengths, so that no two lists have the same */
static char *join_text(const struct builder_strings *l, size_t from, size_t count, char tag)
{
	size_t size = 2, i;
	char *text, *at;

	for (i = from; i < from + count; i++)
		size += strlen(l->s[i]) + 16;
	at = text = malloc(size);
	if (!text)
		return NULL;
	*at++ = tag;
	*at = '\0';
	for (i = from; i < from + count; i++)
		at += sprintf(at, "%u:%s", (unsigned int)strlen(l->s[i]), l->s[i]);
	return text;
}

static int compile_small(struct compiled *c, const struct builder_strings *l, size_t from,
			 size_t count, enum pattern_kind kind, uint32_t rule_idx, uint32_t *ret_root)
{
	struct nfa n;
	size_t i;
	int r;

	r = nfa_init(&n, kind, c->nfa_rule);
	for (i = from; r == 0 && i < from + count; i++)
		r = nfa_add(&n, l->s[i], rule_idx);
	if (r == 0) {
		nfa_finish(&n);
		r = automaton_add(&c->a, &n, ret_root);
	}
	nfa_free(&n);
	return r;
}

/* The same list in many rules shares one automaton */
static int small_root(struct compiled *c, const struct builder_strings *l, size_t from, size_t count,
		      enum pattern_kind kind, uint32_t rule_idx, uint32_t *ret_root)
{
	char *text = join_text(l, from, count, kind == PATTERN_ARG ? 'a' : 'b');
	uint32_t hash;
	size_t i;
	int r;

	if (!text)
		return -ENOMEM;
	hash = hash_text(text);
	for (i = 0; i < c->small_count; i++) {
		if (c->small[i].hash == hash && strcmp(c->small[i].text, text) == 0) {
			*ret_root = c->small[i].root;
			free(text);
			return 0;
		}
	}
	r = grow(&c->small, &c->small_cap, c->small_count + 1, sizeof(*c->small));
	if (r == 0)
		r = compile_small(c, l, from, count, kind, rule_idx, ret_root);
	if (r < 0) {
		free(text);
		return r;
	}
	c->small[c->small_count++] = (struct compiled_small){ text, hash, *ret_root };
	return 0;
}

static int compile_args(struct compiled *c, const struct builder_rule *r, uint32_t rule_idx,
			struct blob_rule *out)
{
	int e = 0;
	size_t i;

	out->arg_first_idx = (uint32_t)c->arg_count;
	out->arg_count = (uint32_t)r->args.count;
	for (i = 0; e == 0 && i < r->args.count; i++) {
		uint32_t root = BLOB_ARG_ANY;

		if (strcmp(r->args.s[i], "**") != 0)
			e = small_root(c, &r->args, i, 1, PATTERN_ARG, rule_idx, &root);
		if (e == 0)
			e = grow(&c->arg, &c->arg_cap, c->arg_count + 1, sizeof(*c->arg));
		if (e == 0)
			c->arg[c->arg_count++] = root;
	}
	return e;
}

static int compile_nets(struct compiled *c, const struct builder_rule *r, uint32_t rule_idx)
{
	size_t i;
	int e;

	e = grow(&c->net, &c->net_cap, c->net_count + r->net_count, sizeof(*c->net));
	if (e < 0)
		return e;
	for (i = 0; i < r->net_count; i++) {
		struct blob_net *n = &c->net[c->net_count++];

		*n = (struct blob_net){
			.prefix_bits = r->net[i].prefix_bits,
			.port_low = r->net[i].port_low,
			.port_high = r->net[i].port_high,
			.rule_idx = rule_idx,
		};
		memcpy(n->ip, r->net[i].ip, sizeof(n->ip));
	}
	return 0;
}

static int compile_rule(struct compiled *c, uint32_t rule_idx)
{
	const struct builder_rule *r = &c->b->rule[rule_idx];
	struct blob_rule *out = &c->rule[rule_idx];
	int e;

	*out = (struct blob_rule){
		.ops = r->ops,
		.section = r->section,
		.layer_idx = r->layer_idx,
		.verdict = r->verdict,
		.err = r->err,
		.flags = r->flags,
	};
	e = compile_string(c, r->id, &out->id);
	if (e == 0)
		e = compile_string(c, r->message, &out->message);
	if (e == 0)
		e = compile_bytes(c, r->target, r->target_len, &out->target);
	if (e == 0 && r->by.count)
		e = small_root(c, &r->by, 0, r->by.count, PATTERN_PATH, rule_idx, &out->by);
	if (e == 0)
		e = compile_args(c, r, rule_idx, out);
	if (e == 0 && r->net_count)
		e = compile_nets(c, r, rule_idx);
	return e;
}

static bool net_covers(const struct policy_net *a, const struct policy_net *b)
{
	uint32_t whole = a->prefix_bits / 8, rest = a->prefix_bits % 8;

	if (a->prefix_bits > b->prefix_bits || a->port_low > b->port_low ||
	    a->port_high < b->port_high || memcmp(a->ip, b->ip, whole) != 0)
		return false;
	return rest == 0 || ((a->ip[whole] ^ b->ip[whole]) >> (8 - rest)) == 0;
}

/* Ops that earlier rules of the same file decide for all of @n */
static uint64_t net_decided(const struct compiled *c, size_t rule_idx, const struct policy_net *n)
{
	const struct builder_rule *r = &c->b->rule[rule_idx], *e;
	uint64_t decided = 0;
	size_t i;

	for (e = c->b->rule; e < r; e++) {
		if (e->section != POLICY_SECTION_NETWORK || e->layer_idx != r->layer_idx ||
		    e->source != r->source || (e->flags & BLOB_COND_MASK))
			continue;
		for (i = 0; i < e->net_count; i++)
			if (net_covers(&e->net[i], n))
				decided |= e->ops;
	}
	return decided;
}

static bool is_net_dead(const struct compiled *c, size_t rule_idx)
{
	const struct builder_rule *r = &c->b->rule[rule_idx];
	size_t i;

	for (i = 0; i < r->net_count; i++)
		if (r->ops & ~net_decided(c, rule_idx, &r->net[i]))
			return false;
	return r->net_count > 0;
}

int compile_rules(struct compiled *c, struct policy_diag *reterr, uint32_t *reterr_source)
{
	int r = 0;
	uint32_t i;

	c->rule = calloc(c->b->rule_count + 1, sizeof(*c->rule));
	if (!c->rule)
		return -ENOMEM;
	for (i = 0; r == 0 && i < c->b->rule_count; i++) {
		if (is_net_dead(c, i))
			return compile_refuse(c, i, "can never match: rules before it decide "
					      "every address it names", reterr, reterr_source);
		r = compile_rule(c, i);
	}
	return r;
}
