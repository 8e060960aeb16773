/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/pack.c - Rows of edges interleaved in one table of cells
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compiled.h"
#include "policy/grow.h"

#define PACK_LOOK	128	/* cells looked at before what lies below is given up */
#define PACK_ROW	256

struct pack {
	struct compiled *c;
	/* Where to look first, by the row's first byte: what is below is taken or, for rows of several
	 * edges, given up. Single edges fill those gaps. */
	size_t several_from[PACK_ROW], single_from[PACK_ROW];
};

static int make_room(struct pack *p, size_t cells)
{
	struct compiled *c = p->c;
	int r;

	if (cells <= c->cell_count)
		return 0;
	r = grow(&c->cell, &c->cell_cap, cells, sizeof(*c->cell));
	if (r < 0)
		return r;
	memset(c->cell + c->cell_count, 0, (cells - c->cell_count) * sizeof(*c->cell));
	c->cell_count = cells;
	return 0;
}

static bool is_taken(const struct compiled *c, size_t at)
{
	return at < c->cell_count && c->cell[at].check;
}

static bool fits(const struct compiled *c, const struct automaton_edge *e, uint32_t count, size_t base)
{
	uint32_t i;

	for (i = 0; i < count; i++)
		if (is_taken(c, base + e[i].byte))
			return false;
	return true;
}

static size_t find_base(struct pack *p, const struct automaton_edge *e, uint32_t count)
{
	const struct compiled *c = p->c;
	size_t *from = count > 1 ? &p->several_from[e[0].byte] : &p->single_from[e[0].byte];
	size_t at;

	if (*from < e[0].byte)
		*from = e[0].byte;
	while (is_taken(c, *from))
		(*from)++;
	for (at = *from; at < c->cell_count; at++) {
		if (!is_taken(c, at) && fits(c, e, count, at - e[0].byte))
			break;
		if (at - *from > PACK_LOOK)
			*from = at;
	}
	return at - e[0].byte;
}

static int pack_row(struct pack *p, uint32_t state)
{
	struct compiled *c = p->c;
	const struct automaton_state *s = &c->a.state[state];
	const struct automaton_edge *e = c->a.edge + s->edge_off;
	size_t base = find_base(p, e, s->edge_count);
	uint32_t i;
	int r;

	r = make_room(p, base + PACK_ROW);
	if (r < 0)
		return r;
	if (base >= BLOB_BASE_SINK)
		return -EFBIG;
	for (i = 0; i < s->edge_count; i++)
		c->cell[base + e[i].byte] = (struct blob_cell){ state, e[i].target };
	c->base[state] = (uint32_t)base;
	return 0;
}

static int pack_chain(struct compiled *c, uint32_t state)
{
	const struct automaton_state *s = &c->a.state[state];
	int r = grow(&c->chain, &c->chain_cap, c->chain_count + 1, sizeof(*c->chain));

	if (r < 0)
		return r;
	c->chain[c->chain_count] = (struct blob_chain){
		.text_off = s->text_off,
		.text_len = s->text_len,
		.next = s->next,
	};
	c->base[state] = BLOB_BASE_CHAIN | (uint32_t)c->chain_count++;
	return 0;
}

/* States in the order of their number of edges, most first: wide rows find room while there is some */
static uint32_t *order_rows(const struct compiled *c)
{
	size_t start[PACK_ROW + 2] = { 0 }, n;
	uint32_t *order = calloc(c->a.state_count, sizeof(*order)), s;

	if (!order)
		return NULL;
	for (s = 0; s < c->a.state_count; s++)
		start[PACK_ROW - c->a.state[s].edge_count + 1]++;
	for (n = 1; n < ARRAY_SIZE(start); n++)
		start[n] += start[n - 1];
	for (s = 0; s < c->a.state_count; s++)
		order[start[PACK_ROW - c->a.state[s].edge_count]++] = s;
	return order;
}

int compile_pack(struct compiled *c)
{
	struct pack p = { .c = c };
	uint32_t *order = order_rows(c);
	size_t i;
	int r;

	if (!order)
		return -ENOMEM;
	c->base = calloc(c->a.state_count, sizeof(*c->base));
	r = c->base ? make_room(&p, PACK_ROW) : -ENOMEM;
	for (i = 0; r == 0 && i < c->a.state_count; i++) {
		const struct automaton_state *s = &c->a.state[order[i]];

		if (s->text_len > 0)
			r = pack_chain(c, order[i]);
		else if (s->edge_count > 0)
			r = pack_row(&p, order[i]);
		else if (!s->is_retry && s->fail == order[i])
			c->base[order[i]] = BLOB_BASE_SINK;
	}
	free(order);
	return r;
}
