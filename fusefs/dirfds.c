/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/dirfds.c - O_PATH descriptors of directories, the least used closed first
 */
#include "fusefs/nodes_private.h"

#include <unistd.h>

static void unlink_fd(struct nodes *t, struct node *n)
{
	struct dir *d = n->dir;

	*(d->newer ? &d->newer->dir->older : &t->fd_newest) = d->older;
	*(d->older ? &d->older->dir->newer : &t->fd_oldest) = d->newer;
	d->newer = d->older = NULL;
}

static void push_newest(struct nodes *t, struct node *n)
{
	n->dir->newer = NULL;
	n->dir->older = t->fd_newest;
	*(t->fd_newest ? &t->fd_newest->dir->newer : &t->fd_oldest) = n;
	t->fd_newest = n;
}

void dir_fd_drop(struct nodes *t, struct node *n)
{
	unlink_fd(t, n);
	(void)close(n->dir->fd);	/* O_PATH: nothing to lose */
	n->dir->fd = -1;
	t->fd_count--;
}

int nodes_fd_get(struct nodes *t, struct node *n)
{
	int fd;

	nodes_lock(t);
	fd = n->dir->fd;
	if (fd >= 0) {
		n->dir->fd_users++;
		if (!(n->flags & NODE_ROOT) && t->fd_newest != n) {
			unlink_fd(t, n);
			push_newest(t, n);
		}
	}
	nodes_unlock(t);
	return fd;
}

void nodes_fd_put(struct nodes *t, struct node *n)
{
	nodes_lock(t);
	n->dir->fd_users--;
	nodes_unlock(t);
}

static void evict(struct nodes *t)
{
	struct node *n = t->fd_oldest, *newer;

	for (; n && t->fd_count > t->fd_max; n = newer) {
		newer = n->dir->newer;
		if (n->dir->fd_users == 0)
			dir_fd_drop(t, n);
	}
}

int nodes_fd_keep(struct nodes *t, struct node *n, int fd)
{
	nodes_lock(t);
	if (n->dir->fd >= 0) {
		(void)close(fd);	/* another thread was first */
	} else {
		n->dir->fd = fd;
		push_newest(t, n);
		t->fd_count++;
	}
	fd = n->dir->fd;
	n->dir->fd_users++;
	evict(t);
	nodes_unlock(t);
	return fd;
}
