/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/plan_lines.c - The text of the files rules, as the plan looks at it
 *
 * The automata say what is decided; only the text says which names a directory
 * that is not uniform is told apart by.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "policy/diag.h"
#include "policy/expand.h"
#include "policy/pattern.h"
#include "policy/plan_walk.h"

/* Does any component of @rest tell names apart? */
static bool tells_names(const char *rest)
{
	while (*rest) {
		const char *end = strchrnul(rest, '/');
		size_t len = (size_t)(end - rest);

		if (len != strspn(rest, "*"))
			return true;
		rest = *end ? end + 1 : end;
	}
	return false;
}

struct adder {
	struct walk *w;
	const struct policy_anchor *anchor;
};

static int add_line(void *context, const char *plain)
{
	struct adder *a = context;
	struct arena *arena = a->w->arena;
	struct plan_line *grown = arena_grow(arena, a->w->line, a->w->line_count, sizeof(*grown));
	struct plan_line *line;
	char literal[PATH_MAX];
	const char *rest;

	if (!grown)
		return -ENOMEM;
	a->w->line = grown;
	if (expand_literal(plain, literal, sizeof(literal), &rest) < 0)
		return 0;			/* longer than any path */
	line = &grown[a->w->line_count];
	line->literal = arena_strdup(arena, literal);
	line->rest = arena_strdup(arena, rest);
	line->anchor = a->anchor;
	if (!line->literal || !line->rest)
		return -ENOMEM;
	line->tells_names = tells_names(rest);
	a->w->line_count++;
	return 0;
}

/* What the cage makes itself cannot be told apart, and gives no more than it has */
static int check_fixed(const struct walk *w, const struct plan_line *line)
{
	static const char *const fixed[] = { "/proc", "/sys", "/dev" };
	static const char *const devices[] = {
		"null", "zero", "full", "random", "urandom", "tty", "pts", "ptmx", "shm", "fd",
		"stdin", "stdout", "stderr", "console",
	};
	const char *name = line->literal + strlen("/dev/");
	bool is_device = plan_is_beneath(line->literal, "/dev");
	bool is_allow = line->anchor->verdict == POLICY_ALLOW;

	if (line->literal[1] != 'p' && line->literal[1] != 's' && line->literal[1] != 'd')
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(devices) && is_device; i++)
		if (strcmp(name, devices[i]) == 0 || plan_is_beneath(line->literal, "/dev/shm"))
			is_device = false;
	if (is_device && is_allow)
		return diag_at(w->diag, 0, 0, "rule %s: devices such as %s cannot be granted yet",
			       diag_quote(line->anchor->rule).s, diag_quote(line->literal).s);
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
		if (!plan_is_beneath(line->literal, fixed[i]) || plan_is_beneath(line->literal, "/dev/shm") ||
		    strcmp(line->literal, "/dev/shm") == 0)
			continue;
		if (!is_allow && !(line->anchor->flags & POLICY_RULE_DEFAULT))
			return diag_at(w->diag, 0, 0,
				       "rule %s: the cage makes %s itself; names in it cannot be refused",
				       diag_quote(line->anchor->rule).s, fixed[i]);
		if (line->anchor->ops & POLICY_OPS_MODIFY && strcmp(fixed[i], "/dev") != 0)
			return diag_at(w->diag, 0, 0,
				       "rule %s: the cage makes %s itself; writing there cannot be granted",
				       diag_quote(line->anchor->rule).s, fixed[i]);
	}
	return 0;
}

int plan_lines(struct walk *w)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->l->anchor_count; i++) {
		struct adder a = { w, &w->l->anchor[i] };
		const char *why;

		r = pattern_each(a.anchor->pattern, PATTERN_PATH, add_line, &a, &why);
	}
	for (size_t i = 0; r == 0 && i < w->line_count; i++)
		r = check_fixed(w, &w->line[i]);
	return r;
}

bool plan_is_beneath(const char *path, const char *dir)
{
	if (dir[0] == '/' && dir[1] == '\0')
		return path[1] != '\0';
	/* asked ten thousand times, and most differ in their first bytes */
	for (; *dir != '\0'; dir++, path++)
		if (*path != *dir)
			return false;
	return *path == '/';
}

/* A redirect of writing changes nothing of what is seen */
static bool is_doormans(const struct plan_line *l)
{
	return l->anchor->verdict == POLICY_REDIRECT && !(l->anchor->ops & PLAN_LOOK);
}

bool plan_tells_names(const struct walk *w, const char *dir, bool is_readonly)
{
	for (size_t i = 0; i < w->line_count; i++) {
		const struct plan_line *l = &w->line[i];

		if (is_readonly && is_doormans(l))
			continue;
		if (l->tells_names && (strcmp(dir, l->literal) == 0 || plan_is_beneath(dir, l->literal)))
			return true;
	}
	return false;
}

/* The name in @dir through which @path leads, added once */
static int add_child(const struct walk *w, const char *dir, const char *path, const char ***list,
		     size_t *count)
{
	const char *name = path + (strlen(dir) == 1 ? 1 : strlen(dir) + 1);
	size_t len = (size_t)(strchrnul(name, '/') - name);
	const char **grown;

	for (size_t i = 0; i < *count; i++)
		if (strncmp((*list)[i], name, len) == 0 && (*list)[i][len] == '\0')
			return 0;
	grown = arena_grow(w->arena, *list, *count, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	*list = grown;
	grown[*count] = arena_strndup(w->arena, name, len);
	return grown[(*count)++] ? 0 : -ENOMEM;
}

int plan_children(const struct walk *w, const char *dir, const char ***ret, size_t *ret_count)
{
	const char **list = NULL;
	size_t count = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->line_count; i++)
		if (plan_is_beneath(w->line[i].literal, dir))
			r = add_child(w, dir, w->line[i].literal, &list, &count);
	for (size_t i = 0; r == 0 && i < w->served_count; i++)
		if (plan_is_beneath(w->served[i], dir))
			r = add_child(w, dir, w->served[i], &list, &count);
	*ret = list;
	*ret_count = count;
	return r;
}

static int weight(const struct policy_anchor *a)
{
	bool is_own = strncmp(a->rule, "agentsh-", strlen("agentsh-")) == 0;

	return (is_own ? 0 : 2) + (a->verdict == POLICY_ALLOW ? 0 : 1);
}

const char *plan_why(const struct walk *w, const char *dir, const char *fallback)
{
	const struct policy_anchor *best = NULL;

	/* A rule that restricts explains more than one that allows, one of the policy's own files
	 * more than those that keep agentsh's out of reach */
	for (size_t i = 0; i < w->line_count; i++) {
		const struct plan_line *l = &w->line[i];

		if (strcmp(l->literal, dir) != 0 && !plan_is_beneath(l->literal, dir))
			continue;
		if (!best || weight(l->anchor) > weight(best))
			best = l->anchor;
	}
	return best ? best->rule : fallback;
}

const char *plan_join(struct walk *w, const char *dir, const char *name)
{
	return arena_printf(w->arena, "%s/%s", strcmp(dir, "/") == 0 ? "" : dir, name);
}
