/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/env.c - The command's environment by the rules
 */
#include <stdlib.h>
#include <string.h>

#include "policy/load.h"

/** struct rules - Those of the session's start, or those alone that are for every exec; who keeps, keeps always */
struct rules {
	const struct policy_loaded *l;
	bool each;
};

static bool counts(const struct rules *u, size_t i)
{
	return !u->each || u->l->env[i].each || u->l->env[i].kind == POLICY_ENV_KEEP;
}

static bool matches(const struct rules *u, enum policy_env_kind kind, struct policy_str name)
{
	for (size_t i = 0; i < u->l->env_count; i++)
		if (u->l->env[i].kind == kind && counts(u, i) && policy_pattern_match(u->l->env[i].name, name))
			return true;
	return false;
}

static bool is_kept(const struct rules *u, struct policy_str name)
{
	if (matches(u, POLICY_ENV_STRIP, name))
		return false;
	return matches(u, POLICY_ENV_KEEP, name) || !matches(u, POLICY_ENV_REMOVE, name);
}

static char *join(const char *name, const char *value)
{
	size_t name_len = strlen(name), value_size = strlen(value) + 1;
	char *s = malloc(name_len + 1 + value_size);

	if (!s)
		return NULL;
	memcpy(s, name, name_len);
	s[name_len] = '=';
	memcpy(s + name_len + 1, value, value_size);
	return s;
}

/* Replace or append; takes @entry over. @envp has room. */
static void put(char **envp, size_t *count, char *entry)
{
	size_t len = (size_t)(strchr(entry, '=') - entry) + 1;

	for (size_t i = 0; i < *count; i++) {
		if (strncmp(envp[i], entry, len) == 0) {
			free(envp[i]);
			envp[i] = entry;
			return;
		}
	}
	envp[(*count)++] = entry;
}

static bool apply_set(const struct rules *u, char **envp, size_t *count)
{
	for (size_t i = 0; i < u->l->env_count; i++) {
		const struct policy_env_rule *r = &u->l->env[i];
		char *entry;

		if (r->kind != POLICY_ENV_SET || !counts(u, i) || matches(u, POLICY_ENV_STRIP, policy_str(r->name)))
			continue;
		entry = join(r->name, r->value);
		if (!entry)
			return false;
		put(envp, count, entry);
	}
	return true;
}

static char **apply(const struct rules *u, char *const *environ)
{
	size_t size = u->l->env_count + 1, count = 0;
	char **envp;

	for (char *const *e = environ; *e; e++)
		size++;
	envp = calloc(size, sizeof(*envp));
	if (!envp)
		return NULL;
	for (char *const *e = environ; *e; e++) {
		const char *equals = strchr(*e, '=');
		struct policy_str name = { *e, equals ? (uint32_t)(equals - *e) : 0 };

		/* Text without '=' is no variable: nothing could have judged it. Programs that put it there may keep it */
		if (equals ? !is_kept(u, name) : !u->each)
			continue;
		envp[count] = strdup(*e);
		if (!envp[count++])
			goto fail;
	}
	if (apply_set(u, envp, &count))
		return envp;
fail:
	policy_env_free(envp);
	return NULL;
}

char **policy_env_apply(const struct policy_loaded *l, char *const *environ)
{
	return apply(&(struct rules){ .l = l }, environ);
}

char **policy_env_each(const struct policy_loaded *l, char *const *environ)
{
	return apply(&(struct rules){ .l = l, .each = true }, environ);
}

void policy_env_free(char **envp)
{
	for (char **e = envp; e && *e; e++)
		free(*e);
	free(envp);
}
