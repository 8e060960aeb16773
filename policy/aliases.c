/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/aliases.c - Patterns that lead through symlinks
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/rules.h"

static bool is_beneath(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	if (strcmp(dir, "/") == 0)
		return true;
	return strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* Could somebody in the cage have made a link in this directory? */
static bool is_within_reach(const char *path, const struct policy_vars *vars)
{
	return is_beneath(path, vars->workspace) || is_beneath(path, vars->home);
}

/* Workspace and home are resolved already: nothing before @path + the result is a link */
static size_t resolved_len(const char *path, const struct policy_vars *vars)
{
	const char *const roots[] = { vars->workspace, vars->home };
	size_t len = 0;

	for (size_t i = 0; i < ARRAY_SIZE(roots); i++)
		if (is_beneath(path, roots[i]) && strlen(roots[i]) > len)
			len = strlen(roots[i]);
	return len;
}

/*
 * Find the first symlink in @path, an existing prefix of which is looked at.
 * Return: offset of what follows the link; 0 if there is none
 */
static size_t first_link(char *path, const struct policy_vars *vars)
{
	char target[1], *p = path + resolved_len(path, vars);

	for (p += *p == '/'; *p;) {
		char *end = strchrnul(p, '/'), saved = *end;
		ssize_t n;

		*end = '\0';
		n = readlink(path, target, sizeof(target));
		*end = saved;
		if (n > 0)
			return (size_t)(end - path);
		if (errno != EINVAL)		/* not there, or not to be looked at */
			return 0;
		p = *end ? end + 1 : end;
	}
	return 0;
}

/* The pattern behind the links of @pattern; NULL in *ret if there is nothing to add */
static int alias_of(const char *pattern, bool restricts, struct arena *a,
		    const struct policy_vars *vars, const char **ret)
{
	char literal[PATH_MAX], real[PATH_MAX];
	const char *rest;
	char *quoted;
	size_t link_len;

	*ret = NULL;
	if (expand_literal(pattern, literal, sizeof(literal), &rest) < 0)
		return 0;			/* no such name can exist */
	link_len = first_link(literal, vars);
	if (link_len == 0)
		return 0;
	/* The last name of a pattern is the object itself: deleting a link is judged by the
	 * link's name. But what is read and written is its target. */
	if (!restricts) {
		char saved = literal[link_len];
		bool within;

		literal[link_len] = '\0';
		within = is_within_reach(literal, vars);
		literal[link_len] = saved;
		if (within)
			return 0;
	}
	/* Names that are not there yet stay behind the part that can be resolved */
	for (size_t len = strlen(literal); len >= link_len; len--) {
		char saved = literal[len];

		if (saved != '\0' && saved != '/')
			continue;
		literal[len] = '\0';
		if (realpath(literal, real)) {
			literal[len] = saved;
			quoted = expand_quote(a, strcmp(real, "/") == 0 ? "" : real);
			if (!quoted)
				return -ENOMEM;
			*ret = arena_printf(a, "%s%s%s%s", quoted, literal + len,
					    *rest ? "/" : "", rest);
			return *ret ? 0 : -ENOMEM;
		}
		literal[len] = saved;
	}
	return 0;				/* a dangling link leads nowhere */
}

int aliases_add(struct policy_rule *rule, struct arena *a, const struct policy_vars *vars)
{
	bool restricts = rule->verdict != POLICY_ALLOW && !(rule->flags & POLICY_RULE_DEFAULT);
	const char **path = arena_alloc(a, 2 * rule->path_count * sizeof(*path));
	size_t count = rule->path_count;

	if (!path)
		return -ENOMEM;
	memcpy(path, rule->path, count * sizeof(*path));
	for (size_t i = 0; i < rule->path_count; i++) {
		const char *alias;
		int r = alias_of(rule->path[i], restricts, a, vars, &alias);

		if (r < 0)
			return r;
		if (alias && *alias)
			path[count++] = alias;
	}
	rule->path = path;
	rule->path_count = count;
	return 0;
}
