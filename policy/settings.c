/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/settings.c - environment, limits, tracing, nested, package_manager, name
 *
 * In the base the first file that says something wins, own before extended.
 * System and project files can only take away from that.
 */
#include <errno.h>
#include <string.h>

#include "policy/diag.h"
#include "policy/layers.h"
#include "policy/pattern.h"

static int fail(struct layers_stack *s, const struct layers_file *f, const struct json_value *at,
		const char *sentence)
{
	diag_file(s->diag, f->name);
	return diag_at(s->diag, at->line, at->column, "%s", sentence);
}

static bool is_base(const struct layers_file *f)
{
	return strcmp(f->layer, "base") == 0;
}

/* ---- environment ---- */

static bool is_each(const struct layers_file *f)
{
	const struct json_value *v = json_get(json_get(json_root(f->doc), "environment"), "each");

	return v && v->boolean;
}

static int add_env(struct layers_stack *s, struct policy_loaded *l, const struct policy_env_rule *rule)
{
	struct policy_env_rule *grown = arena_grow(s->arena, l->env, l->env_count, sizeof(*grown));

	if (!grown)
		return diag_memory(s->diag);
	l->env = grown;
	l->env[l->env_count++] = *rule;
	return 0;
}

/* The variables that the session's own command line names, each by its whole name */
static int keep_command(struct layers_stack *s, const struct layers_file *f, struct policy_loaded *l,
			const struct json_value *at, bool *ret_is)
{
	struct expand e = { .arena = s->arena, .vars = s->vars, .diag = s->diag };
	const char *const *names = NULL;
	size_t count = 0;
	int r = expand_command(&e, at, &names, &count, ret_is);

	if (r < 0)
		diag_file(s->diag, f->name);
	for (size_t i = 0; r == 0 && *ret_is && i < count; i++) {
		struct policy_env_rule rule = { .kind = POLICY_ENV_KEEP, .each = is_each(f) };

		rule.name = expand_quote(s->arena, names[i]);
		r = rule.name ? add_env(s, l, &rule) : diag_memory(s->diag);
	}
	return r;
}

static int read_env_list(struct layers_stack *s, const struct layers_file *f, struct policy_loaded *l,
			 const char *key, enum policy_env_kind kind)
{
	const struct json_value *list = json_get(json_get(json_root(f->doc), "environment"), key);
	const struct json_value *i = list && list->type == JSON_ARRAY ? list->child : list;
	int r = 0;

	for (; r == 0 && i; i = list->type == JSON_ARRAY ? i->next : NULL) {
		struct policy_env_rule rule = { .kind = kind, .each = is_each(f) };
		bool is_command = false;
		const char *why = "";

		if (kind == POLICY_ENV_KEEP)
			r = keep_command(s, f, l, i, &is_command);
		if (r < 0 || is_command)
			continue;
		if (pattern_check(i->string, PATTERN_NAME, &why) < 0)
			return fail(s, f, i, why);
		rule.name = arena_strdup(s->arena, i->string);
		r = rule.name ? add_env(s, l, &rule) : diag_memory(s->diag);
	}
	return r;
}

static int read_env_set(struct layers_stack *s, const struct layers_file *f, struct policy_loaded *l)
{
	struct expand e = { .arena = s->arena, .vars = s->vars, .diag = s->diag };
	const struct json_value *set = json_get(json_get(json_root(f->doc), "environment"), "set");
	int r = 0;

	for (const struct json_value *v = set ? set->child : NULL; r == 0 && v; v = v->next) {
		struct policy_env_rule rule = { .kind = POLICY_ENV_SET, .each = is_each(f) };

		if (!*v->key || strchr(v->key, '='))
			return fail(s, f, v, "this is not a variable's name");
		r = expand_text(&e, v, &rule.value);
		if (r < 0)
			diag_file(s->diag, f->name);
		if (r < 0 || !rule.value)	/* made of a variable that is not set: not set either */
			continue;
		rule.name = arena_strdup(s->arena, v->key);
		r = rule.name ? add_env(s, l, &rule) : diag_memory(s->diag);
	}
	return r;
}

static int read_env(struct layers_stack *s, struct policy_loaded *l)
{
	int r = 0;

	/* Backwards: what is set last wins, and own settings come before extended ones */
	for (size_t i = s->file_count; r == 0 && i-- > 0;) {
		const struct layers_file *f = &s->file[i];

		r = read_env_list(s, f, l, "remove",
				  is_base(f) ? POLICY_ENV_REMOVE : POLICY_ENV_STRIP);
		if (r == 0)
			r = read_env_list(s, f, l, "keep", POLICY_ENV_KEEP);
		if (r == 0)
			r = read_env_set(s, f, l);
	}
	return r;
}

/* ---- limits ---- */

static int read_limit(struct layers_stack *s, const char *key, int64_t min, uint64_t *ret)
{
	uint64_t base = 0, least = 0;

	for (size_t i = 0; i < s->file_count; i++) {
		const struct layers_file *f = &s->file[i];
		const struct json_value *v = json_get(json_get(json_root(f->doc), "limits"), key);
		uint64_t n;

		if (!v)
			continue;
		if (v->number < min || v->number > 4 * 1024 * 1024)
			return fail(s, f, v, "this limit is out of range");
		n = (uint64_t)v->number;
		if (is_base(f) && !base)
			base = n;
		else if (!is_base(f) && (!least || n < least))
			least = n;
	}
	*ret = base && (!least || base < least) ? base : least;
	return 0;
}

/* ---- words and flags ---- */

static int read_tracing(struct layers_stack *s, bool *ret)
{
	bool is_said = false, allowed = false, refused = false;

	for (size_t i = 0; i < s->file_count; i++) {
		const struct layers_file *f = &s->file[i];
		const struct json_value *v = json_get(json_root(f->doc), "tracing");
		bool is_allow = v && strcmp(v->string, "allow") == 0;

		if (!v)
			continue;
		if (!is_allow && strcmp(v->string, "refuse") != 0)
			return fail(s, f, v, "\"tracing\" is \"allow\" or \"refuse\"");
		if (!is_base(f))
			refused = true;
		else if (!is_said)
			allowed = is_allow;
		is_said |= is_base(f);
	}
	*ret = allowed && !refused;
	return 0;
}

/* nested, package_manager: the base's first word, which any other file may take back */
static bool read_flag(const struct layers_stack *s, const char *key)
{
	bool is_said = false, allowed = false, refused = false;

	for (size_t i = 0; i < s->file_count; i++) {
		const struct json_value *v = json_get(json_root(s->file[i].doc), key);

		if (!v)
			continue;
		if (!is_base(&s->file[i]))
			refused = true;
		else if (!is_said)
			allowed = v->boolean;
		is_said |= is_base(&s->file[i]);
	}
	return allowed && !refused;
}

static int read_name(struct layers_stack *s, char **ret)
{
	const struct layers_file *f = &s->file[0];
	const struct json_value *v = json_get(json_root(f->doc), "name");

	if (v)
		for (const char *p = v->string; *p; p++)
			if (*p < ' ' || *p > '~' || p - v->string >= 64)
				return fail(s, f, v, "a name has up to 64 printable ASCII characters");
	*ret = arena_strdup(s->arena, v && *v->string ? v->string : f->name);
	return *ret ? 0 : diag_memory(s->diag);
}

int layers_settings(struct layers_stack *s, size_t base_count, struct policy_loaded *l)
{
	int r = base_count ? read_name(s, &l->name) : 0;

	if (r == 0)
		r = read_env(s, l);
	if (r == 0)
		r = read_limit(s, "processes", 1, &l->limit_processes);
	if (r == 0)
		r = read_limit(s, "open_files", 16, &l->limit_open_files);
	if (r == 0)
		r = read_tracing(s, &l->tracing);
	l->nested = read_flag(s, "nested");
	l->package_manager = read_flag(s, "package_manager");
	return r;
}
