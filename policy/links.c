/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/links.c - Files of the home that a dotfile manager keeps elsewhere
 *
 * DOC: Theory of Operation
 *
 * ~/.gitconfig may be a link to ~/dotfiles/gitconfig. A rule that lets the name
 * be read means the file, but the kernel asks for the target, which no rule
 * mentions. So once the policy is compiled, the links that stand in a few folders
 * of the home are looked at, and what they lead to may be read as they may:
 *
 *  - only what stands in the home and no rule at all speaks of: a denied target
 *    stays denied, and the rules stand behind the last one that denies;
 *  - only for looking, never for changing;
 *  - only through links that nobody in a cage can have made: at each of them
 *    making, replacing and removing is refused, and so is moving away or removing
 *    the folders above. Else a session could plant a link for the next one. That
 *    next one may have more refused: by "readonly", which extends "developer", or
 *    by a project's file. So each file of the base is asked alone as well.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/diag.h"
#include "policy/layers.h"

#define LINKS_MAX	64		/* rules of this kind */
#define HOPS_MAX	8		/* links that lead to each other */

#define BIT(op)		POLICY_OP_BIT(POLICY_OP_##op)
#define LOOK		(BIT(LIST) | BIT(STAT) | BIT(READ) | BIT(EXEC))
#define PLANTING	(BIT(SYMLINK) | BIT(CREATE) | BIT(LINK) | BIT(RENAME) | BIT(DELETE) | BIT(WRITE))
#define MOVING		(BIT(RENAME) | BIT(DELETE) | BIT(RMDIR))

#define STOOD		(POLICY_RULE_STOOD_SELF | POLICY_RULE_STOOD_FOLDER)

static bool is_beneath(const char *path, const char *dir)
{
	size_t n = strlen(dir);

	return strncmp(path, dir, n) == 0 && path[n] == '/';
}

/* Those of @ops that are allowed; for what was there at the start, or for what the session made itself */
static uint64_t allowed_ops(const struct policy *p, const char *path, uint64_t ops, uint32_t traits)
{
	struct policy_request req = {
		.traits = traits,
		.object = { .kind = POLICY_OBJECT_PATH, .path = policy_str(path) },
	};
	uint64_t ret = 0;

	for (unsigned int op = 0; op < POLICY_OP_COUNT; op++) {
		struct policy_decision d;

		if (!(ops & POLICY_OP_BIT(op)))
			continue;
		req.op = (enum policy_op)op;
		policy_eval(p, &req, &d);
		if (d.verdict == POLICY_ALLOW)
			ret |= POLICY_OP_BIT(op);
	}
	return ret;
}

static bool has_pattern(const struct policy_rule *rule, const char *path)
{
	for (size_t i = 0; i < rule->path_count; i++)
		if (policy_pattern_match(rule->path[i], policy_str(path)))
			return true;
	return false;
}

/* Would the rules of file @source let somebody do one of @ops, if there were no others? */
static bool lets(const struct layers_stack *s, uint32_t source, const char *path, uint64_t ops)
{
	for (size_t i = 0; ops && i < s->base.count; i++) {
		const struct policy_rule *rule = &s->base.rule[i];

		if (rule->source != source || !(rule->ops & ops) || !has_pattern(rule, path))
			continue;
		if (rule->verdict == POLICY_ALLOW && !(rule->flags & POLICY_RULE_DEFAULT))
			return true;
		if (!rule->by_count && !(rule->flags & STOOD))
			ops &= ~rule->ops;
	}
	return false;
}

static bool is_out_of_reach(const struct layers_stack *s, const struct policy *p, const char *path, uint64_t ops)
{
	if (allowed_ops(p, path, ops, 0) || allowed_ops(p, path, ops, POLICY_T_UNKNOWN))
		return false;
	for (uint32_t source = 0; source < s->file_count; source++)
		if (lets(s, source, path, ops))
			return false;
	return true;
}

/* Can no session under this policy, nor under one that it extends, have put the link there? */
static bool is_pinned(const struct layers_stack *s, const struct policy *p, const char *link)
{
	char above[PATH_MAX];
	char *slash;

	if (!is_out_of_reach(s, p, link, PLANTING))
		return false;
	(void)snprintf(above, sizeof(above), "%s", link);	/* is a path */
	while ((slash = strrchr(above, '/')) && slash > above) {
		*slash = '\0';
		if (!is_out_of_reach(s, p, above, MOVING))
			return false;
	}
	return true;
}

/* One link after the other, each at a place of its own; the folders in between have none */
static bool follow(const struct layers_stack *s, const struct policy *p, const char *link, char target[PATH_MAX])
{
	char at[PATH_MAX], text[PATH_MAX], folder[PATH_MAX];
	struct stat st;

	(void)snprintf(at, sizeof(at), "%s", link);	/* is a path */
	for (int hop = 0; hop < HOPS_MAX; hop++) {
		ssize_t n = readlink(at, text, sizeof(text) - 1);
		char *slash;

		if (n <= 0 || !is_pinned(s, p, at))
			return false;
		text[n] = '\0';
		(void)snprintf(folder, sizeof(folder), "%s", at);	/* as above */
		slash = strrchr(folder, '/');
		*slash = '\0';
		if (policy_path_join(at, sizeof(at), policy_str(folder), policy_str(text)) < 0 ||
		    lstat(at, &st) < 0)
			return false;
		if (S_ISLNK(st.st_mode))
			continue;
		/* nothing else on the way was a link, or ".." would have led elsewhere */
		return realpath(at, target) && strcmp(at, target) == 0;
	}
	return false;
}

/* The home's, and spoken of by no rule */
static bool is_to_be_read(const struct layers_stack *s, const struct policy *p, const char *target)
{
	struct policy_request req = {
		.op = POLICY_OP_READ,
		.traits = POLICY_T_UNKNOWN,
		.object = { .kind = POLICY_OBJECT_PATH, .path = policy_str(target) },
	};
	struct policy_decision d;

	if (!is_beneath(target, s->vars->home) || strcmp(target, s->vars->workspace) == 0 ||
	    is_beneath(s->vars->workspace, target))
		return false;
	policy_eval(p, &req, &d);
	return d.verdict == POLICY_DENY && d.rule_id == POLICY_RULE_NONE;
}

/* All names in the folder may be looked at as the folder may */
static bool is_uniform(const struct policy *p, const char *folder, uint64_t ops)
{
	struct policy_state st;
	struct policy_beneath b;

	policy_state_path(p, policy_str(folder), &st);
	policy_state_beneath(p, &st, &b);
	return !(ops & ~b.may_allow) && !(ops & b.may_refuse) && !b.hides;
}

static int add(struct layers_stack *s, const char *target, uint64_t ops, bool is_folder)
{
	struct policy_rule rule = {
		.id = arena_printf(s->arena, "link-%zu", s->link.count + 1),
		.section = POLICY_SECTION_FILES,
		.ops = ops,
		.verdict = POLICY_ALLOW,
	};
	const char **path = arena_alloc(s->arena, 2 * sizeof(*path));

	if (!path || !rule.id)
		return diag_memory(s->diag);
	path[0] = expand_quote(s->arena, target);
	path[1] = path[0] ? arena_printf(s->arena, "%s/**", path[0]) : NULL;
	if (!path[1])
		return diag_memory(s->diag);
	rule.path = path;
	rule.path_count = is_folder ? 2 : 1;
	return rules_append(&s->link, s->arena, &rule) < 0 ? diag_memory(s->diag) : 0;
}

static int look_at(struct layers_stack *s, const struct policy *p, const char *link)
{
	uint64_t ops = allowed_ops(p, link, LOOK, POLICY_T_UNKNOWN);
	char target[PATH_MAX];
	struct stat st;

	if (!(ops & BIT(READ)) || s->link.count == LINKS_MAX || !follow(s, p, link, target) ||
	    !is_to_be_read(s, p, target) || lstat(target, &st) < 0)
		return 0;
	if (S_ISREG(st.st_mode))
		return add(s, target, ops, false);
	if (S_ISDIR(st.st_mode) && is_uniform(p, link, ops))
		return add(s, target, ops, true);
	return 0;
}

static int look_in(struct layers_stack *s, const struct policy *p, const char *folder)
{
	DIR *d = opendir(folder);
	const struct dirent *e;
	int r = 0;

	while (d && r == 0 && (e = readdir(d))) {
		char link[PATH_MAX];

		if (e->d_type != DT_LNK && e->d_type != DT_UNKNOWN)
			continue;		/* what is no link is told apart by readlink() */
		if (snprintf(link, sizeof(link), "%s/%s", folder, e->d_name) < (int)sizeof(link))
			r = look_at(s, p, link);
	}
	if (d)
		(void)closedir(d);	/* read only */
	return r;
}

int links_find(struct layers_stack *s, const struct policy *p)
{
	static const char *const folders[] = { "", "/.config", "/.local", "/.local/share" };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(folders); i++) {
		char folder[PATH_MAX], real[PATH_MAX];

		if (snprintf(folder, sizeof(folder), "%s%s", s->vars->home, folders[i]) >= (int)sizeof(folder))
			continue;
		if (realpath(folder, real) && strcmp(folder, real) == 0)
			r = look_in(s, p, folder);
	}
	return r;
}
