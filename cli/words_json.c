/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/words_json.c - The footer as one line of JSON
 */
#include <stdlib.h>

#include "cli/words_tally.h"
#include "common/cleanup.h"
#include "common/jsonw.h"

#define FOOTER_SIZE (256 << 10)		/* all of a tally, each byte escaped at its longest for most names */

static void put_refusals(struct jsonw *w, const struct tally *t)
{
	jsonw_key(w, "refused");
	jsonw_array_begin(w);
	for (size_t i = 0; i < t->rule_count; i++) {
		const struct tally_rule *r = &t->rule[i];

		jsonw_object_begin(w);
		jsonw_key(w, "op");
		jsonw_cstr(w, policy_op_name(r->op));
		jsonw_key(w, "object");
		jsonw_str(w, (struct policy_str){ r->object, r->object_len });
		jsonw_key(w, "rule");
		jsonw_cstr(w, r->rule_id == POLICY_RULE_NONE ? NULL : r->rule);
		jsonw_key(w, "count");
		jsonw_uint(w, r->count);
		jsonw_key(w, "why");
		jsonw_uint(w, r->first_seq);
		jsonw_object_end(w);
	}
	jsonw_array_end(w);
}

void tally_print_json(struct tally *t, const char *session_id, FILE *out)
{
	cleanup_free char *buf = malloc(FOOTER_SIZE);
	struct jsonw w;

	if (!buf)
		return;
	jsonw_init(&w, buf, FOOTER_SIZE);
	pthread_mutex_lock(&t->lock);
	jsonw_object_begin(&w);
	jsonw_key(&w, "session");
	jsonw_cstr(&w, session_id);
	put_refusals(&w, t);
	jsonw_key(&w, "born");
	jsonw_array_begin(&w);
	for (size_t i = 0; i < t->birth_count; i++)
		jsonw_str(&w, (struct policy_str){ t->birth[i].object, t->birth[i].object_len });
	jsonw_array_end(&w);
	jsonw_key(&w, "unrecorded");
	jsonw_uint(&w, t->unrecorded_count);
	jsonw_object_end(&w);
	pthread_mutex_unlock(&t->lock);
	if (!w.overflowed)
		(void)fprintf(out, "%s\n", buf);	/* the caller's stderr: nothing to do about it */
}
