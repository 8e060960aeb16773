/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/words_tally.c - What the footer says at the end: refusals by rule, births; bounded
 */
#include "cli/words_tally.h"

#include <inttypes.h>
#include <string.h>

#include "cli/words_text.h"

static uint32_t keep(char *buf, size_t size, struct policy_str s)
{
	size_t n = s.len < size ? s.len : size;

	if (n > 0)
		memcpy(buf, s.s, n);
	return (uint32_t)n;
}

static bool is_rule(const struct tally_rule *r, struct policy_str rule)
{
	size_t len = rule.len < sizeof(r->rule) - 1 ? rule.len : sizeof(r->rule) - 1;

	return strlen(r->rule) == len && memcmp(r->rule, rule.s, len) == 0;
}

/* One rule refuses alike; the default refuses each operation for itself */
static struct tally_rule *find(struct tally *t, const struct event *ev)
{
	for (size_t i = 0; i < t->rule_count; i++) {
		struct tally_rule *r = &t->rule[i];

		if (r->rule_id == ev->decision->rule_id &&
		    (r->rule_id != POLICY_RULE_NONE || (r->op == ev->op && is_rule(r, ev->decision->rule))))
			return r;
	}
	return NULL;
}

void tally_refusal(struct tally *t, const struct event *ev, uint64_t seq)
{
	const struct policy_decision *d = ev->decision;
	struct tally_rule *r;

	pthread_mutex_lock(&t->lock);
	r = find(t, ev);
	if (!r && t->rule_count < TALLY_RULES) {
		r = &t->rule[t->rule_count++];
		*r = (struct tally_rule){ .op = ev->op, .rule_id = d->rule_id, .first_seq = seq };
		r->object_len = keep(r->object, sizeof(r->object), ev->object);
		r->rule[keep(r->rule, sizeof(r->rule) - 1, d->rule)] = '\0';
	}
	if (r)
		r->count++;
	else
		t->other_count++;
	pthread_mutex_unlock(&t->lock);
}

/* git puts a dozen of them into each repository, and nothing runs them under that name */
static bool is_sample(struct policy_str path)
{
	static const char end[] = ".sample", folder[] = "/.git/hooks/";

	return path.len > sizeof(end) && memcmp(path.s + path.len - (sizeof(end) - 1), end, sizeof(end) - 1) == 0 &&
		memmem(path.s, path.len, folder, sizeof(folder) - 1) != NULL;
}

void tally_birth(struct tally *t, struct policy_str object)
{
	size_t i = 0;

	if (is_sample(object))
		return;
	pthread_mutex_lock(&t->lock);
	for (; i < t->birth_count; i++)
		if (t->birth[i].object_len == object.len && memcmp(t->birth[i].object, object.s, object.len) == 0)
			break;
	if (i == t->birth_count && t->birth_count < TALLY_BIRTHS) {
		t->birth_count++;
		t->birth[i].object_len = keep(t->birth[i].object, TALLY_TEXT, object);
	} else if (i == t->birth_count) {
		t->has_more_births = true;
	}
	pthread_mutex_unlock(&t->lock);
}

void tally_unrecorded(struct tally *t, int err)
{
	pthread_mutex_lock(&t->lock);
	t->unrecorded_count++;
	t->unrecorded_err = err;
	pthread_mutex_unlock(&t->lock);
}

static void print_rule(const struct tally_rule *r, const struct policy_loaded *l, FILE *out)
{
	struct policy_str object = { r->object, r->object_len };
	bool is_own = r->rule_id == POLICY_RULE_NONE && !text_is_default(policy_str(r->rule));
	char path[200], hint[512];

	if (is_own)		/* a rule of fusefs or the doorman, which no policy has */
		(void)snprintf(hint, sizeof(hint), "rule %s is agentsh's own and cannot be lifted", r->rule);
	else
		text_hint(hint, sizeof(hint), l, r->op, object, r->rule_id);
	fprintf(out, "  %s %s", policy_op_name(r->op), text_path(path, sizeof(path), object, l->home));
	if (r->count > 1)
		fprintf(out, " (%" PRIu64 " times%s)", r->count, r->rule_id == POLICY_RULE_NONE ? " or the like" : "");
	fprintf(out, ": %s · agentsh why %" PRIu64 "\n", hint, r->first_seq);
}

static void print_births(const struct tally *t, const struct policy_loaded *l, FILE *out)
{
	char path[200];

	fprintf(out, "agentsh: made in this session, and would run later outside the cage; look before you use it:\n");
	for (size_t i = 0; i < t->birth_count; i++)
		fprintf(out, "  %s\n", text_path(path, sizeof(path),
			(struct policy_str){ t->birth[i].object, t->birth[i].object_len }, l->home));
	if (t->has_more_births)
		fprintf(out, "  and more: agentsh log\n");
}

void tally_print(struct tally *t, const struct policy_loaded *l, const char *session_id, FILE *out)
{
	pthread_mutex_lock(&t->lock);
	if (t->rule_count > 0)
		fprintf(out, "agentsh: refused in this session:\n");
	for (size_t i = 0; i < t->rule_count; i++)
		print_rule(&t->rule[i], l, out);
	if (t->other_count > 0)
		fprintf(out, "  and %" PRIu64 " more by other rules\n", t->other_count);
	if (t->birth_count > 0)
		print_births(t, l, out);
	if (t->unrecorded_count > 0)
		fprintf(out, "agentsh: the log could not be written (%s): %" PRIu64 " operations were refused for that\n",
			strerror(t->unrecorded_err), t->unrecorded_count);
	if (t->rule_count > 0 || t->birth_count > 0 || t->unrecorded_count > 0)
		fprintf(out, "agentsh: everything: agentsh log --session %s%s\n", session_id,
			t->rule_count > 0 ? " --denied" : "");
	pthread_mutex_unlock(&t->lock);
}
