/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/redirect.c - Another program for an exec: which, with which argv, and whether it may run
 */
#include "notifyd/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The words of the rule, the caller's arguments where it says so */
static int make_argv(struct policy_str words, const struct argv_copy *args, struct argv_copy *ret)
{
	int r = 0;

	for (uint32_t at = 0; r == 0 && at < words.len; at += (uint32_t)strlen(words.s + at) + 1) {
		const char *word = words.s + at;

		if (at == 0 || strcmp(word, POLICY_TARGET_ARGS) != 0) {
			r = argv_append(ret, word, strlen(word));
			continue;
		}
		for (uint32_t i = 1; r == 0 && i < args->argc; i++)
			r = argv_append(ret, args->v[i], strlen(args->v[i]));
	}
	return r < 0 ? r : argv_finish(ret);
}

static int resolve(const struct call *c, struct exec *n)
{
	struct pin_request q = { .dirfd = AT_FDCWD, .path = n->asked };
	int r = pins_exec(c, &q, &n->rep);

	if (r == 0)
		exec_find_parts(&n->rep, &n->program, &n->loader);
	return r;
}

/* As execvp(3): the first that is there and may be run; else whether one was there */
static int find_program(const struct call *c, const char *name, struct exec *n)
{
	const char *dir = c->n->cfg.search_path;
	bool is_there = false;
	int r;

	if (name[0] == '/') {
		if (snprintf(n->asked, sizeof(n->asked), "%s", name) >= (int)sizeof(n->asked))
			return -ENAMETOOLONG;
		return resolve(c, n);
	}
	for (; dir && *dir; dir += strcspn(dir, ":"), dir += *dir == ':') {
		int len = (int)strcspn(dir, ":");

		if (*dir != '/' || snprintf(n->asked, sizeof(n->asked), "%.*s/%s", len, dir, name) >=
				   (int)sizeof(n->asked))
			continue;
		r = resolve(c, n);
		if (r == 0 || r == -ESRCH || r == -EIO || r == -ENOMEM)
			return r;
		is_there |= r == -EACCES;
	}
	return is_there ? -EACCES : -ENOENT;
}

/* Led no further: a redirect of what a redirect leads to is none */
static int judge_next(const struct call *c, struct exec *n)
{
	int err = exec_judge(c, n, &n->rep, &n->argv, &n->expected);

	if (n->verdict.decision.verdict != POLICY_REDIRECT)
		return err;
	n->verdict.decision.verdict = POLICY_ALLOW;
	n->verdict.decision.target = (struct policy_str){ 0 };
	return 0;
}

static struct exec *next_new(struct exec *e)
{
	struct exec *n = exec_new();

	if (!n)
		return NULL;
	n->by_command = e->by_command;	/* into e->exe, which lives as long */
	n->by_file = e->by_file;
	exec_free(e->next);
	e->next = n;
	return n;
}

int redirect_prepare(const struct call *c, struct exec *e)
{
	struct policy_decision *d = &e->verdict.decision;
	struct exec *n = next_new(e);
	int r = n ? make_argv(d->target, &e->args, &n->argv) : -ENOMEM;

	if (r == 0)
		r = find_program(c, n->argv.v[0], n);
	if (r == -ESRCH)
		return ESRCH;
	if (r < 0) {
		struct policy_str rule = d->rule;

		verdict_refuse(d, "", r == -ENOENT ? "What runs instead of this program is not there." :
			       "What runs instead of this program cannot be run.", r == -E2BIG ? E2BIG : EACCES);
		d->rule = rule;
		return d->err;
	}
	r = judge_next(c, n);
	if (r != 0)
		*d = n->verdict.decision;	/* its strings are the policy's, or static */
	return r;
}

static bool is_same_file(const struct exec *a, const struct exec *b)
{
	return a->rep.object[0].dev == b->rep.object[0].dev && a->rep.object[0].ino == b->rep.object[0].ino;
}

int redirect_to_itself(const struct call *c, struct exec *e)
{
	struct exec *n = next_new(e);
	int r = n ? 0 : -ENOMEM;

	for (uint32_t i = 0; r == 0 && i < e->argv.argc; i++)
		r = argv_append(&n->argv, e->argv.v[i], strlen(e->argv.v[i]));
	if (r == 0)
		r = argv_finish(&n->argv);
	if (r < 0)
		return r;
	(void)snprintf(n->asked, sizeof(n->asked), "%s", e->asked);	/* of one size */
	r = resolve(c, n);
	if (r < 0 || !is_same_file(n, e)) {
		/* by a descriptor, which the first exec has closed: by the file's own name then */
		(void)snprintf(n->asked, sizeof(n->asked), "%s", pins_text(&e->rep, e->rep.object[0].path_off));
		r = resolve(c, n);
	}
	return r == 0 && judge_next(c, n) != 0 ? -EACCES : r;
}
