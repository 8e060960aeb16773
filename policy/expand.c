/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/expand.c - Variables, "~", and the workspace in front of patterns that have no root
 */
#include "policy/expand.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "policy/diag.h"
#include "policy/pattern.h"

#define NAME_SIZE	64		/* of a variable, with its NUL */

/* A text that grows; sticky when it is full */
struct out {
	char s[2 * PATH_MAX];
	size_t len;
	bool overflowed;
};

static void put(struct out *o, const char *s, size_t len)
{
	if (o->len + len >= sizeof(o->s)) {
		o->overflowed = true;
		return;
	}
	memcpy(o->s + o->len, s, len);
	o->len += len;
	o->s[o->len] = '\0';
}

/* Not zeroed: its buffer is large and starts are counted in microseconds */
static void out_init(struct out *o)
{
	o->len = 0;
	o->overflowed = false;
	o->s[0] = '\0';
}

static bool is_special(char c)
{
	return c == '*' || c == '?' || c == '[' || c == '{' || c == '}' || c == '\\';
}

static void put_quoted(struct out *o, const char *s)
{
	for (; *s; s++) {
		if (is_special(*s))
			put(o, "\\", 1);
		put(o, s, 1);
	}
}

char *expand_quote(struct arena *a, const char *path)
{
	struct out o;

	out_init(&o);
	put_quoted(&o, path);
	return o.overflowed ? NULL : arena_strndup(a, o.s, o.len);
}

const char *expand_getenv(const struct policy_vars *vars, const char *name)
{
	size_t len = strlen(name);

	for (char **e = vars->environ; e && *e; e++)
		if (strncmp(*e, name, len) == 0 && (*e)[len] == '=')
			return *e + len + 1;
	return NULL;
}

static const char *lookup(const struct policy_vars *vars, const char *name)
{
	if (strcmp(name, "WORKSPACE") == 0)
		return vars->workspace;
	if (strcmp(name, "HOME") == 0)
		return vars->home;
	if (strcmp(name, "SESSION") == 0)
		return vars->session;
	return expand_getenv(vars, name);
}

static int fail(const struct expand *e, const struct json_value *at, const char *fmt,
		const char *what)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"	/* literals of this file, one %s each */
	return diag_at(e->diag, at->line, at->column, fmt, diag_quote(what).s);
#pragma GCC diagnostic pop
}

/* @p stands after "${": copy the name, return what follows the '}' or NULL */
static const char *variable_name(const char *p, char name[NAME_SIZE])
{
	size_t n = strspn(p, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");

	if (n == 0 || n >= NAME_SIZE || p[n] != '}')
		return NULL;
	memcpy(name, p, n);
	name[n] = '\0';
	return p + n + 1;
}

/* Variables of @text into @o. Unset: an error, or *ret_unset if that is given. */
static int put_expanded(const struct expand *e, const struct json_value *at, const char *text,
			bool quote, struct out *o, bool *ret_unset)
{
	char name[NAME_SIZE];

	for (const char *p = text; *p;) {
		const char *value;

		if (p[0] != '$' || p[1] != '{') {
			put(o, p++, 1);
			continue;
		}
		p = variable_name(p + 2, name);
		if (!p)
			return fail(e, at, "a variable is written ${NAME}, in %s", text);
		value = lookup(e->vars, name);
		if ((!value || !*value) && ret_unset) {
			*ret_unset = true;
			return 0;
		}
		if (!value || !*value)
			return fail(e, at, "the variable %s is not set", name);
		if (quote)
			put_quoted(o, value);
		else
			put(o, value, strlen(value));
	}
	return 0;
}

static int check_components(const struct expand *e, const struct json_value *at, const char *s)
{
	for (const char *p = s; *p;) {
		const char *end = strchrnul(++p, '/');
		size_t len = (size_t)(end - p);

		if (len == 0 && *end == '\0' && p == s + 1)
			return 0;			/* "/" itself */
		if (len == 0)
			return fail(e, at, *end ? "an empty component in %s" :
				    "a pattern does not end with '/'; what is beneath is \"/**\", in %s",
				    s);
		if ((len == 1 && p[0] == '.') || (len == 2 && p[0] == '.' && p[1] == '.'))
			return fail(e, at, "\".\" and \"..\" have no place in a pattern: %s", s);
		p = end;
	}
	return 0;
}

static int check_pattern(const struct expand *e, const struct json_value *at, const char *s)
{
	const char *why = "";
	int r = pattern_check(s, strchr(s, '/') ? PATTERN_PATH : PATTERN_NAME, &why);

	if (r < 0)
		return diag_at(e->diag, at->line, at->column, "%s: %s", diag_quote(s).s, why);
	return 0;
}

static int finish(const struct expand *e, const struct json_value *at, const struct out *o,
		  const char **ret)
{
	if (o->overflowed)
		return fail(e, at, "the pattern %s is too long", at->string);
	*ret = arena_strndup(e->arena, o->s, o->len);
	return *ret ? 0 : diag_memory(e->diag);
}

int expand_path(const struct expand *e, const struct json_value *at, const char **ret)
{
	const char *text = at->string;
	struct out o;
	int r;

	out_init(&o);
	if (!*text)
		return fail(e, at, "the pattern %s is empty", text);
	if (text[0] == '~' && text[1] != '/' && text[1] != '\0')
		return fail(e, at, "another user's home is written as a path, not %s", text);
	if (text[0] == '~') {
		put_quoted(&o, e->vars->home);
		text++;
	}
	r = put_expanded(e, at, text, true, &o, NULL);
	if (r < 0)
		return r;
	if (o.s[0] != '/') {
		struct out absolute;

		out_init(&absolute);
		put_quoted(&absolute, e->vars->workspace);
		put(&absolute, "/**/", 4);
		put(&absolute, o.s, o.len);
		absolute.overflowed |= o.overflowed;
		o.len = absolute.len;
		o.overflowed = absolute.overflowed;
		memcpy(o.s, absolute.s, absolute.len + 1);
	}
	if (!e->is_builtin)
		r = check_components(e, at, o.s);
	if (r == 0)
		r = finish(e, at, &o, ret);
	return r < 0 || e->is_builtin ? r : check_pattern(e, at, *ret);
}

int expand_program(const struct expand *e, const struct json_value *at, const char **ret)
{
	if (strchr(at->string, '/') || at->string[0] == '~' || strstr(at->string, "${"))
		return expand_path(e, at, ret);
	if (!at->string[0])
		return fail(e, at, "the program name %s is empty", at->string);
	*ret = arena_strdup(e->arena, at->string);	/* outlives the text it came from */
	return *ret ? check_pattern(e, at, *ret) : diag_memory(e->diag);
}

int expand_text(const struct expand *e, const struct json_value *at, const char **ret)
{
	struct out o;
	bool is_unset = false;
	int r;

	out_init(&o);
	r = put_expanded(e, at, at->string, false, &o, &is_unset);
	if (r < 0)
		return r;
	if (is_unset) {
		*ret = NULL;
		return 0;
	}
	return finish(e, at, &o, ret);
}

int expand_file(const struct expand *e, const struct json_value *at, const char **ret)
{
	const char *text = at->string;
	struct out o;
	int r;

	out_init(&o);
	if (text[0] == '~' && (text[1] == '/' || text[1] == '\0')) {
		put(&o, e->vars->home, strlen(e->vars->home));
		text++;
	}
	r = put_expanded(e, at, text, false, &o, NULL);
	if (r < 0)
		return r;
	if (o.s[0] != '/' || o.len < 2)
		return fail(e, at, "%s is not the absolute path of a file", at->string);
	if (o.len >= PATH_MAX)
		return fail(e, at, "%s is longer than any path", at->string);
	r = check_components(e, at, o.s);
	return r < 0 ? r : finish(e, at, &o, ret);
}

/* One component of a pattern as the name it stands for; false if it has a wildcard */
static bool unquote(const char *p, size_t len, char *buf, size_t *ret_len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (p[i] == '\\' && i + 1 < len) {
			buf[n++] = p[++i];
		} else if (is_special(p[i])) {
			return false;
		} else {
			buf[n++] = p[i];
		}
	}
	*ret_len = n;
	return true;
}

int expand_literal(const char *pattern, char *buf, size_t size, const char **ret_rest)
{
	const char *p = pattern;
	size_t at = 0;

	while (*p == '/') {
		const char *end = strchrnul(p + 1, '/');
		size_t len = (size_t)(end - p - 1), name_len;

		if (at + 1 + len + 1 > size)
			return -ENAMETOOLONG;
		if (!unquote(p + 1, len, buf + at + 1, &name_len))
			break;
		buf[at] = '/';
		if (name_len)			/* not the "/" that is all of the pattern */
			at += 1 + name_len;
		p = end;
	}
	if (at == 0)
		buf[at++] = '/';
	buf[at] = '\0';
	*ret_rest = *p == '/' ? p + 1 : p;
	return 0;
}
