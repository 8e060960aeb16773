/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/open.h - What the files of opens share: open.c, openfind.c, opengive.c
 */
#ifndef NOTIFYD_OPEN_H
#define NOTIFYD_OPEN_H

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>

#include "notifyd/doorman.h"

/* Of openat2: those that our own walk keeps, and one that asks for nothing but speed */
#define OPEN_RESOLVE_KEPT	(uint64_t)(RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_CACHED)

/** enum open_place - Who decides there */
enum open_place {
	OPEN_PLACE_NATIVE = 0,	/* nothing but the caller's own right: /tmp, devices, pipes, bound writable */
	OPEN_PLACE_SERVED,	/* fusefs */
	OPEN_PLACE_BOUND,	/* read-only by the view: what the policy adds to that is ours */
};

/** struct opening - One call that wants to change a file, and what it would reach. open_release() */
struct opening {
	const struct call *c;
	int dirfd;
	uint64_t flags, resolve;	/* as in struct open_how */
	mode_t mode;
	bool is_rare;			/* truncates, and Landlock does not see it: the resolver looks, wherever it leads */

	enum open_place place;
	int pin;			/* O_PATH; of the folder if @is_absent; -1: a native place */
	bool is_absent;			/* no such name, and it is to be made */
	struct stat st;			/* of @pin, in bound places */
	char asked[PATH_MAX];		/* as the caller has it */
	char resolved[PATH_MAX];	/* in the view; no link in it */
};

/* What an open may change beside what it is opened for */
static inline bool open_is_writing(const struct opening *o)
{
	return (o->flags & O_ACCMODE) != O_RDONLY || (o->flags & O_TRUNC);
}

/**
 * open_find() - Pin what the caller names, in its own view and by its own links, and tell where that is
 *
 * Return: 0; -EAGAIN: nothing here is for us to decide, the kernel's own answer
 * is the right one (not there, a folder, a link that must not be followed, …)
 */
int open_find(struct opening *o) MUST_USE;
void open_release(struct opening *o);

/**
 * open_give() - Open the pinned file on the host's mounts, as the caller
 * @ret_fd:	Close-on-exec; not truncated yet
 *
 * Regular files only, and only if the host has at that path what was pinned.
 *
 * Return: 0; -errno to answer
 */
int open_give(const struct opening *o, int *ret_fd) MUST_USE;

/** open_give_target() - The same for the target of a redirect, which is made if it is not there */
int open_give_target(const struct opening *o, const char *target, int *ret_fd) MUST_USE;

/** open_hand_in() - Give @fd, which is taken over, to the caller; and truncate if that was asked. 0; -errno */
int open_hand_in(struct call *c, const struct opening *o, int fd) MUST_USE;

/* ---- borrow.c ---- */

/** borrow_begin() - As root's doorman: this thread has the caller's identity on file systems. 0; -errno */
int borrow_begin(const struct call *c) MUST_USE;
void borrow_end(void);

#endif /* NOTIFYD_OPEN_H */
