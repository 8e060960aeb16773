/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/plan_faces.c - From positions in the automata to faces
 */
#include <string.h>

#include "policy/plan_walk.h"

/* No pattern spells this name; wildcards that would match it are asked for apart */
#define OTHER_NAME "\001other name\001"
/* A program that no "by" names */
#define OTHER_PROGRAM "/\001other program\001"

enum plan_face plan_uniform(const struct walk *w, const struct policy_state *st)
{
	struct policy_beneath b;

	policy_state_beneath(&w->l->policy, st, &b);
	if ((b.may_allow & POLICY_OPS_FILES) == 0)
		return PLAN_ABSENT;
	if (b.hides || b.conditional)
		return PLAN_FACE_COUNT;
	/* In a bound tree a lone root could neither touch what belongs to others nor be kept from setuid programs */
	if ((b.may_refuse & POLICY_OPS_FILES) == 0)
		return w->serves_writes ? PLAN_FACE_COUNT : PLAN_WRITABLE;
	if ((b.may_refuse & PLAN_LOOK) == 0 && (b.may_allow & POLICY_OPS_MODIFY) == 0)
		return PLAN_READONLY;
	return PLAN_FACE_COUNT;
}

static uint64_t allowed(const struct walk *w, const struct policy_state *st, uint32_t traits,
			const struct policy_subject *subject, struct plan_own *own)
{
	uint64_t mask = 0;

	for (unsigned int op = 0; op < POLICY_OP_COUNT; op++) {
		struct policy_decision d;

		if (!(POLICY_OPS_FILES & POLICY_OP_BIT(op)))
			continue;
		policy_eval_state(&w->l->policy, st, (enum policy_op)op, traits, subject, &d);
		if (d.verdict == POLICY_ALLOW)
			mask |= POLICY_OP_BIT(op);
		else if (d.flags & POLICY_F_HIDE)
			own->hides = true;
		if (d.verdict == POLICY_REDIRECT)
			own->redirected |= POLICY_OP_BIT(op);
	}
	return mask;
}

struct plan_own plan_own(const struct walk *w, const struct policy_state *st)
{
	static const struct policy_subject unknown = { { NULL, 0 } };
	const struct policy_subject other = { policy_str(OTHER_PROGRAM) };
	struct plan_own own = { 0 };

	own.strict = allowed(w, st, POLICY_T_UNKNOWN, &unknown, &own);
	own.loose = allowed(w, st, 0, &other, &own);
	return own;
}

bool plan_own_equal(const struct plan_own *a, const struct plan_own *b)
{
	return a->strict == b->strict && a->loose == b->loose && a->hides == b->hides &&
	       a->redirected == b->redirected;
}

void plan_step(const struct walk *w, const struct policy_state *dir, const char *name,
	       struct policy_state *ret)
{
	policy_state_step(&w->l->policy, dir, policy_str(name), ret);
}

void plan_step_other(const struct walk *w, const struct policy_state *dir, struct policy_state *ret)
{
	plan_step(w, dir, OTHER_NAME, ret);
}

bool plan_face_fits(enum plan_face face, const struct plan_own *own)
{
	if (own->strict != own->loose || own->hides)
		return false;
	switch (face) {
	case PLAN_ABSENT:
		return own->strict == 0;
	case PLAN_READONLY:
		return own->strict == PLAN_LOOK;
	case PLAN_WRITABLE:
		return own->strict == POLICY_OPS_FILES;
	case PLAN_SKELETON:
	case PLAN_SERVED:
	case PLAN_FACE_COUNT:
		break;
	}
	return false;
}
