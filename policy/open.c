/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/open.c - The one function that distrusts a compiled policy
 *
 * Everything policy_eval() and the state functions index with is checked here,
 * and that a walk ends: a retry leads to a state that has none, a chain to a
 * state that is none, and any other step uses up a byte.
 */
#include <errno.h>

#include "policy/format.h"

static const uint32_t element_size[] = {
	[BLOB_TABLE_STATE] = sizeof(struct blob_state),
	[BLOB_TABLE_CELL] = sizeof(struct blob_cell),
	[BLOB_TABLE_CHAIN] = sizeof(struct blob_chain),
	[BLOB_TABLE_TEXT] = 1,
	[BLOB_TABLE_LIST] = sizeof(struct blob_list),
	[BLOB_TABLE_ENTRY] = sizeof(struct blob_entry),
	[BLOB_TABLE_RULE] = sizeof(struct blob_rule),
	[BLOB_TABLE_ARG] = sizeof(uint32_t),
	[BLOB_TABLE_NET] = sizeof(struct blob_net),
	[BLOB_TABLE_SUMMARY] = sizeof(struct blob_summary),
	[BLOB_TABLE_STRING] = 1,
};
static_assert(ARRAY_SIZE(element_size) == BLOB_TABLE_COUNT, "one size each");

#define ERR_MAX 4095

static int check_header(const struct blob_header *h, size_t size)
{
	uint32_t i;

	if (size < sizeof(*h) || size > BLOB_SIZE_MAX || h->magic != BLOB_MAGIC ||
	    h->order != BLOB_ORDER)
		return -EBADMSG;
	if (h->version != BLOB_VERSION)
		return -EPROTO;
	if (h->size != size || h->layer_count == 0 || h->layer_count > POLICY_LAYER_MAX)
		return -EBADMSG;
	for (i = 0; i < BLOB_TABLE_COUNT; i++) {
		const struct blob_range *t = &h->table[i];

		if (t->off < sizeof(*h) || t->off > size || t->off % 8 ||
		    t->count > (size - t->off) / element_size[i])
			return -EBADMSG;
	}
	return 0;
}

static uint32_t count_of(const struct blob *b, enum blob_table t)
{
	return b->header->table[t].count;
}

static bool is_state(const struct blob *b, uint32_t state)
{
	return state < count_of(b, BLOB_TABLE_STATE);
}

/* first, count: elements of table @t */
static bool is_range(const struct blob *b, enum blob_table t, uint32_t first, uint32_t count)
{
	return first <= count_of(b, t) && count <= count_of(b, t) - first;
}

static bool is_bytes(const struct blob *b, struct blob_str s)
{
	return is_range(b, BLOB_TABLE_STRING, s.off, s.len) &&
	       s.len < count_of(b, BLOB_TABLE_STRING) - s.off && b->string[s.off + s.len] == '\0';
}

static bool is_string(const struct blob *b, struct blob_str s)
{
	uint32_t i;

	if (!is_bytes(b, s))
		return false;
	for (i = 0; i < s.len; i++)
		if (!b->string[s.off + i])
			return false;
	return true;
}

/* Of a command: words, each with a NUL behind it, the first of which names a program */
static bool is_target(const struct blob *b, const struct blob_rule *r)
{
	const char *s = b->string + r->target.off;

	if (r->verdict != POLICY_REDIRECT)
		return r->target.len == 0 && is_bytes(b, r->target);
	if (r->section == POLICY_SECTION_COMMANDS)
		return is_bytes(b, r->target) && r->target.len > 1 && s[0] && !s[r->target.len - 1];
	if (r->section == POLICY_SECTION_FILES)
		return is_string(b, r->target) && s[0] == '/' && !(r->ops & ~POLICY_OPS_REDIRECT);
	return is_string(b, r->target) && r->target.len > 0;
}

/* A state that a byte may be looked up in again without going round in circles */
static bool ends_lookup(const struct blob_state *s)
{
	return !(s->base & BLOB_BASE_CHAIN) && !(s->fail & BLOB_FAIL_RETRY);
}

static bool is_good_state(const struct blob *b, const struct blob_state *s)
{
	uint32_t fail = s->fail & ~BLOB_FAIL_RETRY;

	if (!is_state(b, fail) || s->list_idx >= count_of(b, BLOB_TABLE_LIST) ||
	    s->summary_idx >= count_of(b, BLOB_TABLE_SUMMARY))
		return false;
	if (((s->base & BLOB_BASE_CHAIN) || (s->fail & BLOB_FAIL_RETRY)) &&
	    !ends_lookup(&b->state[fail]))
		return false;
	if (s->base & BLOB_BASE_CHAIN)
		return (s->base & ~BLOB_BASE_CHAIN) < count_of(b, BLOB_TABLE_CHAIN);
	if (s->base & BLOB_BASE_SINK)
		return s->base == BLOB_BASE_SINK && s->fail == (uint32_t)(s - b->state);
	return is_range(b, BLOB_TABLE_CELL, s->base, 256);
}

static int check_states(const struct blob *b)
{
	uint32_t i, count = count_of(b, BLOB_TABLE_STATE);

	if (count == 0 || count > BLOB_STATE_MAX || b->state[0].base != BLOB_BASE_SINK)
		return -EBADMSG;
	for (i = 0; i < count; i++)
		if (!is_good_state(b, &b->state[i]))
			return -EBADMSG;
	if (b->state[0].list_idx != 0)
		return -EBADMSG;
	for (i = 0; i < count_of(b, BLOB_TABLE_CELL); i++)
		if (!is_state(b, b->cell[i].check) || !is_state(b, b->cell[i].next))
			return -EBADMSG;
	for (i = 0; i < count_of(b, BLOB_TABLE_CHAIN); i++) {
		const struct blob_chain *c = &b->chain[i];

		if (c->text_len == 0 || !is_state(b, c->next) ||
		    !is_range(b, BLOB_TABLE_TEXT, c->text_off, c->text_len))
			return -EBADMSG;
	}
	return 0;
}

static int check_lists(const struct blob *b)
{
	uint32_t i, k, count = count_of(b, BLOB_TABLE_LIST);

	if (count == 0 || count > BLOB_LIST_MAX || b->list[0].entry_count != 0)
		return -EBADMSG;
	for (i = 0; i < count_of(b, BLOB_TABLE_ENTRY); i++) {
		const struct blob_entry *e = &b->entry[i];

		if (e->rule_idx >= count_of(b, BLOB_TABLE_RULE) ||
		    e->ops != b->rule[e->rule_idx].ops ||
		    e->cond != (b->rule[e->rule_idx].flags & BLOB_COND_MASK))
			return -EBADMSG;
	}
	for (i = 0; i < count; i++) {
		const struct blob_list *l = &b->list[i];

		if (!is_range(b, BLOB_TABLE_ENTRY, l->entry_first_idx, l->entry_count))
			return -EBADMSG;
		for (k = 1; k < l->entry_count; k++)
			if (b->entry[l->entry_first_idx + k].rule_idx <=
			    b->entry[l->entry_first_idx + k - 1].rule_idx)
				return -EBADMSG;
	}
	return 0;
}

static bool is_good_verdict(const struct blob_rule *r)
{
	if (r->verdict >= POLICY_VERDICT_COUNT ||
	    (r->flags & ~(BLOB_FLAG_MASK | BLOB_COND_MASK | BLOB_RULE_DEFAULT)))
		return false;
	if ((r->flags & BLOB_RULE_DEFAULT) &&
	    (r->verdict != POLICY_DENY || (r->flags & (BLOB_COND_MASK | POLICY_F_HIDE))))
		return false;
	if (r->verdict == POLICY_DENY ? r->err <= 0 || r->err > ERR_MAX : r->err != 0)
		return false;
	if ((r->flags & POLICY_F_HIDE) && (r->verdict != POLICY_DENY || r->err != ENOENT))
		return false;
	return r->verdict != POLICY_ALLOW || !(r->flags & (BLOB_COND_BY | BLOB_COND_STOOD_SELF |
							   BLOB_COND_STOOD_FOLDER));
}

static bool is_good_rule(const struct blob *b, const struct blob_rule *r)
{
	return r->ops != 0 && r->section > POLICY_SECTION_NONE &&
	       r->section < POLICY_SECTION_COUNT && r->layer_idx < b->header->layer_count &&
	       is_good_verdict(r) && is_state(b, r->by) &&
	       is_range(b, BLOB_TABLE_ARG, r->arg_first_idx, r->arg_count) &&
	       is_string(b, r->id) && is_string(b, r->message) && is_target(b, r);
}

static int check_rules(const struct blob *b)
{
	uint32_t i;

	for (i = 0; i < count_of(b, BLOB_TABLE_RULE); i++)
		if (!is_good_rule(b, &b->rule[i]))
			return -EBADMSG;
	for (i = 0; i < count_of(b, BLOB_TABLE_ARG); i++)
		if (b->arg[i] != BLOB_ARG_ANY && !is_state(b, b->arg[i]))
			return -EBADMSG;
	for (i = 0; i < count_of(b, BLOB_TABLE_NET); i++)
		if (b->net[i].prefix_bits > 128 ||
		    b->net[i].rule_idx >= count_of(b, BLOB_TABLE_RULE))
			return -EBADMSG;
	return 0;
}

static bool is_good_layer(const struct blob *b, const struct blob_layer *l)
{
	uint32_t i;

	if (l->flags > (BLOB_LAYER_BASE | BLOB_LAYER_OVERRIDES) || l->dead_summary_idx >= count_of(b, BLOB_TABLE_SUMMARY) ||
	    !is_string(b, l->name) ||
	    !is_range(b, BLOB_TABLE_NET, l->net_first_idx, l->net_count))
		return false;
	for (i = 0; i < POLICY_SECTION_COUNT; i++)
		if (!is_state(b, l->root[i]) || l->fallback[i] >= POLICY_VERDICT_COUNT ||
		    l->fallback[i] == POLICY_REDIRECT)
			return false;
	for (i = 1; i < l->net_count; i++)
		if (b->net[l->net_first_idx + i].rule_idx < b->net[l->net_first_idx + i - 1].rule_idx)
			return false;
	return true;
}

static int check_layers(const struct blob *b)
{
	uint32_t i, base_count = 0;

	for (i = 0; i < b->header->layer_count; i++) {
		if (!is_good_layer(b, &b->header->layer[i]))
			return -EBADMSG;
		base_count += b->header->layer[i].flags & BLOB_LAYER_BASE;
	}
	return base_count == 1 ? 0 : -EBADMSG;
}

int policy_open(struct policy *ret, const void *base, size_t size)
{
	struct policy p = { base, size };
	struct blob b;
	int r;

	if ((uintptr_t)base % 8)
		return -EINVAL;
	r = check_header(base, size);
	if (r < 0)
		return r;
	b = blob_view(&p);
	r = check_rules(&b);
	if (r == 0)
		r = check_states(&b);
	if (r == 0)
		r = check_lists(&b);
	if (r == 0)
		r = check_layers(&b);
	if (r == 0)
		*ret = p;
	return r;
}
