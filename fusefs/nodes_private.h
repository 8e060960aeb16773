/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/nodes_private.h - Layout of nodes, for nodes.c, names.c and dirfds.c alone
 */
#ifndef FUSEFS_NODES_PRIVATE_H
#define FUSEFS_NODES_PRIVATE_H

#include "fusefs/nodes.h"

#include <pthread.h>

enum {
	NODE_ANCESTOR = 1,	/* exists only here */
	NODE_ROOT = 2,		/* a served root */
};

/** struct name - Owned by its node; holds @parent */
struct name {
	struct name *next;
	struct node *parent;
	uint8_t len;
	bool gone;		/* removed: still what a file without a name is judged by */
	char text[];
};

/** struct dir - What directories have besides */
struct dir {
	struct policy_state state;	/* valid at @epoch */
	uint32_t epoch;
	int fd;				/* O_PATH; -1 none */
	uint32_t fd_users;		/* a served root has one for ever */
	struct node *newer, *older;	/* order of use of those with an fd */
};

struct node {
	struct node *next;		/* in the bucket */
	struct name *names;		/* directories: one; newest first */
	struct dir *dir;		/* directories only */
	struct handle *handles;
	struct node_id id;
	uint64_t lookups;		/* the kernel's */
	uint32_t holds;			/* names of children, places */
	uint16_t type;			/* S_IFMT bits */
	uint16_t flags;			/* never change: read without the lock */
	bool gone;			/* its number may come again for something else: never found any more */
	int64_t known_mtime_ns, known_size;	/* of the content in the kernel's cache */
	int64_t told_mtime_ns, told_size;	/* attributes it has */
};

struct nodes {
	pthread_mutex_t lock;		/* everything below and in every node */
	const struct policy *policy;
	struct node **bucket;
	size_t bucket_count, count;
	struct node *root, *fixed;	/* ancestors and roots, chained by @next */
	uint32_t epoch;
	struct node *fd_newest, *fd_oldest;
	size_t fd_count, fd_max;
};

/* All of these under nodes.lock */
static inline void nodes_lock(struct nodes *t)
{
	(void)pthread_mutex_lock(&t->lock);	/* a plain mutex that is initialised: cannot fail */
}

static inline void nodes_unlock(struct nodes *t)
{
	(void)pthread_mutex_unlock(&t->lock);	/* held by us */
}

struct node *node_new(mode_t type);
void node_release(struct nodes *t, struct node *n);	/* frees it and what it alone held, when nobody needs it */
struct name **node_find_name(struct node *n, const struct node *dir, const char *name);
int node_add_name(struct nodes *t, struct node *n, struct node *dir, const char *name);
void node_free_name(struct nodes *t, struct name *name);
void node_drop_name(struct nodes *t, struct node *n, const struct node *dir, const char *name, bool keep_last);
void dir_state(struct nodes *t, struct node *dir);	/* brings dir->state up to date */
void name_state(struct nodes *t, const struct name *name, struct policy_state *ret);
void dir_fd_drop(struct nodes *t, struct node *dir);

#endif /* FUSEFS_NODES_PRIVATE_H */
