/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/walk.h - Entries of a real directory
 */
#ifndef FUSEFS_WALK_H
#define FUSEFS_WALK_H

#include <dirent.h>
#include <sys/types.h>

#include "common/base.h"

#define WALK_BUFFER_SIZE 32768

/** struct walk_entry - As getdents64() gives it; @name lives until the next read */
struct walk_entry {
	uint64_t ino;
	off_t next_off;			/* where the entry after this one is */
	mode_t type;			/* S_IFMT bits; 0: the file system does not tell */
	const char *name;
};

/** struct walk - An open directory */
struct walk {
	int fd;				/* owned */
	size_t len, at;
	char *buf;			/* WALK_BUFFER_SIZE bytes */
};

/** walk_begin() - Read directory @fd (taken over, also on failure). 0; -ENOMEM */
int walk_begin(struct walk *w, int fd) MUST_USE;
void walk_end(struct walk *w);
/** walk_next() - 1: @ret filled; 0: at the end; -errno */
int walk_next(struct walk *w, struct walk_entry *ret) MUST_USE;
/** walk_seek() - To an offset that next_off gave; 0 is the beginning */
int walk_seek(struct walk *w, off_t off) MUST_USE;

/** walk_is_dot() - "." or ".." */
static inline bool walk_is_dot(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

#endif /* FUSEFS_WALK_H */
