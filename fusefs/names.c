/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/names.c - Names of nodes, and what follows from them: paths and positions in the policy
 */
#include "fusefs/nodes_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct name **node_find_name(struct node *n, const struct node *dir, const char *name)
{
	size_t len = strlen(name);
	struct name **p;

	for (p = &n->names; *p; p = &(*p)->next)
		if ((*p)->parent == dir && !(*p)->gone && (*p)->len == len && memcmp((*p)->text, name, len) == 0)
			return p;
	return NULL;
}

void node_free_name(struct nodes *t, struct name *name)
{
	name->parent->holds--;
	node_release(t, name->parent);
	free(name);
}

/* The oldest go when there are too many; one that is gone when a live one comes */
static void trim_names(struct nodes *t, struct node *n)
{
	struct name **p = &n->names->next;
	unsigned kept = 1;

	while (*p) {
		struct name *name = *p;

		if (!name->gone && !n->dir && kept < NODES_NAMES_MAX) {
			kept++;
			p = &name->next;
			continue;
		}
		*p = name->next;
		node_free_name(t, name);
	}
}

int node_add_name(struct nodes *t, struct node *n, struct node *dir, const char *text)
{
	size_t len = strlen(text);
	struct name *name;

	if (len == 0 || len > NAME_MAX)
		return -EINVAL;
	name = malloc(sizeof(*name) + len + 1);
	if (!name)
		return -ENOMEM;
	name->parent = dir;
	name->len = (uint8_t)len;
	name->gone = false;
	memcpy(name->text, text, len + 1);
	name->next = n->names;
	n->names = name;
	dir->holds++;
	trim_names(t, n);
	return 0;
}

void node_drop_name(struct nodes *t, struct node *n, const struct node *dir, const char *text, bool keep_last)
{
	struct name **p = node_find_name(n, dir, text), *name;

	if (!p)
		return;
	name = *p;
	if (keep_last && n->names == name && !name->next) {
		name->gone = true;
		return;
	}
	*p = name->next;
	node_free_name(t, name);
}

/* Directories above are brought up to date first: upwards to one that is, then down again */
void dir_state(struct nodes *t, struct node *dir)
{
	while (dir->names && dir->dir->epoch != t->epoch) {
		struct node *top = dir;

		while (top->names->parent->names && top->names->parent->dir->epoch != t->epoch)
			top = top->names->parent;
		policy_state_step(t->policy, &top->names->parent->dir->state,
				  (struct policy_str){ top->names->text, top->names->len }, &top->dir->state);
		top->dir->epoch = t->epoch;
	}
}

void name_state(struct nodes *t, const struct name *name, struct policy_state *ret)
{
	dir_state(t, name->parent);
	policy_state_step(t->policy, &name->parent->dir->state,
			  (struct policy_str){ name->text, name->len }, ret);
}

void nodes_state(struct nodes *t, struct node *dir, struct policy_state *ret)
{
	nodes_lock(t);
	dir_state(t, dir);
	*ret = dir->dir->state;
	nodes_unlock(t);
}

size_t nodes_states(struct nodes *t, struct node *n, struct policy_state ret[NODES_NAMES_MAX])
{
	struct name *name;
	size_t count = 0;

	nodes_lock(t);
	if (n->dir) {
		dir_state(t, n);
		ret[count++] = n->dir->state;
	} else {
		for (name = n->names; name && count < NODES_NAMES_MAX; name = name->next)
			name_state(t, name, &ret[count++]);
	}
	nodes_unlock(t);
	return count;
}

bool nodes_place(struct nodes *t, struct node *n, size_t i, struct place *ret)
{
	struct name *name;

	nodes_lock(t);
	for (name = n->names; name && i > 0; i--)
		name = name->next;
	if (name && name->gone)
		name = NULL;
	if (name) {
		ret->dir = name->parent;
		ret->dir->holds++;
		memcpy(ret->name, name->text, name->len + 1u);
	}
	nodes_unlock(t);
	return name;
}

void nodes_place_put(struct nodes *t, struct place *p)
{
	nodes_lock(t);
	p->dir->holds--;
	node_release(t, p->dir);
	nodes_unlock(t);
}

void nodes_drop_name(struct nodes *t, struct node *n, const struct place *p)
{
	nodes_lock(t);
	node_drop_name(t, n, p->dir, p->name, true);
	nodes_unlock(t);
}

static size_t path_len(const struct node *n)
{
	size_t len = 0;

	for (; n->names; n = n->names->parent)
		len += 1u + n->names->len;
	return len;
}

char *nodes_path(struct nodes *t, const struct node *n, const char *name)
{
	size_t len, name_len = name ? 1 + strlen(name) : 0;
	char *path;

	nodes_lock(t);
	len = path_len(n);
	path = malloc(len + name_len + 2);
	if (path) {
		path[len] = '\0';
		if (name) {
			path[len] = '/';
			memcpy(path + len + 1, name, name_len);	/* with its NUL */
		}
		for (; n->names; n = n->names->parent) {
			len -= n->names->len;
			memcpy(path + len, n->names->text, n->names->len);
			path[--len] = '/';
		}
		if (!path[0])
			memcpy(path, "/", 2);
	}
	nodes_unlock(t);
	return path;
}

struct node *nodes_parent_of(struct nodes *t, const struct node *dir)
{
	struct node *parent;

	nodes_lock(t);
	parent = dir->names ? dir->names->parent : NULL;
	nodes_unlock(t);
	return parent;
}

uint32_t nodes_epoch(struct nodes *t)
{
	uint32_t epoch;

	nodes_lock(t);
	epoch = t->epoch;
	nodes_unlock(t);
	return epoch;
}
