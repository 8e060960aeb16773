/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/command_line.c - Settings that the session's own command line gives
 *
 * A client that takes the address of its service as "-c key=value" says there
 * what another one says in a variable. Whoever starts agentsh wrote both. Only
 * words that stand behind an option of their own count: a prompt, which may be
 * somebody else's text, is never looked at.
 */
#include <errno.h>
#include <string.h>

#include "policy/diag.h"
#include "policy/expand.h"

#define PREFIX		"${COMMAND:"
#define KEY_SIZE	32
#define VALUES_MAX	16

struct values {
	const char *list[VALUES_MAX];
	size_t count;
};

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* What stands behind the '=': in quotes, or up to what ends a bare value */
static int take_value(struct values *v, struct arena *a, const char *p)
{
	const char *end;

	p += strspn(p, " \t");
	if (*p == '"' || *p == '\'') {
		end = strchrnul(p + 1, *p);
		if (!*end)
			return 0;
		p++;
	} else {
		end = p + strcspn(p, ",}] \t\n");
	}
	if (end == p || v->count == VALUES_MAX || memchr(p, '\\', (size_t)(end - p)))
		return 0;			/* empty or escaped: nothing to go by */
	v->list[v->count] = arena_strndup(a, p, (size_t)(end - p));
	return v->list[v->count++] ? 0 : -ENOMEM;
}

/* Every "key = value" of one setting */
static int take_setting(struct values *v, struct arena *a, const char *text, const char *key)
{
	size_t len = strlen(key);
	int r = 0;

	for (const char *p = strstr(text, key); r == 0 && p; p = strstr(p + 1, key)) {
		const char *after = p + len + strspn(p + len, " \t");

		if ((p == text || !is_word(p[-1])) && *after == '=')
			r = take_value(v, a, after + 1);
	}
	return r;
}

static int find_values(struct values *v, const struct expand *e, const char *key)
{
	char *const *word = e->vars->command;
	int r = 0;

	for (; r == 0 && word && *word && strcmp(*word, "--") != 0; word++)
		if ((strcmp(*word, "-c") == 0 || strcmp(*word, "--config") == 0) && word[1])
			r = take_setting(v, e->arena, *++word, key);
	return r;
}

int expand_command(const struct expand *e, const struct json_value *at, const char *const **ret,
		   size_t *ret_count, bool *ret_is)
{
	size_t prefix = strlen(PREFIX), len = strlen(at->string);
	struct values v = { .count = 0 };
	const char **list;
	char key[KEY_SIZE];

	*ret_is = strncmp(at->string, PREFIX, prefix) == 0;
	if (!*ret_is)
		return 0;
	if (len < prefix + 2 || at->string[len - 1] != '}' || len - prefix > sizeof(key))
		goto bad;
	memcpy(key, at->string + prefix, len - prefix - 1);
	key[len - prefix - 1] = '\0';
	for (const char *p = key; *p; p++)
		if (!is_word(*p))
			goto bad;
	list = arena_alloc(e->arena, sizeof(v.list));
	if (!list || find_values(&v, e, key) < 0)
		return diag_memory(e->diag);
	memcpy(list, v.list, sizeof(v.list));
	*ret = list;
	*ret_count = v.count;
	return 0;
bad:
	return diag_at(e->diag, at->line, at->column, "a setting of the command line is written %sKEY}",
		       PREFIX);
}
