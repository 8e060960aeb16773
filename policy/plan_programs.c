/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/plan_programs.c - What is served whatever the files rules say
 *
 * Workspace and home; and, where tracing is allowed, the folders of denied
 * programs: the exec of a traced task is only judged beforehand (DESIGN 6), so
 * fusefs has to refuse it again when the kernel opens the program.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "policy/diag.h"
#include "policy/expand.h"
#include "policy/plan_walk.h"

/* Names of programs: each costs a look into all folders of PATH, and a repository may list thousands */
#define LOOKED_UP_MAX 256

static int add_served(struct walk *w, const char *path, const char *why)
{
	const char **paths, **whys;

	for (size_t i = 0; i < w->served_count; i++)
		if (strcmp(w->served[i], path) == 0)
			return 0;
	paths = arena_grow(w->arena, w->served, w->served_count, sizeof(*paths));
	whys = arena_grow(w->arena, w->served_why, w->served_count, sizeof(*whys));
	if (!paths || !whys)
		return -ENOMEM;
	w->served = paths;
	w->served_why = whys;
	w->served[w->served_count] = arena_strdup(w->arena, path);
	w->served_why[w->served_count] = why;
	return w->served[w->served_count++] ? 0 : -ENOMEM;
}

static int serve_program_folder(struct walk *w, const char *path, const char *rule)
{
	char real[PATH_MAX], *slash;

	if (!realpath(path, real))
		return 0;
	slash = strrchr(real, '/');
	if (slash == real)
		return 0;
	*slash = '\0';
	return add_served(w, real, arena_printf(w->arena, "holds a program that rule %s denies", rule));
}

/* Programs of one folder by a pattern for their names */
static int serve_matching(struct walk *w, const char *dir, const struct policy_command *c)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	int r = 0;

	while (d && r == 0 && (e = readdir(d))) {
		const char *path;

		if (!policy_pattern_match(c->pattern, policy_str(e->d_name)))
			continue;
		path = plan_join(w, dir, e->d_name);
		r = path ? serve_program_folder(w, path, c->rule) : -ENOMEM;
	}
	if (d)
		(void)closedir(d);	/* read only */
	return r;
}

/* A program by its path; with wildcards, what stands before the first of them */
static int serve_program_path(struct walk *w, const struct policy_command *c)
{
	char literal[PATH_MAX], real[PATH_MAX];
	const char *rest;
	struct stat sb;

	if (expand_literal(c->pattern, literal, sizeof(literal), &rest) < 0)
		return 0;			/* longer than any path */
	if (!*rest)
		return serve_program_folder(w, literal, c->rule);
	if (!realpath(literal, real) || stat(real, &sb) < 0 || !S_ISDIR(sb.st_mode))
		return 0;
	if (strcmp(real, "/") == 0)
		return diag_at(w->diag, 0, 0, "rule %s denies programs anywhere, which holds for no task "
			       "that is traced; name their folders, or set tracing to refuse",
			       diag_quote(c->rule).s);
	return add_served(w, real, arena_printf(w->arena, "holds programs that rule %s denies", c->rule));
}

/* Whatever it holds; @c is not asked for */
static int serve_unlooked(struct walk *w, const char *dir, const struct policy_command *c)
{
	char real[PATH_MAX];

	(void)c;
	return realpath(dir, real) ? add_served(w, real, "may hold programs that rules deny") : 0;
}

/* Every folder in which a program is looked for by its name */
static int each_folder(struct walk *w, const struct policy_command *c,
		       int (*serve)(struct walk *w, const char *dir, const struct policy_command *c))
{
	static const char standard[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	const char *const lists[] = { w->l->search_path ? w->l->search_path : "", standard };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		for (const char *p = lists[i]; r == 0 && *p;) {
			size_t len = strcspn(p, ":");
			char *dir = arena_strndup(w->arena, p, len);

			if (!dir)
				return -ENOMEM;
			if (dir[0] == '/')
				r = serve(w, dir, c);
			p += len + (p[len] == ':');
		}
	}
	return r;
}

static int serve_programs(struct walk *w)
{
	bool is_many = w->l->command_count > LOOKED_UP_MAX;
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->l->command_count; i++) {
		const struct policy_command *c = &w->l->command[i];

		if (strchr(c->pattern, '/'))
			r = serve_program_path(w, c);
		else if (!is_many)
			r = each_folder(w, c, serve_matching);
	}
	return r == 0 && is_many ? each_folder(w, NULL, serve_unlooked) : r;
}

int plan_find_served(struct walk *w)
{
	int r = add_served(w, w->l->workspace, "the workspace");

	if (r == 0)
		r = add_served(w, w->l->home, "the home");
	return r == 0 && w->l->tracing ? serve_programs(w) : r;
}
