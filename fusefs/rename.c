/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/rename.c - Rename: both names, both ways if they are exchanged, and all beneath a directory
 *
 * DOC: Why names stand still
 *
 * A directory's rename is judged for everything beneath it at one moment and
 * done at a later one. The kernel locks the two directories that the names
 * are in, not those further down: a link made there in between would be moved
 * without having been judged. So whatever gives an object a name holds
 * fusefs.names_lock shared, and the rename of a directory holds it alone.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "fusefs/caller.h"
#include "fusefs/guard.h"
#include "fusefs/poke.h"
#include "fusefs/reply.h"
#include "fusefs/subtree.h"

#define BIT(op) POLICY_OP_BIT(POLICY_OP_##op)

/** struct renaming - One request */
struct renaming {
	struct gate g;
	struct dirref from, to;
	struct spot old, new;
	unsigned int flags;
};

static bool is_dir(const struct spot *s)
{
	return s->exists && S_ISDIR(s->seen.st.st_mode);
}

/* Whoever watches the real tree is not to take it for a change from outside */
static void mark(const struct renaming *r)
{
	struct fusefs *fs = r->g.fs;

	poke_own_name(fs, r->from.node, r->old.name);
	poke_own_name(fs, r->to.node, r->new.name);
	if (r->old.exists)
		recent_object(fs->recent, r->old.seen.id.dev, r->old.seen.id.ino);
	if (r->new.exists)
		recent_object(fs->recent, r->new.seen.id.dev, r->new.seen.id.ino);
}

static int look(struct renaming *r, struct node *from, const char *name, struct node *to, const char *new_name)
{
	int err = backing_dir(r->g.fs, from, &r->from);

	if (err == 0)
		err = backing_dir(r->g.fs, to, &r->to);
	if (err == 0)
		err = gate_spot(&r->g, &r->from, name, &r->old);
	if (err == 0)
		err = gate_spot(&r->g, &r->to, new_name, &r->new);
	if (err == 0)
		mark(r);
	return err;
}

/* What is at @old gets the name @new */
static int may_move(struct gate *g, const struct dirref *d, const struct spot *old, const struct spot *new)
{
	int r = gate_may(g, old, BIT(RENAME) | BIT(DELETE));

	if (r == 0)
		r = gate_may(g, new, BIT(RENAME) | BIT(CREATE));
	if (r < 0)
		return r;
	return is_dir(old) ? subtree_may_move(g, d, old, new) : gate_may_carry(g, old, new);
}

static int judge(struct renaming *r)
{
	bool exchange = r->flags & RENAME_EXCHANGE;
	struct policy_decision d;
	int err;

	if (!r->old.exists || (exchange && !r->new.exists))
		return -ENOENT;
	if (r->new.exists && (r->flags & RENAME_NOREPLACE) &&
	    gate_face(&r->g, &r->new, r->new.seen.st.st_mode, &d) >= GATE_WAY)
		return -EEXIST;
	err = may_move(&r->g, &r->from, &r->old, &r->new);
	if (err == 0 && r->new.exists)
		err = gate_may(&r->g, &r->new, BIT(WRITE) | BIT(DELETE));
	if (err == 0 && exchange)
		err = may_move(&r->g, &r->to, &r->new, &r->old);
	if (err == 0 && exchange)
		err = gate_may(&r->g, &r->old, BIT(WRITE) | BIT(DELETE));
	if (err == 0)
		err = gate_note_spot(&r->g, POLICY_OP_RENAME, &r->old);
	return err < 0 ? err : gate_note_spot(&r->g, POLICY_OP_CREATE, &r->new);
}

/*
 * Two names of one file that are decided differently: the kernel sees two
 * files, and will have renamed one to the other. rename(2) would leave both
 * names and the kernel's second one judged as the first; so the first goes.
 */
static bool is_onto_itself(const struct renaming *r)
{
	return r->new.exists && r->old.seen.id.ino == r->new.seen.id.ino &&
	       r->old.seen.id.dev == r->new.seen.id.dev && !(r->flags & RENAME_EXCHANGE);
}

/* A name that was born stays born; what lost its last name is forgotten, its number may come again */
static void remember(struct renaming *r)
{
	struct fusefs *fs = r->g.fs;
	bool exchange = r->flags & RENAME_EXCHANGE;
	bool is_last = r->new.exists && !exchange && (is_dir(&r->new) || r->new.seen.st.st_nlink <= 1);
	struct nodes_move m = {
		.old_dir = r->from.node, .old_name = r->old.name, .new_dir = r->to.node, .new_name = r->new.name,
		.id = &r->old.seen.id, .other_id = r->new.exists ? &r->new.seen.id : NULL,
		.exchange = exchange, .other_is_last = is_last,
	};

	nodes_rename(fs->nodes, &m);
	if (is_last && r->new.traits == 0) {
		born_drop(fs->born, r->new.seen.id.dev, r->new.seen.id.ino);
		if (born_add(fs->born, r->old.seen.id.dev, r->old.seen.id.ino) < 0)
			return;		/* counts as one that stood: stricter */
	}
	if (!r->new.exists)
		gate_birth(&r->g, &r->new);
}

/* 0 done; -errno; -EDEADLK: a directory is involved, and names do not stand still */
static int attempt(struct renaming *r, struct node *from, const char *name, struct node *to, const char *new_name,
		   bool alone)
{
	cleanup_guard pthread_rwlock_t *guard = alone ? guard_alone(r->g.fs) : guard_shared(r->g.fs);
	int err = look(r, from, name, to, new_name);

	if (err == 0 && !alone && (is_dir(&r->old) || is_dir(&r->new)))
		return -EDEADLK;
	if (err == 0)
		err = judge(r);
	if (err == 0)
		err = is_onto_itself(r) ? backing_unlink(&r->from, name, false) :
		      backing_rename(&r->from, name, &r->to, new_name, r->flags);
	if (err == 0)
		remember(r);
	return err;
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	       const char *new_name, unsigned int flags)
{
	struct fusefs *fs = fs_of(req);
	cleanup_caller struct caller c = caller_begin(fs, req, fs_node(fs, parent), name);
	struct renaming r = { .from = BACKING_NO_DIR, .to = BACKING_NO_DIR, .flags = flags };
	struct node *from = fs_node(fs, parent), *to = fs_node(fs, new_parent);
	int err = -EINVAL;

	gate_begin(&r.g, req);
	caller_also(&c, to, new_name);
	if (caller_is_trusted(fs, r.g.tid))
		err = -EACCES;
	else if (fs_is_name(name) && fs_is_name(new_name) && caller_crosses(fs, from, name, to, new_name))
		err = -EXDEV;
	else if (!(flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE)) && fs_is_name(name) && fs_is_name(new_name))
		err = attempt(&r, from, name, to, new_name, false);
	if (err == -EDEADLK) {
		backing_dir_put(&r.from);
		backing_dir_put(&r.to);
		err = attempt(&r, from, name, to, new_name, true);
	}
	backing_dir_put(&r.from);
	backing_dir_put(&r.to);
	reply_err(req, err);
}
