/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/plan_opens.c - Outside the served trees: must opens that may change something be trapped?
 *
 * They cost several times as much then, so only where something is granted,
 * redirected or to be recorded that mounts and Landlock know nothing of.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/diag.h"
#include "policy/plan_walk.h"

#define BIT(op)		POLICY_OP_BIT(POLICY_OP_##op)
#define OPENING		(BIT(WRITE) | BIT(CREATE) | BIT(TRUNCATE))
#define HANDED_IN	(BIT(WRITE) | BIT(TRUNCATE))

/*
 * A descriptor on the host's mounts lets the owner of the file change its mode
 * too, so a file of one's own is served instead; and only all of writing can be
 * given.
 */
static bool is_file_to_hand_in(uint64_t added, const struct stat *found)
{
	return added == HANDED_IN && found && S_ISREG(found->st_mode) && geteuid() != 0 &&
	       found->st_uid != geteuid();
}

bool plan_is_handed_in(const struct plan_own *own, const struct plan_own *other, const struct stat *found)
{
	uint64_t added = (own->strict | own->loose) & ~other->strict;
	uint64_t removed = other->strict & ~(own->strict & own->loose);

	if (own->hides || removed || (own->redirected & ~OPENING) || (found && S_ISDIR(found->st_mode)))
		return false;
	return added ? is_file_to_hand_in(added, found) : own->redirected != 0;
}

/* Faces that names matched by this line may have: bits of enum plan_face */
static unsigned int faces_of(const struct walk *w, const struct plan_line *l)
{
	const struct plan_entry *e = plan_find(w->plan, l->literal);
	unsigned int mask = 1u << (e ? e->face : PLAN_ABSENT);

	for (size_t i = 0; *l->rest && i < w->plan->entry_count; i++)
		if (plan_is_beneath(w->plan->entry[i].path, l->literal))
			mask |= 1u << w->plan->entry[i].face;
	return mask;
}

static bool is_made_by_cage(const struct walk *w, const char *path)
{
	static const char *const places[] = { "/tmp", "/dev", "/proc", "/sys", "/run" };
	const struct plan_entry *e = plan_find(w->plan, path);

	if (e && strcmp(e->path, "/") != 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (strcmp(path, places[i]) == 0 || plan_is_beneath(path, places[i]))
			return true;
	return false;
}

/* In served trees a name has one file: it is redirected altogether, and for everybody */
static int check_served_redirect(const struct walk *w, const struct plan_line *l)
{
	if ((l->anchor->ops & POLICY_OPS_REDIRECT) != POLICY_OPS_REDIRECT)
		return diag_at(w->diag, 0, 0, "rule %s: names beneath %s are served, and there a redirect is of \"read\", "
			       "\"write\", \"create\" and \"truncate\" together", diag_quote(l->anchor->rule).s,
			       diag_quote(l->literal).s);
	if (l->anchor->by)
		return diag_at(w->diag, 0, 0, "rule %s: names beneath %s are served, and there a redirect is for every "
			       "program", diag_quote(l->anchor->rule).s, diag_quote(l->literal).s);
	w->plan->redirects_served = true;
	return 0;
}

static int check_redirect(const struct walk *w, const struct plan_line *l)
{
	unsigned int faces = faces_of(w, l);

	if ((faces & 1u << PLAN_WRITABLE) || is_made_by_cage(w, l->literal))
		return diag_at(w->diag, 0, 0, "rule %s: the cage writes %s without asking, so nothing there can be "
			       "redirected", diag_quote(l->anchor->rule).s, diag_quote(l->literal).s);
	if (faces & 1u << PLAN_SERVED)
		return check_served_redirect(w, l);
	if (l->anchor->ops & POLICY_OP_BIT(POLICY_OP_READ))	/* nothing has it served: so nobody would do it */
		return diag_at(w->diag, 0, 0, "rule %s: reading %s cannot be redirected here", diag_quote(l->anchor->rule).s,
			       diag_quote(l->literal).s);
	w->plan->traps_opens = true;
	return 0;
}

/* Does it grant the writing of a name that is bound read-only? */
static bool grants_beyond_view(const struct walk *w, const struct plan_line *l)
{
	const struct plan_entry *e = plan_find(w->plan, l->literal);
	struct policy_state st;

	if (l->anchor->verdict != POLICY_ALLOW || *l->rest || !e || e->face != PLAN_READONLY)
		return false;
	policy_state_path(&w->l->policy, policy_str(l->literal), &st);
	return plan_own(w, &st).loose & BIT(WRITE);
}

int plan_opens(struct walk *w)
{
	struct plan *p = w->plan;

	for (size_t i = 0; i < w->line_count; i++) {
		const struct plan_line *l = &w->line[i];
		const struct policy_anchor *a = l->anchor;
		int r;

		if (!(a->ops & OPENING) && a->verdict != POLICY_REDIRECT)
			continue;
		if (a->verdict == POLICY_REDIRECT) {
			r = check_redirect(w, l);
			if (r < 0)
				return r;
		}
		if (grants_beyond_view(w, l))
			p->traps_opens = true;
		if ((a->flags & POLICY_F_AUDIT) && (faces_of(w, l) & ~(1u << PLAN_SERVED)))
			p->traps_opens = true;
	}
	return 0;
}
