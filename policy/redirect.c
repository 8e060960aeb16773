/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/redirect.c - What is opened or run instead
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "policy/diag.h"
#include "policy/layers.h"

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

int redirect_read_words(struct policy_rule *rule, const struct expand *e, const struct json_value *v,
			bool is_project)
{
	const struct json_value *to = NULL, *i;
	bool is_args_seen = false;
	size_t count = 0;
	int r = find_to(rule, e, v, &to);

	if (r < 0 || !to)
		return r;
	/* It would be the repository that starts a program, at the first "git status" of the session */
	if (is_project)
		return diag_at(e->diag, to->key_line, to->key_column,
			       "a project's file redirects no commands: what it names would run unasked");
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

/* ---- where they lead, once everything is compiled ---- */

/* What agentsh keeps in the folder of a session, and what begins like it */
static const char *const own_name[] = {
	"audit", "etc", "key", "policy", "query", "run", "shm", "sock", "tmp", "undo",
};

static bool is_beneath(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 && path[n] == '/';
}

/* A file of the session's own folder, beside agentsh's */
static bool is_in_session(const struct policy_vars *vars, const char *path)
{
	const char *name = vars->session ? path + strlen(vars->session) + 1 : NULL;

	if (!vars->session || !is_beneath(path, vars->session) || strchr(name, '/') || *name == '.')
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(own_name); i++)
		if (strncmp(name, own_name[i], strlen(own_name[i])) == 0)
			return false;
	return true;
}

static int refuse(struct layers_stack *s, const struct policy_listed *r, const char *fmt, const char *what)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"	/* literals of this file, two %s each */
	diag_file(s->diag, r->file);
	return diag_at(s->diag, r->line, r->column, fmt, diag_quote(r->target).s, what);
#pragma GCC diagnostic pop
}

/* All that a descriptor gives must be the session's own to do there, whatever stood at the start */
static int check_free(struct layers_stack *s, const struct policy *p, const struct policy_listed *r,
		      const char *path, enum policy_verdict at_least)
{
	static const enum policy_op op[] = {
		POLICY_OP_READ, POLICY_OP_WRITE, POLICY_OP_CREATE, POLICY_OP_TRUNCATE, POLICY_OP_CHMOD,
		POLICY_OP_UTIMES, POLICY_OP_XATTR,
	};
	struct policy_request req = {
		.traits = POLICY_T_UNKNOWN,
		.object = { .kind = POLICY_OBJECT_PATH, .path = policy_str(path) },
	};

	for (size_t i = 0; i < ARRAY_SIZE(op); i++) {
		struct policy_decision d;
		char rule[72];

		req.op = op[i];
		policy_eval(p, &req, &d);
		if (d.verdict >= at_least)
			continue;
		(void)snprintf(rule, sizeof(rule), "%.*s", (int)d.rule.len, d.rule.s);	/* an id fits */
		return refuse(s, r, at_least == POLICY_ALLOW ?
			      "%s: nothing may be redirected there, rule %s refuses it" :
			      "to %s: what rule %s protects is not redirected", rule);
	}
	return 0;
}

/*
 * From one name of the workspace to another or to the session's folder, both of which the
 * session may change as it likes: so the repository says nothing that it could not have said
 * by what is in it. Else it could have git read another configuration than the person's, or
 * the client write its credentials into the work tree.
 */
static int check_project(struct layers_stack *s, const struct policy *p, const struct policy_listed *r)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < r->pattern_count; i++) {
		char literal[PATH_MAX];
		const char *rest = "";

		if (expand_literal(r->pattern[i], literal, sizeof(literal), &rest) < 0 || *rest ||
		    !is_beneath(literal, s->vars->workspace))
			return refuse(s, r, "to %s: a project's file redirects single files of the workspace%s", "");
		err = check_free(s, p, r, literal, POLICY_REDIRECT);
	}
	if (err < 0 || is_in_session(s->vars, r->target))
		return err;
	if (!is_beneath(r->target, s->vars->workspace))
		return refuse(s, r, "%s: a project's file redirects into the workspace or the session's folder%s", "");
	return check_free(s, p, r, r->target, POLICY_ALLOW);
}

/* agentsh's own files are nobody's to redirect to */
static int check_own(struct layers_stack *s, const struct policy *p, const struct policy_listed *r)
{
	struct policy_request req = {
		.op = POLICY_OP_WRITE,
		.object = { .kind = POLICY_OBJECT_PATH, .path = policy_str(r->target) },
	};
	struct policy_decision d;

	policy_eval(p, &req, &d);
	if (d.rule_id < s->rule_count && strcmp(s->rule[d.rule_id].layer, "agentsh") == 0)
		return refuse(s, r, "%s is one of agentsh's own files%s", "");
	return 0;
}

int redirect_check(struct layers_stack *s, const struct policy *p)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->rule_count; i++) {
		const struct policy_listed *rule = &s->rule[i];

		if (rule->section != POLICY_SECTION_FILES || rule->verdict != POLICY_REDIRECT)
			continue;
		r = is_in_session(s->vars, rule->target) ? 0 : check_own(s, p, rule);
		if (r == 0 && strcmp(rule->layer, "project") == 0)
			r = check_project(s, p, rule);
	}
	return r;
}
