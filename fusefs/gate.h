/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/gate.h - A name or a node, and operations: may they? And what is told about it
 */
#ifndef FUSEFS_GATE_H
#define FUSEFS_GATE_H

#include "fusefs/backing.h"

#define GATE_EXE_SIZE 4096

/** struct gate - One request's questions */
struct gate {
	struct fusefs *fs;
	pid_t tid;
	uint64_t start_ns;
	bool exe_known;
	ssize_t exe_len;
	char exe[GATE_EXE_SIZE];	/* filled when a "by" rule matters */
};

/** struct spot - A name in a directory, and what is there */
struct spot {
	struct node *dir;
	const char *name;
	struct policy_state state;
	uint32_t traits;		/* POLICY_T_* */
	bool exists;
	struct seen seen;		/* valid if @exists */
};

/** enum gate_face - How a name that exists looks from inside (DESIGN 16.7) */
enum gate_face {
	GATE_ABSENT = 0,	/* no rule names it */
	GATE_HIDDEN,
	GATE_REFUSED,		/* a rule denies "stat": listed, EACCES */
	GATE_WAY,		/* a directory on the way to something named */
	GATE_SEEN,
};

void gate_begin(struct gate *g, fuse_req_t req);

/** gate_spot() - Look at a name: position, what exists, traits. 0 also if nothing exists; -errno */
int gate_spot(struct gate *g, const struct dirref *d, const char *name, struct spot *ret) MUST_USE;
uint32_t gate_traits(const struct fusefs *fs, const struct node_id *id);

/** gate_is_given() - Does the policy let it be written, whoever asks, whatever has become of it? */
bool gate_is_given(const struct fusefs *fs, const struct node *n, const char *name);

/**
 * gate_may_modes() - Root's cage makes no setuid program; refused and recorded
 * @type: S_IFMT bits; @name: in @n, or NULL
 * Return: 0; -EPERM
 */
int gate_may_modes(struct gate *g, const struct node *n, const char *name, mode_t type, mode_t mode) MUST_USE;

/** gate_face() - @type: S_IFMT bits; @ret: the decision on "stat" */
enum gate_face gate_face(struct gate *g, const struct spot *s, mode_t type, struct policy_decision *ret);

/**
 * gate_may() - Judge a name; a refusal is recorded
 * @ops: POLICY_OP_BIT()s; all must be allowed
 * Return: 0; -errno to answer
 */
int gate_may(struct gate *g, const struct spot *s, uint64_t ops) MUST_USE;
/** gate_may_quietly() - The same, not recorded */
int gate_may_quietly(struct gate *g, const struct spot *s, uint64_t ops, struct policy_decision *ret,
		     enum policy_op *ret_op) MUST_USE;
/** gate_may_node() - The same for a node: under all its names */
int gate_may_node(struct gate *g, struct node *n, uint64_t ops) MUST_USE;
bool gate_may_node_quietly(struct gate *g, struct node *n, uint64_t ops);
/**
 * gate_may_run() - Exec-open of a program: do the commands rules that deny it whatever its arguments let it?
 *
 * The doorman judges every exec with its arguments; but he cannot hold a traced
 * task at its exec stop, so its exec is judged again here (DESIGN 6).
 */
int gate_may_run(struct gate *g, struct node *n) MUST_USE;
/** gate_may_list() - A directory may be listed: by rule, or because something beneath is named */
int gate_may_list(struct gate *g, struct node *dir) MUST_USE;
/** gate_may_mkdir() - "mkdir", or on the way to something that may be made */
int gate_may_mkdir(struct gate *g, const struct spot *s) MUST_USE;

/**
 * gate_may_carry() - May what is at the old position get the new one?
 *
 * The new name may grant nothing that the old one denied (read, write, exec),
 * and may deny no writing that the old one granted. The refusal is recorded
 * for the name whose rule would be got round.
 */
int gate_may_carry(struct gate *g, const struct spot *old, const struct spot *new) MUST_USE;
int gate_may_carry_node(struct gate *g, struct node *n, uint32_t traits, const struct spot *new) MUST_USE;

/** gate_refuse() - Record a refusal. @name may be NULL. Return: -errno to answer */
int gate_refuse(struct gate *g, enum policy_op op, const struct node *n, const char *name,
		const struct policy_decision *d);
/** gate_note() - Record what is allowed, before it is done. 0; -EACCES: cannot be recorded, so not done */
int gate_note(struct gate *g, enum policy_op op, const struct node *n, const char *name, uint32_t flags) MUST_USE;
int gate_note_spot(struct gate *g, enum policy_op op, const struct spot *s) MUST_USE;

/** gate_born() - The object of this spot was made now: remember, tell if a "stood" rule would have minded */
void gate_born(struct gate *g, const struct spot *s, const struct node_id *id);
/** gate_birth() - Only tell */
void gate_birth(struct gate *g, const struct spot *s);

/** gate_is_mount_way() - Is the name a mount point of the view, or on the way to one? */
bool gate_is_mount_way(struct fusefs *fs, const struct node *dir, const char *name);

#endif /* FUSEFS_GATE_H */
