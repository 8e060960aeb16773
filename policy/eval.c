/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/eval.c - Decide one request
 */
#include <string.h>

#include "policy/judge.h"

static bool is_absolute(struct policy_str s)
{
	return s.len > 0 && s.s && s.s[0] == '/';
}

static uint32_t find_path(const struct judge *j, uint32_t root, const struct policy_object *o)
{
	return judge_list(j, j->b.state[blob_walk_path(&j->b, root, o->path)].list_idx);
}

/* Candidate lists of the names a program goes by; patterns of base names have no slash */
static void exec_lists(const struct judge *j, uint32_t root, struct policy_str name,
		       const struct blob_list **ret)
{
	uint32_t start = name.len, state;

	while (start > 0 && name.s[start - 1] != '/')
		start--;
	state = blob_walk(&j->b, root, name.s + start, name.len - start);
	ret[0] = &j->b.list[start < name.len ? j->b.state[state].list_idx : 0];
	state = is_absolute(name) ? blob_walk_path(&j->b, root, name) : 0;
	ret[1] = &j->b.list[j->b.state[state].list_idx];
}

#define EXEC_LISTS 4

/* First match over the union of the lists, each of which is in order */
static uint32_t find_exec(const struct judge *j, uint32_t root, const struct policy_object *o)
{
	const struct blob_list *list[EXEC_LISTS];
	uint32_t at[EXEC_LISTS] = { 0 }, i;

	exec_lists(j, root, o->exec.path, list);
	exec_lists(j, root, o->exec.asked, list + 2);
	for (;;) {
		const struct blob_entry *first = NULL;

		for (i = 0; i < EXEC_LISTS; i++) {
			const struct blob_entry *e = &j->b.entry[list[i]->entry_first_idx + at[i]];

			if (at[i] < list[i]->entry_count && (!first || e->rule_idx < first->rule_idx))
				first = e;
		}
		if (!first)
			return POLICY_RULE_NONE;
		if (judge_rule(j, first->ops, first->cond, first->rule_idx))
			return first->rule_idx;
		for (i = 0; i < EXEC_LISTS; i++)
			if (at[i] < list[i]->entry_count &&
			    j->b.entry[list[i]->entry_first_idx + at[i]].rule_idx == first->rule_idx)
				at[i]++;
	}
}

static bool is_in_net(const struct blob_net *n, const struct policy_object *o)
{
	uint32_t whole = n->prefix_bits / 8, rest = n->prefix_bits % 8;

	if (o->addr.port < n->port_low || o->addr.port > n->port_high)
		return false;
	if (memcmp(n->ip, o->addr.ip, whole) != 0)
		return false;
	return rest == 0 || ((n->ip[whole] ^ o->addr.ip[whole]) >> (8 - rest)) == 0;
}

static uint32_t find_net(const struct judge *j, const struct blob_layer *layer,
			 const struct policy_object *o)
{
	const struct blob_net *n = &j->b.net[layer->net_first_idx];
	uint32_t i;

	for (i = 0; i < layer->net_count; i++, n++) {
		const struct blob_rule *r = &j->b.rule[n->rule_idx];

		if (is_in_net(n, o) && judge_rule(j, r->ops, r->flags & BLOB_COND_MASK, n->rule_idx))
			return n->rule_idx;
	}
	return POLICY_RULE_NONE;
}

static uint32_t find(const struct judge *j, uint32_t layer_idx, const struct policy_object *o)
{
	const struct blob_layer *layer = &j->b.header->layer[layer_idx];

	switch (o->kind) {
	case POLICY_OBJECT_PATH:
		return find_path(j, layer->root[j->section], o);
	case POLICY_OBJECT_EXEC:
		return find_exec(j, layer->root[j->section], o);
	case POLICY_OBJECT_ADDR:
		return find_net(j, layer, o);
	case POLICY_OBJECT_NONE:
	case POLICY_OBJECT_COUNT:
		break;
	}
	return POLICY_RULE_NONE;
}

static bool is_sound(const struct policy_request *req)
{
	if ((unsigned int)req->op >= POLICY_OP_COUNT || req->object.kind == POLICY_OBJECT_NONE ||
	    req->object.kind != policy_op_object(req->op))
		return false;
	if (req->object.kind == POLICY_OBJECT_PATH)
		return is_absolute(req->object.path);
	if (req->object.kind == POLICY_OBJECT_EXEC)
		return is_absolute(req->object.exec.path);
	return true;
}

void policy_eval(const struct policy *p, const struct policy_request *req,
		 struct policy_decision *ret)
{
	struct judge j;
	uint32_t i;

	if (!is_sound(req)) {
		judge_refused(ret);
		return;
	}
	j = judge_begin(p, req->op, req->traits, req->subject.exe);
	if (req->object.kind == POLICY_OBJECT_EXEC) {
		j.argv = req->object.exec.argv;
		j.argc = req->object.exec.argc;
	}
	for (i = 0; i < j.b.header->layer_count && !judge_settled(&j); i++)
		judge_layer(&j, i, find(&j, i, &req->object));
	judge_end(&j, ret);
}

void policy_merge(struct policy_decision *acc, const struct policy_decision *other)
{
	if (other->verdict < acc->verdict)
		*acc = *other;
}

static uint32_t find_section_rule(const struct blob *b, enum policy_section section, uint32_t cond)
{
	uint32_t i;

	for (i = 0; i < b->header->table[BLOB_TABLE_RULE].count; i++)
		if (b->rule[i].section == (uint32_t)section && (b->rule[i].flags & cond) == cond)
			return i;
	return POLICY_RULE_NONE;
}

bool policy_has_by(const struct policy *p, enum policy_section section)
{
	struct blob b = blob_view(p);

	return find_section_rule(&b, section, BLOB_COND_BY) != POLICY_RULE_NONE;
}

bool policy_has_rules(const struct policy *p, enum policy_section section)
{
	struct blob b = blob_view(p);
	uint32_t i;

	if ((unsigned int)section >= POLICY_SECTION_COUNT)
		return false;
	for (i = 0; i < b.header->layer_count; i++)
		if ((b.header->layer[i].flags & BLOB_LAYER_BASE) &&
		    b.header->layer[i].fallback[section] != POLICY_ALLOW)
			return true;
	return find_section_rule(&b, section, 0) != POLICY_RULE_NONE;
}
