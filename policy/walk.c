/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/walk.c - Feed bytes to an automaton: the hot loop of every question
 */
#include "policy/format.h"

/* As much of the chain's text as agrees; *bytes moves on */
static uint32_t walk_chain(const struct blob *b, const struct blob_state *st,
			   const uint8_t **bytes, const uint8_t *end)
{
	const struct blob_chain *c = &b->chain[st->base & ~BLOB_BASE_CHAIN];
	const uint8_t *text = b->text + c->text_off, *p = *bytes;
	uint32_t i = 0;

	while (i < c->text_len && p < end && *p == text[i]) {
		i++;
		p++;
	}
	*bytes = p;
	return i == c->text_len ? c->next : st->fail & ~BLOB_FAIL_RETRY;
}

uint32_t blob_walk(const struct blob *b, uint32_t state, const char *bytes, size_t len)
{
	const uint8_t *p = (const uint8_t *)bytes, *end = p + len;

	if (state >= b->header->table[BLOB_TABLE_STATE].count)
		return 0;
	while (p < end) {
		const struct blob_state *st = &b->state[state];
		const struct blob_cell *row;

		if (st->base & (BLOB_BASE_CHAIN | BLOB_BASE_SINK)) {
			if (st->base & BLOB_BASE_SINK)
				return state;
			state = walk_chain(b, st, &p, end);
			continue;
		}
		row = b->cell + st->base;
		if (row[*p].check == state) {
			state = row[*p++].next;
		} else if (st->fail & BLOB_FAIL_RETRY) {
			state = st->fail & ~BLOB_FAIL_RETRY;
		} else if (st->fail == state) {
			/* a "*" at rest: these loads do not wait for each other */
			do {
				p++;
			} while (p < end && row[*p].check != state);
		} else {
			state = st->fail;
			p++;
		}
	}
	return state;
}

uint32_t blob_walk_path(const struct blob *b, uint32_t state, struct policy_str path)
{
	if (path.len == 1 && path.s[0] == '/')
		path.len = 0;
	return blob_walk(b, state, path.s, path.len);
}
