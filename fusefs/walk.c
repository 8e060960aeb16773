/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/walk.c - Entries of a real directory
 */
#include "fusefs/walk.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int walk_begin(struct walk *w, int fd)
{
	*w = (struct walk){ .fd = fd, .buf = malloc(WALK_BUFFER_SIZE) };
	if (w->buf)
		return 0;
	walk_end(w);
	return -ENOMEM;
}

void walk_end(struct walk *w)
{
	if (w->fd >= 0)
		(void)close(w->fd);	/* read only */
	w->fd = -1;
	free(w->buf);
	w->buf = NULL;
}

int walk_next(struct walk *w, struct walk_entry *ret)
{
	const struct dirent64 *e;

	if (w->at >= w->len) {
		ssize_t n = getdents64(w->fd, w->buf, WALK_BUFFER_SIZE);

		if (n <= 0)
			return n < 0 ? -errno : 0;
		w->len = (size_t)n;
		w->at = 0;
	}
	e = (const struct dirent64 *)(const void *)(w->buf + w->at);	/* the kernel aligns them */
	w->at += e->d_reclen;
	*ret = (struct walk_entry){
		.ino = e->d_ino, .next_off = e->d_off, .type = DTTOIF(e->d_type), .name = e->d_name,
	};
	return 1;
}

int walk_seek(struct walk *w, off_t off)
{
	w->at = w->len = 0;
	return lseek(w->fd, off, SEEK_SET) < 0 ? -errno : 0;
}
