/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/nodes.c - The table of nodes: found by object and position, kept while needed
 */
#include "fusefs/nodes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fusefs/hash.h"
#include "fusefs/nodes_private.h"

#define BUCKETS_MIN	256
#define SETTLED_NS	INT64_C(100000000)	/* coarser than any clock of a file system in use, but FAT's */

struct nodes *nodes_new(const struct policy *policy, size_t fd_max)
{
	struct nodes *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->policy = policy;
	t->fd_max = fd_max;
	t->bucket_count = BUCKETS_MIN;
	t->bucket = calloc(t->bucket_count, sizeof(*t->bucket));
	t->root = node_new(S_IFDIR);
	if (!t->bucket || !t->root) {
		free(t->bucket);
		free(t->root);
		free(t);
		return NULL;
	}
	t->root->flags = NODE_ANCESTOR;
	t->root->lookups = 1;
	policy_state_root(policy, &t->root->dir->state);
	(void)pthread_mutex_init(&t->lock, NULL);	/* default attributes: cannot fail */
	return t;
}

static void free_node(struct node *n)
{
	while (n->names) {
		struct name *name = n->names;

		n->names = name->next;
		free(name);
	}
	if (n->dir && n->dir->fd >= 0)
		(void)close(n->dir->fd);	/* O_PATH: nothing to lose */
	while (n->handles) {
		struct handle *h = n->handles;

		n->handles = h->next;
		(void)close(h->fd);	/* left open by a kernel that is gone */
		free(h);
	}
	free(n->dir);
	free(n);
}

struct nodes *nodes_free(struct nodes *t)
{
	if (!t)
		return NULL;
	for (size_t i = 0; i <= t->bucket_count; i++) {
		struct node *n = i < t->bucket_count ? t->bucket[i] : t->fixed, *next;

		for (; n; n = next) {
			next = n->next;
			free_node(n);
		}
	}
	free_node(t->root);
	(void)pthread_mutex_destroy(&t->lock);	/* nobody is left to hold it */
	free(t->bucket);
	free(t);
	return NULL;
}

struct node *nodes_root(struct nodes *t)
{
	return t->root;
}

struct node *node_new(mode_t type)
{
	struct node *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	n->type = (uint16_t)(type & S_IFMT);
	if (S_ISDIR(type)) {
		n->dir = calloc(1, sizeof(*n->dir));
		if (!n->dir) {
			free(n);
			return NULL;
		}
		n->dir->fd = -1;
	}
	return n;
}

static struct node *add_fixed(struct nodes *t, struct node *parent, const char *name, uint16_t flags)
{
	struct node *n = node_new(S_IFDIR);

	if (!n)
		return NULL;
	if (node_add_name(t, n, parent, name) < 0) {
		free_node(n);
		return NULL;
	}
	n->flags = flags;
	n->lookups = 1;
	n->dir->epoch = t->epoch - 1;	/* dir_state() computes it */
	dir_state(t, n);
	n->next = t->fixed;
	t->fixed = n;
	t->count++;
	return n;
}

struct node *nodes_add_ancestor(struct nodes *t, struct node *parent, const char *name)
{
	struct node *n = nodes_child(t, parent, name);

	if (n)
		return n;
	nodes_lock(t);
	n = add_fixed(t, parent, name, NODE_ANCESTOR);
	nodes_unlock(t);
	return n;
}

struct node *nodes_add_root(struct nodes *t, struct node *parent, const char *name,
			    const struct node_id *id, int fd)
{
	struct node *n;

	nodes_lock(t);
	n = add_fixed(t, parent, name, NODE_ROOT);
	if (n) {
		n->id = *id;
		n->dir->fd = fd;
		n->dir->fd_users = 1;
	}
	nodes_unlock(t);
	return n;
}

/* Ancestors and roots are made before the threads start and never change: no lock */
struct node *nodes_child(struct nodes *t, const struct node *parent, const char *name)
{
	struct node *n;

	for (n = t->fixed; n; n = n->next)
		if (n->names->parent == parent && strcmp(n->names->text, name) == 0)
			return n;
	return NULL;
}

struct node *nodes_nth_child(struct nodes *t, const struct node *parent, size_t i, const char **ret_name)
{
	struct node *n;

	for (n = t->fixed; n; n = n->next)
		if (n->names->parent == parent && i-- == 0) {
			*ret_name = n->names->text;
			return n;
		}
	return NULL;
}

bool node_is_ancestor(const struct node *n)
{
	return n->flags & NODE_ANCESTOR;
}

bool node_is_root(const struct node *n)
{
	return n->flags & NODE_ROOT;
}

mode_t node_type(const struct node *n)
{
	return n->type;
}

struct node_id node_id(const struct node *n)
{
	return n->id;
}

uint64_t node_ino(const struct node *n)
{
	return n->id.ino ? n->id.ino : (uint64_t)(uintptr_t)n;
}

static struct node **bucket_of(struct nodes *t, const struct node_id *id)
{
	return &t->bucket[hash_id(id->dev, id->ino) & (t->bucket_count - 1)];
}

static void grow(struct nodes *t)
{
	struct node **old = t->bucket;
	size_t old_count = t->bucket_count, i;
	struct node **bigger = calloc(old_count * 2, sizeof(*bigger));

	if (!bigger)
		return;		/* longer chains are slower, not wrong */
	t->bucket = bigger;
	t->bucket_count = old_count * 2;
	for (i = 0; i < old_count; i++)
		while (old[i]) {
			struct node *n = old[i], **b = bucket_of(t, &n->id);

			old[i] = n->next;
			n->next = *b;
			*b = n;
		}
	free(old);
}

static bool is_same(const struct node *n, const struct node_id *id)
{
	return n->id.ino == id->ino && n->id.dev == id->dev && n->id.birth_ns == id->birth_ns &&
	       !n->gone;
}

static void unhash(struct nodes *t, struct node *n)
{
	struct node **p;

	for (p = bucket_of(t, &n->id); *p != n; p = &(*p)->next)
		;
	*p = n->next;
	t->count--;
}

void node_release(struct nodes *t, struct node *n)
{
	while (n && n->lookups == 0 && n->holds == 0 && !(n->flags & (NODE_ANCESTOR | NODE_ROOT))) {
		struct node *up = NULL;

		unhash(t, n);
		while (n->names) {
			struct name *name = n->names;

			n->names = name->next;
			/* One way upwards, held until its turn: the release of another parent can get there too */
			if (!up) {
				up = name->parent;
			} else {
				name->parent->holds--;
				node_release(t, name->parent);
			}
			free(name);
		}
		if (n->dir && n->dir->fd >= 0)
			dir_fd_drop(t, n);
		free_node(n);
		if (up)
			up->holds--;
		n = up;
	}
}

void nodes_forget(struct nodes *t, struct node *n, uint64_t count)
{
	nodes_lock(t);
	if (!(n->flags & (NODE_ANCESTOR | NODE_ROOT))) {
		n->lookups -= count < n->lookups ? count : n->lookups;
		node_release(t, n);
	}
	nodes_unlock(t);
}

/* Would @n become its own ancestor? The host can mount a directory beneath itself */
static bool is_above(const struct node *n, const struct node *dir)
{
	for (; dir; dir = dir->names ? dir->names->parent : NULL)
		if (dir == n)
			return true;
	return false;
}

static bool is_match(struct nodes *t, struct node *n, const struct node *parent,
		     const struct policy_state *state)
{
	uint64_t class = policy_state_class(t->policy, state);
	struct name *name;

	if (n->dir) {
		dir_state(t, n);
		return memcmp(&n->dir->state, state, sizeof(*state)) == 0 && !is_above(n, parent);
	}
	for (name = n->names; name; name = name->next) {
		struct policy_state st;

		name_state(t, name, &st);
		if (policy_state_class(t->policy, &st) != class)
			return false;
	}
	return true;
}

/* The node of an object that has this name */
static struct node *owner(struct nodes *t, const struct node *but, const struct node_id *id,
			  const struct node *dir, const char *name)
{
	struct node *n;

	for (n = *bucket_of(t, id); n; n = n->next)
		if (n != but && is_same(n, id) && node_find_name(n, dir, name))
			return n;
	return NULL;
}

uintptr_t nodes_number_of(struct nodes *t, const struct node_id *id, const struct node *dir, const char *name)
{
	uintptr_t number;

	nodes_lock(t);
	number = (uintptr_t)owner(t, NULL, id, dir, name);
	nodes_unlock(t);
	return number;
}

static void set_gone(struct nodes *t, const struct node_id *id)
{
	struct node *n;

	for (n = *bucket_of(t, id); n; n = n->next)
		if (is_same(n, id))
			n->gone = true;
}

struct node *nodes_intern(struct nodes *t, struct node *parent, const char *name,
			  const struct policy_state *state, const struct node_id *id, mode_t type)
{
	struct node *n, **bucket;

	nodes_lock(t);
	for (n = *bucket_of(t, id); n; n = n->next)
		if (is_same(n, id) && n->type == (type & S_IFMT) && is_match(t, n, parent, state))
			break;
	if (!n) {
		if (t->count > t->bucket_count)
			grow(t);
		n = node_new(type);
		if (!n)
			goto out;
		n->id = *id;
		if (n->dir) {
			n->dir->state = *state;
			n->dir->epoch = t->epoch;
		}
		bucket = bucket_of(t, id);
		n->next = *bucket;
		*bucket = n;
		t->count++;
	}
	n->lookups++;
	if (!node_find_name(n, parent, name)) {
		struct node *former;

		/* A name belongs to one node of its object. Dropping can free nodes: start anew */
		while ((former = owner(t, n, id, parent, name)))
			node_drop_name(t, former, parent, name, true);
		if (node_add_name(t, n, parent, name) < 0) {
			n->lookups--;
			node_release(t, n);
			n = NULL;
		}
	}
out:
	nodes_unlock(t);
	return n;
}

void nodes_unbind(struct nodes *t, const struct node *dir, const char *name, const struct node_id *id,
		  bool is_last)
{
	struct node *n;

	nodes_lock(t);
	while ((n = owner(t, NULL, id, dir, name)))
		node_drop_name(t, n, dir, name, true);
	if (is_last)
		set_gone(t, id);	/* the number may come again */
	nodes_unlock(t);
}

/*
 * Out of memory leaves the old name: then the node answers ESTALE and is looked up again. So does a move that
 * would close a circle, in which every walk upwards is for ever: the host's own tree cannot have done it.
 */
static void move_name(struct nodes *t, struct node *n, struct node *old_dir, const char *old_name,
		      struct node *dir, const char *name)
{
	if (!n || node_find_name(n, dir, name) || (n->dir && is_above(n, dir)))
		return;
	n->holds++;		/* it may be without a name for a moment */
	if (node_add_name(t, n, dir, name) == 0 && !n->dir)
		node_drop_name(t, n, old_dir, old_name, false);
	n->holds--;
	if (n->dir)
		t->epoch++;
}

void nodes_rename(struct nodes *t, const struct nodes_move *m)
{
	struct node *n, *other = NULL;

	nodes_lock(t);
	n = owner(t, NULL, m->id, m->old_dir, m->old_name);
	if (m->other_id)
		other = owner(t, NULL, m->other_id, m->new_dir, m->new_name);
	if (other && other != n) {
		if (m->exchange)
			move_name(t, other, m->new_dir, m->new_name, m->old_dir, m->old_name);
		else
			node_drop_name(t, other, m->new_dir, m->new_name, true);
	}
	if (m->other_id && m->other_is_last)
		set_gone(t, m->other_id);
	move_name(t, n, m->old_dir, m->old_name, m->new_dir, m->new_name);
	nodes_unlock(t);
}

void nodes_handle_add(struct nodes *t, struct node *n, struct handle *h)
{
	nodes_lock(t);
	h->node = n;
	h->next = n->handles;
	n->handles = h;
	nodes_unlock(t);
}

void nodes_handle_remove(struct nodes *t, struct handle *h)
{
	struct handle **p;

	nodes_lock(t);
	for (p = &h->node->handles; *p != h; p = &(*p)->next)
		;
	*p = h->next;
	nodes_unlock(t);
}

int nodes_handle_dup(struct nodes *t, struct node *n)
{
	int fd;

	nodes_lock(t);
	/* Duplicated under the lock: the handle may be released at any time after it */
	fd = n->handles ? dup(n->handles->fd) : -1;
	nodes_unlock(t);
	return fd < 0 ? -EBADF : fd;
}

bool nodes_content_is_known(struct nodes *t, struct node *n, int64_t mtime_ns, int64_t size, int64_t now_ns)
{
	bool known;

	nodes_lock(t);
	known = n->known_mtime_ns == mtime_ns && n->known_size == size && mtime_ns != 0;
	if (mtime_ns < now_ns - SETTLED_NS || mtime_ns > now_ns) {
		n->known_mtime_ns = mtime_ns;
		n->known_size = size;
	} else {
		n->known_mtime_ns = 0;
	}
	nodes_unlock(t);
	return known;
}

void nodes_tell(struct nodes *t, struct node *n, int64_t mtime_ns, int64_t size)
{
	nodes_lock(t);
	n->told_mtime_ns = mtime_ns;
	n->told_size = size;
	nodes_unlock(t);
}

bool nodes_was_told(struct nodes *t, struct node *n, int64_t mtime_ns, int64_t size)
{
	bool was;

	nodes_lock(t);
	was = n->told_mtime_ns == mtime_ns && n->told_size == size;
	nodes_unlock(t);
	return was;
}

size_t nodes_count(struct nodes *t)
{
	size_t count;

	nodes_lock(t);
	count = t->count;
	nodes_unlock(t);
	return count;
}
