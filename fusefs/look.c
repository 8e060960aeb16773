/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/look.c - Operations that only look: lookup, getattr, readlink, access, statfs
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "fusefs/caller.h"
#include "fusefs/poke.h"
#include "fusefs/reply.h"

bool fs_is_name(const char *name)
{
	size_t len = strnlen(name, NAME_MAX + 1);

	return len > 0 && len <= NAME_MAX && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* Ancestors of the served roots, which only the builder of the view ever sees */
static void fixed_attr(const struct fusefs *fs, const struct node *n, struct stat *ret)
{
	*ret = (struct stat){
		.st_ino = node_ino(n), .st_mode = S_IFDIR | 0555, .st_nlink = 2,
		.st_uid = fs->uid, .st_gid = fs->gid, .st_blksize = 4096,
	};
}

static void reply_fixed(fuse_req_t req, struct node *n)
{
	struct fusefs *fs = fs_of(req);
	struct fuse_entry_param e = { .ino = (fuse_ino_t)(uintptr_t)n, .attr_timeout = 60, .entry_timeout = 60 };
	struct seen seen;
	int r;

	if (node_is_ancestor(n)) {
		fixed_attr(fs, n, &e.attr);
	} else {
		r = backing_stat(fs, n, &seen);
		if (r < 0) {
			reply_err(req, r);
			return;
		}
		e.attr_timeout = FS_TIMEOUT_S;
		fs_attr(fs, &seen.st, &e.attr);
	}
	(void)fuse_reply_entry(req, &e);	/* fixed nodes are not counted */
}

/* Not there: the kernel may remember that, but not what depends on who asks */
static void reply_nothing(fuse_req_t req, bool remember)
{
	struct fuse_entry_param e = { .entry_timeout = FS_TIMEOUT_S };

	if (remember)
		(void)fuse_reply_entry(req, &e);	/* nothing was counted */
	else
		reply_err(req, -ENOENT);
}

static void lookup_served(fuse_req_t req, struct gate *g, struct node *parent, const char *name)
{
	cleanup_dir struct dirref d = BACKING_NO_DIR;
	struct policy_decision decision;
	enum gate_face face;
	struct spot s;
	int r = backing_dir(g->fs, parent, &d);

	if (r == 0)
		r = gate_spot(g, &d, name, &s);
	if (r < 0) {
		reply_err(req, r);
		return;
	}
	if (!s.exists) {
		if (poke_is(g->fs, g->tid))
			poke_lookup(req, g, &s);
		else
			reply_nothing(req, true);
		return;
	}
	face = gate_face(g, &s, s.seen.st.st_mode, &decision);
	if (face == GATE_SEEN || face == GATE_WAY)
		reply_entry(req, &s, false);
	else if (caller_is_trusted(g->fs, g->tid))
		reply_entry(req, &s, true);
	else if (face == GATE_REFUSED && !poke_is(g->fs, g->tid))
		reply_err(req, gate_refuse(g, POLICY_OP_STAT, parent, name, &decision));
	else
		reply_nothing(req, false);
}

void op_lookup(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct fusefs *fs = fs_of(req);
	cleanup_caller struct caller c = caller_begin(fs, req, fs_node(fs, ino), name);
	struct node *parent = fs_node(fs, ino), *child;
	struct gate g;

	if (!fs_is_name(name)) {
		reply_err(req, strlen(name) > NAME_MAX ? -ENAMETOOLONG : -EINVAL);
		return;
	}
	if (node_is_ancestor(parent)) {
		child = nodes_child(fs->nodes, parent, name);
		if (child)
			reply_fixed(req, child);
		else
			reply_err(req, -ENOENT);
		return;
	}
	gate_begin(&g, req);
	lookup_served(req, &g, parent, name);
}

void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
	struct fusefs *fs = fs_of(req);

	nodes_forget(fs->nodes, fs_node(fs, ino), count);
	fuse_reply_none(req);
}

void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	struct fusefs *fs = fs_of(req);

	for (size_t i = 0; i < count; i++)
		nodes_forget(fs->nodes, fs_node(fs, forgets[i].ino), forgets[i].nlookup);
	fuse_reply_none(req);
}

/* A rule that denies "stat", and not merely no rule that allows it: the name was found, so it is named */
static int may_stat(struct gate *g, struct node *n)
{
	struct policy_decision d;
	struct policy_state st[NODES_NAMES_MAX];
	size_t count = nodes_states(g->fs->nodes, n, st);
	struct node_id id = node_id(n);

	for (size_t i = 0; i < count && !node_is_root(n); i++) {
		struct spot s = { .state = st[i], .traits = gate_traits(g->fs, &id) };
		enum policy_op op;

		if (gate_may_quietly(g, &s, POLICY_OP_BIT(POLICY_OP_STAT), &d, &op) == 0 ||
		    d.rule_id == POLICY_RULE_NONE || caller_is_trusted(g->fs, g->tid))
			continue;
		if (S_ISDIR(node_type(n)) && gate_is_mount_way(g->fs, n, NULL))
			continue;
		return gate_refuse(g, POLICY_OP_STAT, n, NULL, &d);
	}
	return 0;
}

void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fusefs *fs = fs_of(req);
	cleanup_caller struct caller c = caller_begin(fs, req, fs_node(fs, ino), NULL);
	struct node *n = fs_node(fs, ino);
	struct seen seen;
	struct gate g;
	struct stat st;
	int r;

	(void)fi;	/* the node knows its open files */
	if (node_is_ancestor(n)) {
		fixed_attr(fs, n, &st);
		(void)fuse_reply_attr(req, &st, 60);	/* nobody is told twice */
		return;
	}
	gate_begin(&g, req);
	if (poke_is(fs, g.tid))
		poke_saw(fs, ino);
	r = poke_is(fs, g.tid) ? 0 : may_stat(&g, n);
	if (r == 0)
		r = backing_stat(fs, n, &seen);
	if (r < 0)
		reply_err(req, r);
	else
		reply_node_attr(req, n, &seen);
}

void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct fusefs *fs = fs_of(req);
	cleanup_caller struct caller c = caller_begin(fs, req, fs_node(fs, ino), NULL);
	cleanup_fd int pin = -1;
	char target[PATH_MAX + 1];
	struct seen seen;
	struct gate g;
	ssize_t n;
	int r;

	gate_begin(&g, req);
	r = may_stat(&g, fs_node(fs, ino));
	if (r == 0)
		r = backing_pin(fs, fs_node(fs, ino), &pin, &seen);
	n = r < 0 ? r : backing_readlink(pin, target, sizeof(target));
	if (n < 0)
		reply_err(req, (int)n);
	else
		(void)fuse_reply_readlink(req, target);	/* as reply_err() */
}

/* What access(2) asks, in operations; a question is not an attempt and is not recorded */
static bool may_access(struct gate *g, struct node *n, int mask)
{
	uint64_t ops = 0;

	if (S_ISDIR(node_type(n)) || caller_is_trusted(g->fs, g->tid))
		return true;
	if (mask & R_OK)
		ops |= POLICY_OP_BIT(POLICY_OP_READ);
	if (mask & W_OK)
		ops |= POLICY_OP_BIT(POLICY_OP_WRITE);
	if (mask & X_OK)
		ops |= POLICY_OP_BIT(POLICY_OP_EXEC);
	return gate_may_node_quietly(g, n, ops);
}

void op_access(fuse_req_t req, fuse_ino_t ino, int mask)
{
	struct fusefs *fs = fs_of(req);
	cleanup_caller struct caller c = caller_begin(fs, req, fs_node(fs, ino), NULL);
	struct node *n = fs_node(fs, ino);
	cleanup_fd int pin = -1;
	struct seen seen;
	struct gate g;
	int r;

	if (node_is_ancestor(n)) {
		reply_err(req, mask & W_OK ? -EACCES : 0);
		return;
	}
	gate_begin(&g, req);
	r = may_access(&g, n, mask) ? backing_pin(fs, n, &pin, &seen) : -EACCES;
	reply_err(req, r < 0 ? r : backing_access(pin, mask & (R_OK | W_OK | X_OK)));
}

void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct fusefs *fs = fs_of(req);
	struct node *n = fs_node(fs, ino);
	cleanup_fd int pin = -1;
	struct statvfs st = { .f_namemax = NAME_MAX, .f_bsize = 4096, .f_frsize = 4096 };
	struct seen seen;
	int r = node_is_ancestor(n) ? 0 : backing_pin(fs, n, &pin, &seen);

	if (r == 0 && pin >= 0 && fstatvfs(pin, &st) < 0)
		r = -errno;
	if (r < 0)
		reply_err(req, r);
	else
		(void)fuse_reply_statfs(req, &st);	/* as reply_err() */
}
