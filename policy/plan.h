/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/plan.h - Which face each subtree gets, and which mechanism enforces each rule
 *
 * The compiler's second half (DESIGN 5): looks at the real file system and the
 * automata and gives each subtree one of five faces. cage/ builds the view and
 * the Landlock rules from it, fusefs serves what is SERVED, "agentsh policy
 * plan" prints it.
 *
 * /proc, /sys, /dev, /tmp, /run are made by cage/view.c in a fixed way; entries
 * that the plan has beneath them (a workspace below /tmp) are mounted over that.
 */
#ifndef POLICY_PLAN_H
#define POLICY_PLAN_H

#include "policy/load.h"

enum plan_face {
	PLAN_ABSENT = 0,	/* not there */
	PLAN_SKELETON,		/* an empty read-only directory that only holds other entries */
	PLAN_READONLY,		/* bound, read-only, native */
	PLAN_WRITABLE,		/* bound, writable, native */
	PLAN_SERVED,		/* by fusefs, every operation judged */
	PLAN_FACE_COUNT
};

/** struct plan_entry - One mount of the view */
struct plan_entry {
	char *path;		/* absolute, normalised; also the path on the host */
	enum plan_face face;
	bool is_directory;	/* else a symlink at the top level (@link) or a file */
	char *link;		/* target, for top-level symlinks such as /bin; else NULL */
	const char *why;	/* rule id or a few words, for people */
};

/** struct plan - Parents before children. Owned; plan_free(). */
struct plan {
	struct plan_entry *entry;
	size_t entry_count;
	enum plan_face tmp;		/* PLAN_WRITABLE: private /tmp and /dev/shm; READONLY: empty and read-only; ABSENT */
	bool home_is_served, by_files;
	bool redirects_served;		/* some name of the served trees has its file elsewhere */
	bool traps_opens;		/* opens outside the served trees that may change something are the doorman's */
};

/**
 * plan_make() - Compute the plan
 *
 * Return: 0; -EINVAL with @reterr: a rule that no mechanism can enforce here, named
 */
int plan_make(struct plan **ret, const struct policy_loaded *l, struct policy_diag *reterr) POLICY_MUST_USE;
struct plan *plan_free(struct plan *p);		/* NULL ok; returns NULL */
const char *plan_face_name(enum plan_face f);	/* static */

/** plan_face_of() - The entry that a path falls under; NULL if none. Borrowed. */
const struct plan_entry *plan_find(const struct plan *p, const char *path);

/** plan_print() - For "agentsh policy plan": view, rules, mechanisms, cost per call */
int plan_print(const struct plan *p, const struct policy_loaded *l, int fd, bool json) POLICY_MUST_USE;

#endif /* POLICY_PLAN_H */
