/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/walk.h - A path resolved as the caller would, from outside its pid namespace
 */
#ifndef NOTIFYD_WALK_H
#define NOTIFYD_WALK_H

#include <sys/types.h>

#include "common/base.h"

/** struct walk - Where a path is resolved, and for whom. Descriptors are borrowed */
struct walk {
	int host_proc;		/* our own /proc */
	int base;		/* for a relative path; -1: none, relative paths are ENOENT */
	int root;		/* of a caller that has another root than the view; else -1 */
	pid_t inner_tgid, inner_tid;	/* 0: not known yet */
	bool nofollow;		/* of the last component */
	bool is_local;		/* in the doorman: system directories below @root, in one go or not at all (-EAGAIN) */
	uint32_t need;		/* out: RESOLVER_NEED_* */
};

/**
 * walk_pin() - O_PATH descriptor of what @path names
 *
 * Return: fd; -errno as the caller would get; -EAGAIN with w->need set: ask
 * again with that. /proc/self is the caller's; a magic link is followed only
 * beneath its own /proc/PID, for we see more through others than it may.
 */
int walk_pin(struct walk *w, const char *path) MUST_USE;

/** walk_is_system() - A path in a directory of the system, where programs mostly are */
bool walk_is_system(const char *path);

/** walk_same_place() - Two descriptors of one directory of one mount */
bool walk_same_place(int a, int b);

/** walk_path() - Name of a descriptor of ours in the view. Length; -errno */
ssize_t walk_path(int host_proc, int fd, char *buf, size_t size) MUST_USE;

#endif /* NOTIFYD_WALK_H */
