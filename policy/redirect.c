/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/redirect.c - What is opened or run instead
 */
#include <errno.h>
#include <string.h>

#include "policy/diag.h"
#include "policy/rules.h"

#define WORDS_MAX	64

/* Is there a "to" to be read? It and the decision to redirect come together */
static int find_to(const struct policy_rule *rule, const struct expand *e, const struct json_value *v,
		   const struct json_value **ret)
{
	const struct json_value *to = json_get(v, "to"), *d = json_get(v, "decision");

	if (to && rule->verdict != POLICY_REDIRECT)
		return diag_at(e->diag, to->key_line, to->key_column,
			       "\"to\" stands with \"decision\": \"redirect\"");
	if (!to && rule->verdict == POLICY_REDIRECT)
		return diag_at(e->diag, d->line, d->column,
			       "a redirect has a \"to\" that says where it leads");
	*ret = to;
	return 0;
}

int redirect_read_path(struct policy_rule *rule, const struct expand *e, const struct json_value *v)
{
	const struct json_value *to = NULL, *ops = json_get(v, "ops");
	int r = find_to(rule, e, v, &to);

	if (r < 0 || !to)
		return r;
	if (rule->ops & ~POLICY_OPS_REDIRECT)
		return diag_at(e->diag, ops->line, ops->column,
			       "only \"read\", \"write\", \"create\" and \"truncate\" can be redirected");
	r = expand_file(e, to, &rule->target);
	if (r == 0)
		rule->target_len = strlen(rule->target);
	return r;
}

/* A name looked up along PATH, or a path */
static int expand_first(const struct expand *e, const struct json_value *at, const char **ret)
{
	if (strchr(at->string, '/') || at->string[0] == '~' || strstr(at->string, "${"))
		return expand_file(e, at, ret);
	if (!at->string[0])
		return diag_at(e->diag, at->line, at->column, "the program to run instead has no name");
	*ret = arena_strdup(e->arena, at->string);
	return *ret ? 0 : diag_memory(e->diag);
}

static int expand_word(const struct expand *e, const struct json_value *at, bool *is_args_seen,
		       const char **ret)
{
	int r;

	if (strcmp(at->string, POLICY_TARGET_ARGS) == 0) {
		if (*is_args_seen)
			return diag_at(e->diag, at->line, at->column,
				       "%s stands once", POLICY_TARGET_ARGS);
		*is_args_seen = true;
		*ret = POLICY_TARGET_ARGS;
		return 0;
	}
	if (strstr(at->string, POLICY_TARGET_ARGS))
		return diag_at(e->diag, at->line, at->column, "%s is a word of its own, not part of %s",
			       POLICY_TARGET_ARGS, diag_quote(at->string).s);
	r = expand_text(e, at, ret);
	if (r == 0 && !*ret)
		r = diag_at(e->diag, at->line, at->column, "a variable in %s is not set",
			    diag_quote(at->string).s);
	/* a variable must not smuggle the word in that stands for the caller's arguments */
	if (r == 0 && strcmp(*ret, POLICY_TARGET_ARGS) == 0)
		r = diag_at(e->diag, at->line, at->column, "%s becomes %s", diag_quote(at->string).s,
			    POLICY_TARGET_ARGS);
	return r;
}

static int add_word(struct policy_rule *rule, const struct expand *e, const char *word)
{
	size_t len = strlen(word) + 1;
	char *words = arena_alloc(e->arena, rule->target_len + len);

	if (!words)
		return diag_memory(e->diag);
	if (rule->target_len > 0)
		memcpy(words, rule->target, rule->target_len);
	memcpy(words + rule->target_len, word, len);
	rule->target = words;
	rule->target_len += len;
	return 0;
}

int redirect_read_words(struct policy_rule *rule, const struct expand *e, const struct json_value *v)
{
	const struct json_value *to = NULL, *i;
	bool is_args_seen = false;
	size_t count = 0;
	int r = find_to(rule, e, v, &to);

	if (r < 0 || !to)
		return r;
	for (i = to->type == JSON_ARRAY ? to->child : to; r == 0 && i;
	     i = to->type == JSON_ARRAY ? i->next : NULL) {
		const char *word;

		if (count == WORDS_MAX)
			return diag_at(e->diag, i->line, i->column, "more than %d words to run", WORDS_MAX);
		if (count++ == 0 && strcmp(i->string, POLICY_TARGET_ARGS) == 0)
			return diag_at(e->diag, i->line, i->column,
				       "the first word is the program; %s stands behind it",
				       POLICY_TARGET_ARGS);
		r = count == 1 ? expand_first(e, i, &word) : expand_word(e, i, &is_args_seen, &word);
		if (r == 0)
			r = add_word(rule, e, word);
	}
	return r;
}
