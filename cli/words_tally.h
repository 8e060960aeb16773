/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/words_tally.h - What the footer says at the end: refusals by rule, births; bounded
 */
#ifndef CLI_WORDS_TALLY_H
#define CLI_WORDS_TALLY_H

#include <pthread.h>
#include <stdio.h>

#include "common/event.h"
#include "policy/load.h"

#define TALLY_RULES	48
#define TALLY_BIRTHS	64
#define TALLY_TEXT	512	/* bytes kept of one object */

/** struct tally - Zero it, then pthread_mutex_init(@lock) */
struct tally {
	pthread_mutex_t lock;
	struct tally_rule {
		enum policy_op op;
		uint32_t rule_id;
		char rule[64], object[TALLY_TEXT];	/* object: of the first */
		uint32_t object_len;
		uint64_t count, first_seq;
	} rule[TALLY_RULES];
	size_t rule_count;
	uint64_t other_count;			/* refusals that found no place */
	struct {
		char object[TALLY_TEXT];
		uint32_t object_len;
	} birth[TALLY_BIRTHS];
	size_t birth_count;
	bool has_more_births;
	uint64_t unrecorded_count;
	int unrecorded_err;
};

void tally_refusal(struct tally *t, const struct event *ev, uint64_t seq);
void tally_birth(struct tally *t, struct policy_str object);
void tally_unrecorded(struct tally *t, int err);
/** tally_print_json() - The same as one line of JSON (cli/words_json.c) */
void tally_print_json(struct tally *t, const char *session_id, FILE *out);
void tally_print(struct tally *t, const struct policy_loaded *l, const char *session_id, FILE *out);

#endif /* CLI_WORDS_TALLY_H */
