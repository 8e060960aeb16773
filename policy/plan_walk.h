/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/plan_walk.h - What the parts of the plan share; private to policy/plan*.c
 */
#ifndef POLICY_PLAN_WALK_H
#define POLICY_PLAN_WALK_H

#include <sys/stat.h>

#include "policy/arena.h"
#include "policy/plan.h"

#define PLAN_LOOK	(POLICY_OP_BIT(POLICY_OP_LIST) | POLICY_OP_BIT(POLICY_OP_STAT) | \
			 POLICY_OP_BIT(POLICY_OP_READ) | POLICY_OP_BIT(POLICY_OP_EXEC))

/** struct plan_line - A files pattern without braces: a literal beginning and a rest with wildcards */
struct plan_line {
	const char *literal;		/* "/" at least; no wildcard, no escapes */
	const char *rest;		/* "" if all of it is literal */
	bool tells_names;		/* the rest has a component that is neither "*" nor "**" */
	const struct policy_anchor *anchor;
};

/** struct plan_own - How one name itself is decided */
struct plan_own {
	uint64_t strict, loose;		/* ops allowed if conditions hold, and if they do not */
	uint64_t redirected;
	bool hides;
};

/** struct walk - One computation of a plan */
struct walk {
	const struct policy_loaded *l;
	struct arena *arena;
	struct plan *plan;
	struct policy_diag *diag;
	struct plan_line *line;
	size_t line_count;
	const char **served;		/* always: workspace, home, folders of denied programs */
	const char **served_why;
	size_t served_count;
	bool is_root;			/* of the machine: no file is closed to us */
	bool serves_writes;		/* root without capabilities in the cage: nothing is bound writable */
};

/* ---- policy/plan_lines.c ---- */
int plan_lines(struct walk *w) MUST_USE;		/* fills line[]; 0; -EINVAL with the diag; -ENOMEM */
bool plan_is_beneath(const char *path, const char *dir);	/* strictly */
/** plan_tells_names() - Does a wildcard tell names in @dir apart? @is_readonly: then what the doorman does by himself is left out */
bool plan_tells_names(const struct walk *w, const char *dir, bool is_readonly);
/** plan_children() - Names in @dir that a literal or a served path leads through. Arena array; -ENOMEM */
int plan_children(const struct walk *w, const char *dir, const char ***ret, size_t *ret_count) MUST_USE;
/** plan_why() - Id of a rule whose pattern starts at or beneath @dir; else @fallback */
const char *plan_why(const struct walk *w, const char *dir, const char *fallback);
const char *plan_join(struct walk *w, const char *dir, const char *name);	/* NULL: memory */

/* ---- policy/plan_faces.c ---- */
/** plan_uniform() - The face of what is strictly beneath; PLAN_FACE_COUNT where names are told apart */
enum plan_face plan_uniform(const struct walk *w, const struct policy_state *st);
struct plan_own plan_own(const struct walk *w, const struct policy_state *st);
bool plan_own_equal(const struct plan_own *a, const struct plan_own *b);
void plan_step(const struct walk *w, const struct policy_state *dir, const char *name,
	       struct policy_state *ret);
/** plan_step_other() - The position of a name that no literal mentions */
void plan_step_other(const struct walk *w, const struct policy_state *dir, struct policy_state *ret);
/** plan_face_fits() - May a name so decided be covered by a mount of that face? */
bool plan_face_fits(enum plan_face face, const struct plan_own *own);

/* ---- policy/plan_opens.c ---- */
/** plan_is_handed_in() - A name among read-only ones that the doorman alone can do justice to */
bool plan_is_handed_in(const struct plan_own *own, const struct plan_own *other, const struct stat *found);
/** plan_opens() - Must opens be trapped? -EINVAL with the diag: a redirect that nobody would do */
int plan_opens(struct walk *w) MUST_USE;

/* ---- policy/plan_programs.c ---- */
int plan_find_served(struct walk *w) MUST_USE;		/* fills served[]; 0; -EINVAL with the diag; -ENOMEM */

/* ---- policy/plan_served.c ---- */
int plan_add(struct walk *w, const char *path, enum plan_face face, const char *why) MUST_USE;
/** plan_serve() - A served tree and the native mounts inside it */
int plan_serve(struct walk *w, const char *path, const char *why) MUST_USE;

#endif /* POLICY_PLAN_WALK_H */
