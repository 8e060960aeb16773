/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/make.c - Names come and go: mkdir, mknod, symlink, link, unlink, rmdir
 */
#include <errno.h>
#include <string.h>

#include "common/cleanup.h"
#include "fusefs/caller.h"
#include "fusefs/guard.h"
#include "fusefs/poke.h"
#include "fusefs/reply.h"

#define BIT(op) POLICY_OP_BIT(POLICY_OP_##op)

/* Look at the name that is to be made or removed */
static int begin(struct gate *g, struct node *parent, const char *name, struct dirref *d, struct spot *s)
{
	int r;

	if (!fs_is_name(name))
		return -EINVAL;
	if (caller_is_trusted(g->fs, g->tid))
		return -EACCES;		/* it builds and resolves; it never changes anything */
	r = backing_dir(g->fs, parent, d);
	if (r == 0)
		r = gate_spot(g, d, name, s);
	if (r == 0)
		poke_own_name(g->fs, parent, name);
	return r;
}

/* Something is there: EEXIST if it may be seen, else what the policy says to making it */
static int taken(struct gate *g, const struct spot *s, uint64_t ops)
{
	struct policy_decision d;
	enum gate_face face = gate_face(g, s, s->seen.st.st_mode, &d);
	int r;

	if (face == GATE_SEEN || face == GATE_WAY)
		return -EEXIST;
	r = gate_may(g, s, ops);
	return r < 0 ? r : -EACCES;
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct fusefs *fs = fs_of(req);
	cleanup_caller struct caller c = caller_begin(fs, req, fs_node(fs, parent), name);
	cleanup_guard pthread_rwlock_t *guard = guard_shared(fs);
	cleanup_dir struct dirref d = BACKING_NO_DIR;
	struct spot s;
	struct gate g;
	int r;

	gate_begin(&g, req);
	r = begin(&g, fs_node(fs, parent), name, &d, &s);
	if (r == 0)
		r = s.exists ? taken(&g, &s, BIT(MKDIR)) : gate_may_mkdir(&g, &s);
	if (r == 0)
		r = gate_note_spot(&g, POLICY_OP_MKDIR, &s);
	if (r == 0)
		r = backing_mkdir(&d, name, mode);
	if (r < 0)
		reply_err(req, r);
	else
		reply_made(req, &g, &d, &s);
}

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	struct fusefs *fs = fs_of(req);
	cleanup_caller struct caller c = caller_begin(fs, req, fs_node(fs, parent), name);
	cleanup_guard pthread_rwlock_t *guard = guard_shared(fs);
	cleanup_dir struct dirref d = BACKING_NO_DIR;
	struct spot s;
	struct gate g;
	int r;

	(void)rdev;	/* devices are not made */
	gate_begin(&g, req);
	r = begin(&g, fs_node(fs, parent), name, &d, &s);
	if (r == 0)
		r = s.exists ? taken(&g, &s, BIT(MKNOD) | BIT(CREATE)) : gate_may(&g, &s, BIT(MKNOD) | BIT(CREATE));
	if (r == 0)
		r = gate_may_modes(&g, s.dir, name, mode & S_IFMT, mode);
	if (r == 0)
		r = gate_note_spot(&g, POLICY_OP_MKNOD, &s);
	if (r == 0)
		r = backing_mknod(&d, name, mode);
	if (r < 0)
		reply_err(req, r);
	else
		reply_made(req, &g, &d, &s);
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	struct fusefs *fs = fs_of(req);
	cleanup_caller struct caller c = caller_begin(fs, req, fs_node(fs, parent), name);
	cleanup_guard pthread_rwlock_t *guard = guard_shared(fs);
	cleanup_dir struct dirref d = BACKING_NO_DIR;
	const uint64_t ops = BIT(SYMLINK) | BIT(CREATE);
	struct spot s;
	struct gate g;
	int r;

	gate_begin(&g, req);
	r = begin(&g, fs_node(fs, parent), name, &d, &s);
	if (r == 0)
		r = s.exists ? taken(&g, &s, ops) : gate_may(&g, &s, ops);
	if (r == 0)
		r = gate_note_spot(&g, POLICY_OP_SYMLINK, &s);
	if (r == 0)
		r = backing_symlink(&d, name, target);
	if (r < 0)
		reply_err(req, r);
	else
		reply_made(req, &g, &d, &s);
}

static int may_link(struct gate *g, struct node *n, const struct spot *s)
{
	struct node_id id = node_id(n);
	int r = caller_crosses(g->fs, n, NULL, s->dir, s->name) ? -EXDEV : gate_may_node(g, n, BIT(LINK) | BIT(READ) | BIT(WRITE));

	if (r == 0)
		r = s->exists ? taken(g, s, BIT(LINK) | BIT(CREATE)) : gate_may(g, s, BIT(LINK) | BIT(CREATE));
	if (r == 0)
		r = gate_may_carry_node(g, n, gate_traits(g->fs, &id), s);
	if (r == 0)
		r = gate_note(g, POLICY_OP_LINK, n, NULL, 0);
	return r < 0 ? r : gate_note_spot(g, POLICY_OP_CREATE, s);
}

void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	struct fusefs *fs = fs_of(req);
	cleanup_caller struct caller c = caller_begin(fs, req, fs_node(fs, ino), NULL);
	cleanup_guard pthread_rwlock_t *guard = guard_shared(fs);
	cleanup_dir struct dirref d = BACKING_NO_DIR;
	struct node *n = fs_node(fs, ino);
	cleanup_fd int pin = -1;
	struct seen seen = { 0 };
	struct spot s;
	struct gate g;
	int r;

	gate_begin(&g, req);
	caller_also(&c, fs_node(fs, parent), name);
	r = S_ISDIR(node_type(n)) ? -EPERM : begin(&g, fs_node(fs, parent), name, &d, &s);
	if (r == 0)
		r = may_link(&g, n, &s);
	if (r == 0)
		r = backing_pin(fs, n, &pin, &seen);
	poke_own_change(fs, n);
	if (r == 0)
		r = backing_link(pin, fs, &d, name);
	if (r == 0)
		r = backing_look(&d, name, &s.seen);
	if (r == 0 && seen.st.st_nlink == 0)
		gate_born(&g, &s, &s.seen.id);	/* it had no name yet (O_TMPFILE) */
	if (r < 0)
		reply_err(req, r);
	else
		reply_entry(req, &s, false);
}

static int remove_name(struct gate *g, const struct dirref *d, const struct spot *s, bool is_dir)
{
	const enum policy_op op = is_dir ? POLICY_OP_RMDIR : POLICY_OP_DELETE;
	bool is_last = is_dir || s->seen.st.st_nlink <= 1;
	int r;

	if (!s->exists)
		return -ENOENT;
	r = gate_may(g, s, POLICY_OP_BIT(op));
	if (r == 0)
		r = gate_note_spot(g, op, s);
	recent_object(g->fs->recent, s->seen.id.dev, s->seen.id.ino);
	if (r == 0)
		r = backing_unlink(d, s->name, is_dir);
	if (r < 0)
		return r;
	nodes_unbind(g->fs->nodes, d->node, s->name, &s->seen.id, is_last);
	if (is_last)
		born_drop(g->fs->born, s->seen.id.dev, s->seen.id.ino);
	return 0;
}

static void op_remove(fuse_req_t req, fuse_ino_t parent, const char *name, bool is_dir)
{
	struct fusefs *fs = fs_of(req);
	cleanup_caller struct caller c = caller_begin(fs, req, fs_node(fs, parent), name);
	cleanup_guard pthread_rwlock_t *guard = guard_shared(fs);
	cleanup_dir struct dirref d = BACKING_NO_DIR;
	struct spot s;
	struct gate g;
	int r;

	gate_begin(&g, req);
	if (poke_is(fs, g.tid)) {
		poke_remove(req, parent, name);
		return;
	}
	r = begin(&g, fs_node(fs, parent), name, &d, &s);
	reply_err(req, r < 0 ? r : remove_name(&g, &d, &s, is_dir));
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	op_remove(req, parent, name, false);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	op_remove(req, parent, name, true);
}
