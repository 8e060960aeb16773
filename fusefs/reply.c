/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/reply.c - Entries and attributes, as the kernel wants them
 */
#include "fusefs/reply.h"

#include <errno.h>
#include <string.h>

/* libfuse tells if a reply could not be sent: then the request is gone and there is nobody to tell */
void reply_err(fuse_req_t req, int r)
{
	(void)fuse_reply_err(req, -r);
}

static bool is_own_group(const struct fusefs *fs, gid_t gid)
{
	for (size_t i = 0; i < fs->group_count; i++)
		if (fs->groups[i] == gid)
			return true;
	return false;
}

/*
 * An ordinary user's cage maps one user and one group. The kernel refuses all
 * writing to an inode whose owner or group is not mapped, before it asks us;
 * so what others may write to is reported as the user's own. Whether they
 * really may is found out by trying.
 */
static void users_attr(const struct fusefs *fs, const struct stat *st, struct stat *ret)
{
	if (st->st_gid != fs->gid && is_own_group(fs, st->st_gid))
		ret->st_gid = fs->gid;
	if (st->st_uid != fs->uid && (st->st_mode & (S_IWGRP | S_IWOTH))) {
		ret->st_uid = fs->uid;
		ret->st_gid = fs->gid;
	} else if (st->st_uid == fs->uid) {
		ret->st_gid = fs->gid;
	}
}

/* The same of a container's root: what has no number in the container shows as nobody's */
static void root_attr(const struct fusefs *fs, const struct stat *st, struct stat *ret)
{
	bool is_foreign = fs->lacks_uids && st->st_uid == FS_NOBODY;

	if (is_foreign && (st->st_mode & (S_IWGRP | S_IWOTH)))
		ret->st_uid = fs->uid;
	if (fs->lacks_gids && st->st_gid == FS_NOBODY && ret->st_uid != FS_NOBODY)
		ret->st_gid = fs->gid;
}

void fs_attr(const struct fusefs *fs, const struct stat *st, struct stat *ret)
{
	*ret = *st;
	if (fs->uid != 0)
		users_attr(fs, st, ret);
	else if (fs->lacks_uids || fs->lacks_gids)
		root_attr(fs, st, ret);
}

struct node *reply_entry_fill(struct fusefs *fs, const struct spot *s, bool brief, struct fuse_entry_param *ret)
{
	struct node *n = nodes_intern(fs->nodes, s->dir, s->name, &s->state, &s->seen.id, s->seen.st.st_mode);

	if (!n)
		return NULL;
	memset(ret, 0, sizeof(*ret));
	ret->ino = (fuse_ino_t)(uintptr_t)n;
	ret->attr_timeout = ret->entry_timeout = brief ? 0 : FS_TIMEOUT_S;
	fs_attr(fs, &s->seen.st, &ret->attr);
	nodes_tell(fs->nodes, n, fs_ns(&s->seen.st.st_mtim), s->seen.st.st_size);
	return n;
}

void reply_entry(fuse_req_t req, const struct spot *s, bool brief)
{
	struct fusefs *fs = fs_of(req);
	struct fuse_entry_param e;
	struct node *n = reply_entry_fill(fs, s, brief, &e);

	if (!n)
		reply_err(req, -ENOMEM);
	else if (fuse_reply_entry(req, &e) < 0)
		nodes_forget(fs->nodes, n, 1);
}

void reply_made(fuse_req_t req, struct gate *g, const struct dirref *d, struct spot *s)
{
	int r = backing_look(d, s->name, &s->seen);

	if (r < 0) {
		reply_err(req, r);
		return;
	}
	gate_born(g, s, &s->seen.id);
	reply_entry(req, s, false);
}

void reply_attr(fuse_req_t req, const struct seen *s)
{
	struct stat st;

	fs_attr(fs_of(req), &s->st, &st);
	(void)fuse_reply_attr(req, &st, FS_TIMEOUT_S);	/* as reply_err() */
}

void reply_node_attr(fuse_req_t req, struct node *n, const struct seen *s)
{
	nodes_tell(fs_of(req)->nodes, n, fs_ns(&s->st.st_mtim), s->st.st_size);
	reply_attr(req, s);
}
