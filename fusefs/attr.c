/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/attr.c - What changes a file's attributes or size, and extended attributes
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "common/cleanup.h"
#include "fusefs/caller.h"
#include "fusefs/poke.h"
#include "fusefs/reply.h"

#define BIT(op)		POLICY_OP_BIT(POLICY_OP_##op)
#define SET_TIMES	(FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME_NOW)
#define SET_OWNER	(FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID)

/* In the order of struct event: the first that applies names the change in the record */
static const struct {
	int to_set;
	enum policy_op op;
	uint64_t ops;
} changes[] = {
	{ FUSE_SET_ATTR_SIZE, POLICY_OP_TRUNCATE, BIT(TRUNCATE) | BIT(WRITE) },
	{ FUSE_SET_ATTR_MODE, POLICY_OP_CHMOD, BIT(CHMOD) },
	{ SET_OWNER, POLICY_OP_CHOWN, BIT(CHOWN) },
	{ SET_TIMES, POLICY_OP_UTIMES, BIT(UTIMES) },
};

static int may_set(struct gate *g, struct node *n, const struct stat *attr, int to_set)
{
	int r = caller_is_trusted(g->fs, g->tid) ? -EACCES : 0;

	if (r == 0 && (to_set & FUSE_SET_ATTR_MODE))
		r = gate_may_modes(g, n, NULL, node_type(n), attr->st_mode);

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(changes); i++) {
		if (!(to_set & changes[i].to_set))
			continue;
		r = gate_may_node(g, n, changes[i].ops);
		if (r == 0)
			r = gate_note(g, changes[i].op, n, NULL, 0);
	}
	return r;
}

static struct timespec time_of(const struct timespec *t, int to_set, int set, int now)
{
	if (to_set & now)
		return (struct timespec){ .tv_nsec = UTIME_NOW };
	return to_set & set ? *t : (struct timespec){ .tv_nsec = UTIME_OMIT };
}

/* A pin leads to its object by a path in /proc: only what has modes or a size is gone to that way */
static bool is_settable(const struct node *n, int to_set)
{
	mode_t type = node_type(n);

	return !(S_ISLNK(type) && (to_set & FUSE_SET_ATTR_MODE)) && !(!S_ISREG(type) && (to_set & FUSE_SET_ATTR_SIZE));
}

static int set(const struct fusefs *fs, int pin, const struct stat *attr, int to_set)
{
	const struct timespec times[2] = {
		time_of(&attr->st_atim, to_set, FUSE_SET_ATTR_ATIME, FUSE_SET_ATTR_ATIME_NOW),
		time_of(&attr->st_mtim, to_set, FUSE_SET_ATTR_MTIME, FUSE_SET_ATTR_MTIME_NOW),
	};
	int r = 0;

	if (to_set & FUSE_SET_ATTR_MODE)
		r = backing_chmod(fs, pin, attr->st_mode);
	if (r == 0 && (to_set & SET_OWNER))
		r = backing_chown(pin, to_set & FUSE_SET_ATTR_UID ? attr->st_uid : (uid_t)-1,
				  to_set & FUSE_SET_ATTR_GID ? attr->st_gid : (gid_t)-1);
	if (r == 0 && (to_set & FUSE_SET_ATTR_SIZE))
		r = backing_truncate(fs, pin, attr->st_size);
	if (r == 0 && (to_set & SET_TIMES))
		r = backing_utimes(pin, times);
	return r;
}

/*
 * Before somebody writes to a setuid file the kernel takes the bit off, in his
 * name. With several users it lets none but the owner chmod, so of another
 * nothing else gets here; and nobody else than root can do it for him.
 */
static bool is_before_write(const struct caller *c, const struct stat *was, mode_t mode, int to_set)
{
	const mode_t setid = S_ISUID | S_ISGID;

	return c->is_other && to_set == FUSE_SET_ATTR_MODE && !(mode & S_ISUID) &&
	       (was->st_mode & ~setid & 07777) == (mode & ~setid & 07777) && !(mode & setid & ~was->st_mode);
}

void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi)
{
	struct fusefs *fs = fs_of(req);
	cleanup_caller struct caller c = caller_begin(fs, req, fs_node(fs, ino), NULL);
	struct node *n = fs_node(fs, ino);
	cleanup_fd int pin = -1;
	struct seen seen;
	struct gate g;
	int r;

	gate_begin(&g, req);
	if (poke_is(fs, g.tid)) {
		poke_setattr(req, ino);
		return;
	}
	r = node_is_ancestor(n) ? -EACCES : is_settable(n, to_set) ? may_set(&g, n, attr, to_set) : -EOPNOTSUPP;
	if (r == 0)
		r = backing_pin(fs, n, &pin, &seen);
	poke_own_change(fs, n);
	/* A descriptor that can write truncates whatever the mode has become since */
	if (r == 0 && fi && (to_set & FUSE_SET_ATTR_SIZE)) {
		r = ftruncate(((struct handle *)(uintptr_t)fi->fh)->fd, attr->st_size) < 0 ? -errno : 0;
		to_set &= ~FUSE_SET_ATTR_SIZE;
	}
	if (r == 0 && (to_set & FUSE_SET_ATTR_MODE) && S_ISDIR(node_type(n)))
		caller_set_modes(&c);
	if (r == 0 && is_before_write(&c, &seen.st, attr->st_mode, to_set))
		caller_end(&c);
	if (r == 0)
		r = set(fs, pin, attr, to_set);
	if (r == 0)
		r = backing_look_fd(pin, &seen);
	if (r < 0)
		reply_err(req, r);
	else
		reply_node_attr(req, n, &seen);
}

/* Symbolic links have no attributes that a user could set, and no way to them by descriptor */
static int pin_for_xattr(struct fusefs *fs, struct node *n, char path[BACKING_PROC_SIZE], int *ret_pin)
{
	struct seen seen;
	int r = S_ISLNK(node_type(n)) || node_is_ancestor(n) ? -EOPNOTSUPP : backing_pin(fs, n, ret_pin, &seen);

	if (r == 0)
		backing_proc_path(*ret_pin, path);
	return r;
}

/*
 * A user's attributes and access lists. What else there is asks for powers that
 * nobody inside has, but root's supervisor would have: file capabilities, labels.
 */
static bool is_for_users(const char *name)
{
	return strncmp(name, "user.", 5) == 0 || strncmp(name, "system.posix_acl_", 17) == 0;
}

static int may_xattr(struct gate *g, struct node *n, const char *name)
{
	int r = caller_is_trusted(g->fs, g->tid) ? -EACCES : gate_may_node(g, n, BIT(XATTR));

	if (r == 0 && !is_for_users(name))
		return -EPERM;
	poke_own_change(g->fs, n);
	return r < 0 ? r : gate_note(g, POLICY_OP_XATTR, n, NULL, 0);
}

void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
	struct fusefs *fs = fs_of(req);
	cleanup_caller struct caller c = caller_begin(fs, req, fs_node(fs, ino), NULL);
	struct node *n = fs_node(fs, ino);
	char path[BACKING_PROC_SIZE];
	cleanup_fd int pin = -1;
	struct gate g;
	int r;

	gate_begin(&g, req);
	r = may_xattr(&g, n, name);
	if (r == 0)
		r = pin_for_xattr(fs, n, path, &pin);
	reply_err(req, r < 0 ? r : setxattr(path, name, value, size, flags) < 0 ? -errno : 0);
}

void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	struct fusefs *fs = fs_of(req);
	cleanup_caller struct caller c = caller_begin(fs, req, fs_node(fs, ino), NULL);
	struct node *n = fs_node(fs, ino);
	char path[BACKING_PROC_SIZE];
	cleanup_fd int pin = -1;
	struct gate g;
	int r;

	gate_begin(&g, req);
	r = may_xattr(&g, n, name);
	if (r == 0)
		r = pin_for_xattr(fs, n, path, &pin);
	reply_err(req, r < 0 ? r : removexattr(path, name) < 0 ? -errno : 0);
}

/* @size 0 asks for the size alone */
static void reply_xattr(fuse_req_t req, const char *path, const char *name, size_t size)
{
	cleanup_free char *value = size ? malloc(size) : NULL;
	ssize_t n;

	if (size && !value) {
		reply_err(req, -ENOMEM);
		return;
	}
	n = name ? getxattr(path, name, value, size) : listxattr(path, value, size);
	if (n < 0)
		reply_err(req, -errno);
	else if (size)
		(void)fuse_reply_buf(req, value, (size_t)n);	/* as reply_err() */
	else
		(void)fuse_reply_xattr(req, (size_t)n);		/* as reply_err() */
}

static void read_xattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct fusefs *fs = fs_of(req);
	cleanup_caller struct caller c = caller_begin(fs, req, fs_node(fs, ino), NULL);
	char path[BACKING_PROC_SIZE];
	cleanup_fd int pin = -1;
	struct gate g;
	int r;

	gate_begin(&g, req);
	/* The kernel asks before the first write to each file; writing drops capabilities on the real tree by itself */
	r = name && strcmp(name, "security.capability") == 0 ? -ENODATA : 0;
	/* What a user keeps there is content */
	if (r == 0 && name && strncmp(name, "user.", 5) == 0)
		r = gate_may_node(&g, fs_node(fs, ino), BIT(READ));
	if (r == 0)
		r = pin_for_xattr(fs, fs_node(fs, ino), path, &pin);
	if (r == -EOPNOTSUPP && !name)
		(void)(size ? fuse_reply_buf(req, NULL, 0) : fuse_reply_xattr(req, 0));	/* as reply_err() */
	else if (r < 0)
		reply_err(req, r);
	else
		reply_xattr(req, path, name, size);
}

void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	read_xattr(req, ino, name, size);
}

void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	read_xattr(req, ino, NULL, size);
}
