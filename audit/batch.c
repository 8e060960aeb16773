/* SPDX-License-Identifier: Apache-2.0
 *
 * audit/batch.c - Allowed opens and looks, counted before they are written
 */
#include "audit/batch.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

static_assert(sizeof(((struct batch *)0)->hash_key) == crypto_shorthash_KEYBYTES, "key of the table");
static_assert(BATCH_ENTRIES < UINT16_MAX && BATCH_ENTRIES < BATCH_INDEX, "the index never fills up");

int batch_init(struct batch *b)
{
	*b = (struct batch){ .active = calloc(1, sizeof(*b->active)), .spare = calloc(1, sizeof(*b->spare)) };
	if (!b->active || !b->spare) {
		free(b->active);
		free(b->spare);
		return -ENOMEM;
	}
	(void)pthread_mutex_init(&b->lock, NULL);	/* cannot fail with default attributes */
	randombytes_buf(b->hash_key, sizeof(b->hash_key));
	return 0;
}

void batch_destroy(struct batch *b)
{
	free(b->active);
	free(b->spare);
	(void)pthread_mutex_destroy(&b->lock);	/* nobody holds it */
}

static bool same(struct policy_str a, struct policy_str b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.s, b.s, a.len) == 0);
}

/* Empty when there is no room; the caller has made sure that there is */
static struct policy_str keep(struct batch_table *t, struct policy_str s)
{
	struct policy_str ret = { t->arena + t->arena_len, s.len };

	if (s.len == 0 || s.len > sizeof(t->arena) - t->arena_len)
		return (struct policy_str){ t->arena, 0 };
	memcpy(t->arena + t->arena_len, s.s, s.len);
	t->arena_len += s.len;
	return ret;
}

/* The program of a task, read once per table. Needs WHO_PROGRAM_MAX bytes of room. */
static struct policy_str program_of(struct batch_table *t, pid_t tid)
{
	size_t i = (size_t)tid % BATCH_TIDS;
	char buf[WHO_PROGRAM_MAX];
	struct policy_str s;

	if (t->tid[i].tid == tid && tid > 0)
		return t->tid[i].program;
	s = (struct policy_str){ buf, (uint32_t)who_program(tid, buf, sizeof(buf)) };
	for (size_t k = 0; k < BATCH_TIDS; k++) {	/* one copy per program, not per task */
		if (t->tid[k].tid > 0 && same(t->tid[k].program, s)) {
			s = t->tid[k].program;
			break;
		}
	}
	if (s.s == buf)
		s = keep(t, s);
	t->tid[i].tid = tid;
	t->tid[i].program = s;
	return s;
}

static uint32_t first_slot(const struct batch *b, const struct event *ev, struct policy_str program)
{
	uint64_t h[2];
	uint64_t mixed;

	(void)crypto_shorthash((unsigned char *)&h[0], (const unsigned char *)ev->object.s, ev->object.len,
			       b->hash_key);	/* cannot fail */
	(void)crypto_shorthash((unsigned char *)&h[1], (const unsigned char *)program.s, program.len,
			       b->hash_key);	/* cannot fail */
	mixed = h[0] ^ h[1] * 3 ^ (uint64_t)ev->op * 0x9e3779b97f4a7c15u ^ (uint64_t)ev->decision->rule_id << 20;
	return (uint32_t)(mixed ^ mixed >> 32) & (BATCH_INDEX - 1);
}

/* The entry of an alike event, or the free slot where it belongs */
static struct batch_entry *find(struct batch *b, const struct event *ev, struct policy_str program,
				uint32_t *ret_slot)
{
	struct batch_table *t = b->active;
	uint32_t slot = first_slot(b, ev, program);

	for (; t->index[slot]; slot = (slot + 1) & (BATCH_INDEX - 1)) {
		struct batch_entry *e = &t->entry[t->index[slot] - 1];

		if (e->op == ev->op && e->decision.rule_id == ev->decision->rule_id &&
		    e->layer == ev->layer && same(e->object, ev->object) && same(e->program, program))
			return e;
	}
	*ret_slot = slot;
	return NULL;
}

static void insert(struct batch_table *t, uint32_t slot, const struct event *ev, struct policy_str program,
		   const struct who_ids *ids)
{
	struct batch_entry *e = &t->entry[t->entry_count++];

	*e = (struct batch_entry){
		.layer = ev->layer, .op = ev->op, .program = program, .ids = *ids,
		.object = keep(t, ev->object), .resolved = keep(t, ev->resolved),
		.decision = *ev->decision, .count = 1, .latency_ns = ev->latency_ns,
	};
	e->decision.rule = keep(t, ev->decision->rule);
	e->decision.message = (struct policy_str){ t->arena, 0 };
	e->decision.target = (struct policy_str){ t->arena, 0 };
	t->index[slot] = (uint16_t)t->entry_count;
}

static int add(struct batch *b, const struct event *ev, struct who_cache *who, bool *ret_first)
{
	struct batch_table *t = b->active;
	size_t room = sizeof(t->arena) - t->arena_len;
	struct policy_str program;
	struct batch_entry *e;
	struct who_ids ids;
	uint32_t slot;

	if (room < WHO_PROGRAM_MAX)
		return -ENOBUFS;
	program = program_of(t, ev->tid);
	e = find(b, ev, program, &slot);
	if (e) {
		e->count++;
		e->latency_ns += ev->latency_ns;
		return 0;
	}
	room = sizeof(t->arena) - t->arena_len;
	if (t->entry_count == BATCH_ENTRIES ||
	    room < (size_t)ev->object.len + ev->resolved.len + ev->decision->rule.len)
		return -ENOBUFS;
	who_ids(who, ev->tid, &ids);
	*ret_first = t->entry_count == 0;
	insert(t, slot, ev, program, &ids);
	return 0;
}

int batch_add(struct batch *b, const struct event *ev, struct who_cache *who, bool *ret_first)
{
	int r;

	*ret_first = false;
	if (ev->object.len > 4096 || ev->resolved.len > 4096 || ev->decision->rule.len > 4096)
		return -E2BIG;
	pthread_mutex_lock(&b->lock);
	r = add(b, ev, who, ret_first);
	pthread_mutex_unlock(&b->lock);
	return r;
}

void batch_forget(struct batch *b, pid_t tid)
{
	size_t i = (size_t)tid % BATCH_TIDS;

	if (tid <= 0)
		return;
	pthread_mutex_lock(&b->lock);
	if (b->active->tid[i].tid == tid)
		b->active->tid[i].tid = 0;
	pthread_mutex_unlock(&b->lock);
}

struct batch_table *batch_swap(struct batch *b)
{
	struct batch_table *full;

	pthread_mutex_lock(&b->lock);
	full = b->active;
	b->active = b->spare;
	b->spare = full;
	pthread_mutex_unlock(&b->lock);
	return full;
}

void batch_reset(struct batch_table *t)
{
	memset(t->index, 0, sizeof(t->index));
	memset(t->tid, 0, sizeof(t->tid));
	t->entry_count = 0;
	t->written = 0;
	t->arena_len = 0;
}
