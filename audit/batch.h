/* SPDX-License-Identifier: Apache-2.0
 *
 * audit/batch.h - Allowed opens and looks, counted before they are written
 *
 * Two tables: one is filled while the other is written. A table that could not
 * be written is kept until it can be.
 */
#ifndef AUDIT_BATCH_H
#define AUDIT_BATCH_H

#include <pthread.h>

#include "audit/who.h"
#include "common/event.h"

#define BATCH_ENTRIES	2048
#define BATCH_INDEX	4096		/* power of two */
#define BATCH_TIDS	256
#define BATCH_ARENA	(512u * 1024)	/* bytes of text */

/** struct batch_entry - Alike events: same operation, object, rule and program */
struct batch_entry {
	enum event_layer layer;
	enum policy_op op;
	struct policy_str object, resolved, program;	/* in the arena */
	struct policy_decision decision;		/* strings in the arena */
	struct who_ids ids;				/* of the first */
	uint64_t count, latency_ns;			/* the sum */
};

struct batch_table {
	struct batch_entry entry[BATCH_ENTRIES];
	uint32_t entry_count, written;	/* entries before @written are in the log */
	uint16_t index[BATCH_INDEX];	/* entry number + 1 */
	struct {
		pid_t tid;
		struct policy_str program;
	} tid[BATCH_TIDS];
	char arena[BATCH_ARENA];
	uint32_t arena_len;
};

struct batch {
	pthread_mutex_t lock;		/* of @active */
	uint8_t hash_key[16];
	struct batch_table *active, *spare;
};

int batch_init(struct batch *b) MUST_USE;
void batch_destroy(struct batch *b);

/**
 * batch_add() - Count one event
 * @ret_first:	The table was empty before: somebody has to write it within a second
 *
 * Return: 0; -ENOBUFS: full, write it and try again; -E2BIG: never fits
 */
int batch_add(struct batch *b, const struct event *ev, struct who_cache *who, bool *ret_first) MUST_USE;

/** batch_forget() - The task is about to run another program */
void batch_forget(struct batch *b, pid_t tid);

/** batch_swap() - Give out the filled table and fill the other, which must be empty. Owned by @b. */
struct batch_table *batch_swap(struct batch *b);

/** batch_reset() - Empty a table that is not being filled */
void batch_reset(struct batch_table *t);

#endif /* AUDIT_BATCH_H */
