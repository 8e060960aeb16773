/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/nfa.c - All patterns of one automaton as one tree of tokens
 */
#include "policy/nfa.h"

#include <string.h>

#include "policy/grow.h"

#define NFA_NODE_MAX (1u << 22)

static int new_node(struct nfa *n, uint32_t parent, enum nfa_kind kind, uint32_t *ret)
{
	int r;

	if (n->node_count >= NFA_NODE_MAX)
		return -EFBIG;
	r = grow(&n->node, &n->node_cap, n->node_count + 1, sizeof(*n->node));
	if (r < 0)
		return r;
	n->node[n->node_count] = (struct nfa_node){
		.parent = parent,
		.kind = (uint8_t)kind,
		.rule_min = UINT32_MAX,
	};
	*ret = (uint32_t)n->node_count++;
	return 0;
}

int nfa_init(struct nfa *n, enum pattern_kind kind, const struct nfa_rule *rule)
{
	uint32_t root;

	*n = (struct nfa){ .kind = kind, .rule = rule };
	return new_node(n, 0, NFA_PLAIN, &root);
}

void nfa_free(struct nfa *n)
{
	free(n->node);
	free(n->accept);
	free(n->set);
	*n = (struct nfa){ 0 };
}

static int child_byte(struct nfa *n, uint32_t at, uint8_t byte, uint32_t *ret)
{
	uint32_t c;
	int r;

	for (c = n->node[at].byte_child; c; c = n->node[c].sibling) {
		if (n->node[c].byte == byte) {
			*ret = c;
			return 0;
		}
	}
	r = new_node(n, at, NFA_PLAIN, &c);
	if (r < 0)
		return r;
	n->node[c].byte = byte;
	n->node[c].sibling = n->node[at].byte_child;
	n->node[at].byte_child = *ret = c;
	return 0;
}

static int child_set(struct nfa *n, uint32_t at, const uint64_t has[4], uint32_t *ret)
{
	uint32_t c;
	int r;

	for (c = n->node[at].set_child; c; c = n->node[c].sibling) {
		if (memcmp(n->set[n->node[c].set_idx].has, has, sizeof(n->set[0].has)) == 0) {
			*ret = c;
			return 0;
		}
	}
	r = grow(&n->set, &n->set_cap, n->set_count + 1, sizeof(*n->set));
	if (r == 0)
		r = new_node(n, at, NFA_PLAIN, &c);
	if (r < 0)
		return r;
	memcpy(n->set[n->set_count].has, has, sizeof(n->set[0].has));
	n->node[c].set_idx = (uint32_t)n->set_count++;
	n->node[c].sibling = n->node[at].set_child;
	n->node[at].set_child = *ret = c;
	return 0;
}

/* Children of which a node has one at most: where in the node, and the child's kind */
static const struct {
	size_t field;
	enum nfa_kind kind;
} single[] = {
	[PATTERN_ANY_BYTE] = { offsetof(struct nfa_node, any_child), NFA_PLAIN },
	[PATTERN_STAR] = { offsetof(struct nfa_node, star_child), NFA_STAR },
	[PATTERN_MIDDLE] = { offsetof(struct nfa_node, middle_child), NFA_MIDDLE },
	[PATTERN_TAIL] = { offsetof(struct nfa_node, tail_child), NFA_TAIL },
};

static uint32_t *single_child(struct nfa *n, uint32_t at, enum pattern_token_kind kind)
{
	return (uint32_t *)(void *)((char *)&n->node[at] + single[kind].field);
}

static int child_single(struct nfa *n, uint32_t at, enum pattern_token_kind kind, uint32_t *ret)
{
	uint32_t c = *single_child(n, at, kind), skip;
	int r;

	if (c) {
		*ret = c;
		return 0;
	}
	r = new_node(n, at, single[kind].kind, &c);
	if (r < 0)
		return r;
	*single_child(n, at, kind) = *ret = c;
	if (kind != PATTERN_MIDDLE)
		return 0;
	r = new_node(n, c, NFA_SKIP, &skip);
	if (r < 0)
		return r;
	n->node[c].partner = skip;
	n->node[skip].partner = c;
	return 0;
}

static int add_accept(struct nfa *n, uint32_t at, uint32_t rule_idx)
{
	uint32_t *link = &n->node[at].accept;
	int r;

	r = grow(&n->accept, &n->accept_cap, n->accept_count + 1, sizeof(*n->accept));
	if (r < 0)
		return r;
	while (*link) {
		if (n->accept[*link - 1].rule_idx == rule_idx)
			return 0;
		link = &n->accept[*link - 1].next;
	}
	n->accept[n->accept_count++] = (struct nfa_accept){ .rule_idx = rule_idx };
	*link = (uint32_t)n->accept_count;
	return 0;
}

static int next_node(struct nfa *n, uint32_t at, const struct pattern_token *t, uint32_t *ret)
{
	if (t->kind == PATTERN_BYTE)
		return child_byte(n, at, t->byte, ret);
	if (t->kind == PATTERN_SET)
		return child_set(n, at, t->set, ret);
	return child_single(n, at, t->kind, ret);
}

struct add {
	struct nfa *n;
	uint32_t rule_idx;
};

static int add_plain(void *context, const char *plain)
{
	struct add *a = context;
	enum pattern_kind kind = a->n->kind;
	struct pattern_cursor c;
	struct pattern_token t;
	uint32_t at = 0;
	int r;

	if (kind == PATTERN_PATH && *plain != '/')
		kind = PATTERN_NAME;
	if (kind == PATTERN_PATH && strcmp(plain, "/") == 0)
		plain = "";	/* the root is the empty string to an automaton */
	c = pattern_cursor(plain, *plain ? kind : PATTERN_ARG);
	for (;;) {
		r = pattern_next(&c, &t);
		if (r < 0)
			return r;
		if (t.kind == PATTERN_END)
			return add_accept(a->n, at, a->rule_idx);
		r = next_node(a->n, at, &t, &at);
		if (r < 0)
			return r;
		if (t.kind == PATTERN_TAIL)
			return add_accept(a->n, at, a->rule_idx);
	}
}

int nfa_add(struct nfa *n, const char *pattern, uint32_t rule_idx)
{
	struct add a = { n, rule_idx };
	const char *why;

	return pattern_each(pattern, n->kind, add_plain, &a, &why);
}

static void finish_node(struct nfa *n, uint32_t i)
{
	struct nfa_node *node = &n->node[i], *parent = &n->node[node->parent];
	uint32_t a;

	for (a = node->accept; a; a = n->accept[a - 1].next) {
		uint32_t rule = n->accept[a - 1].rule_idx;

		node->ops |= n->rule[rule].ops;
		node->rule_min = rule < node->rule_min ? rule : node->rule_min;
		node->rule_max = rule > node->rule_max ? rule : node->rule_max;
	}
	node->is_useful = node->accept || node->byte_child || node->set_child || node->any_child ||
			  node->tail_child || node->kind != NFA_PLAIN;
	if (node->kind == NFA_MIDDLE || node->kind == NFA_SKIP || node->kind == NFA_TAIL ||
	    node->tail_child)
		node->is_deep = true;
	if (i == 0)
		return;
	parent->ops |= node->ops;
	parent->rule_min = node->rule_min < parent->rule_min ? node->rule_min : parent->rule_min;
	parent->rule_max = node->rule_max > parent->rule_max ? node->rule_max : parent->rule_max;
	if (node->is_deep || (node->kind == NFA_PLAIN && node->byte == '/'))
		parent->is_deep = true;
}

void nfa_finish(struct nfa *n)
{
	uint32_t i;

	/* children were made after their parents */
	for (i = (uint32_t)n->node_count; i-- > 0;)
		finish_node(n, i);
	for (i = 0; i < n->node_count; i++) {
		struct nfa_node *node = &n->node[i];
		const struct nfa_node *middle = &n->node[node->partner];

		if (node->kind != NFA_SKIP)
			continue;
		node->ops = middle->ops;
		node->rule_min = middle->rule_min;
		node->rule_max = middle->rule_max;
	}
}
