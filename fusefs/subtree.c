/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/subtree.c - The rename of a directory, judged for everything beneath it
 */
#include "fusefs/subtree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fusefs/walk.h"

#define BIT(op)		POLICY_OP_BIT(POLICY_OP_##op)
#define DEPTH_MAX	128	/* one descriptor and one buffer each */

/** struct level - One directory on the way down */
struct level {
	struct walk walk;
	struct policy_state old, new;
	uint64_t dev;
	uint32_t traits;	/* of names that are new in it */
	size_t path_len;	/* of the path to it, beneath the directory that moves */
};

/** struct descent - The walk */
struct descent {
	struct gate *g;
	const struct spot *old, *new;
	struct level *level;	/* DEPTH_MAX of them */
	size_t depth;
	char *old_path, *new_path;	/* names for the record: from the directories of @old and @new on */
	size_t old_len, new_len;	/* of the moving directory's own name */
	size_t size;			/* of what may follow, bytes */
};

static bool is_uniform(const struct policy *p, const struct policy_state *old, const struct policy_state *new)
{
	const uint64_t carried = BIT(READ) | BIT(WRITE) | BIT(EXEC);
	struct policy_beneath was, is;

	policy_state_beneath(p, old, &was);
	policy_state_beneath(p, new, &is);
	if (was.hides || was.conditional || is.hides || is.conditional)
		return false;
	if ((was.may_refuse & (BIT(RENAME) | BIT(DELETE))) || (is.may_refuse & (BIT(RENAME) | BIT(CREATE))))
		return false;
	if (was.may_refuse & is.may_allow & carried)
		return false;
	return !(was.may_allow & is.may_refuse & BIT(WRITE));
}

static int push(struct descent *w, int fd, const struct policy_state *old, const struct policy_state *new,
		size_t path_len)
{
	struct level *l = &w->level[w->depth];
	struct seen seen;
	int r = walk_begin(&l->walk, fd);

	if (r < 0)
		return r;
	r = backing_look_fd(fd, &seen);
	if (r < 0) {
		walk_end(&l->walk);
		return r;
	}
	l->old = *old;
	l->new = *new;
	l->dev = seen.id.dev;
	l->traits = gate_traits(w->g->fs, &seen.id) & POLICY_T_STOOD_FOLDER;
	l->path_len = path_len;
	w->depth++;
	return 0;
}

/* Names for the record; what does not fit is left out */
static void set_path(struct descent *w, const struct level *l, const char *name, size_t *ret_len)
{
	size_t len = strlen(name), at = l->path_len;

	*ret_len = at;
	if (at + 1 + len + 1 > w->size)
		return;
	w->old_path[w->old_len + at] = w->new_path[w->new_len + at] = '/';
	memcpy(w->old_path + w->old_len + at + 1, name, len + 1);
	memcpy(w->new_path + w->new_len + at + 1, name, len + 1);
	*ret_len = at + 1 + len;
}

static int judge(struct descent *w, const struct level *l, const struct walk_entry *e, mode_t type,
		 struct spot *old, struct spot *new)
{
	const struct policy *p = w->g->fs->policy;
	struct node_id id = { .dev = l->dev, .ino = e->ino };
	int r;

	*old = (struct spot){ .dir = w->old->dir, .name = w->old_path, .traits = gate_traits(w->g->fs, &id) };
	*new = (struct spot){ .dir = w->new->dir, .name = w->new_path, .traits = l->traits };
	policy_state_step(p, &l->old, policy_str(e->name), &old->state);
	policy_state_step(p, &l->new, policy_str(e->name), &new->state);
	r = gate_may(w->g, old, BIT(RENAME) | BIT(DELETE));
	if (r == 0)
		r = gate_may(w->g, new, BIT(RENAME) | BIT(CREATE));
	return r < 0 || S_ISDIR(type) ? r : gate_may_carry(w->g, old, new);
}

static int one(struct descent *w, const struct walk_entry *e)
{
	struct level *l = &w->level[w->depth - 1];
	struct dirref here = { .fs = w->g->fs, .fd = l->walk.fd };
	struct seen seen = { .st = { .st_mode = e->type } };
	struct spot old, new;
	size_t path_len;
	int fd, r = e->type ? 0 : backing_look(&here, e->name, &seen);

	if (r < 0)
		return r;
	set_path(w, l, e->name, &path_len);
	r = judge(w, l, e, seen.st.st_mode, &old, &new);
	if (r < 0 || !S_ISDIR(seen.st.st_mode) || is_uniform(w->g->fs->policy, &old.state, &new.state))
		return r;
	if (w->depth == DEPTH_MAX)
		return -EXDEV;
	r = backing_enter(l->walk.fd, e->name, &fd);
	return r < 0 ? r : push(w, fd, &old.state, &new.state, path_len);
}

static int descend(struct descent *w, const struct dirref *d)
{
	struct walk_entry e;
	int fd, r = backing_enter(d->fd, w->old->name, &fd);

	if (r == 0)
		r = push(w, fd, &w->old->state, &w->new->state, 0);
	while (r >= 0 && w->depth > 0) {
		struct level *l = &w->level[w->depth - 1];

		r = walk_next(&l->walk, &e);
		if (r == 0) {
			walk_end(&l->walk);
			w->depth--;
		} else if (r > 0 && !walk_is_dot(e.name)) {
			r = one(w, &e);
		}
	}
	while (w->depth > 0)
		walk_end(&w->level[--w->depth].walk);
	return r < 0 ? r : 0;
}

int subtree_may_move(struct gate *g, const struct dirref *d, const struct spot *old, const struct spot *new)
{
	struct descent w = {
		.g = g, .old = old, .new = new, .old_len = strlen(old->name), .new_len = strlen(new->name),
		.size = 4096,
	};
	int r = -ENOMEM;

	if (is_uniform(g->fs->policy, &old->state, &new->state))
		return 0;
	w.level = calloc(DEPTH_MAX, sizeof(*w.level));
	w.old_path = malloc(w.old_len + w.size + 1);
	w.new_path = malloc(w.new_len + w.size + 1);
	if (w.level && w.old_path && w.new_path) {
		memcpy(w.old_path, old->name, w.old_len + 1);
		memcpy(w.new_path, new->name, w.new_len + 1);
		r = descend(&w, d);
	}
	free(w.level);
	free(w.old_path);
	free(w.new_path);
	return r;
}
