/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/opengive.c - Opened by the doorman on the host's mounts, and handed in
 *
 * What the cage may have had a hand in, the target of a redirect, is not opened
 * by a name: the name is pinned, the pin looked at, and the pin is opened. So a
 * FIFO or a device in its place blocks nobody and starts nothing. And nothing is
 * truncated before it was looked at.
 */
#include "notifyd/open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/proc.h"
#include "notifyd/target.h"

/* Of the caller's flags: what makes or looks for a name has been answered, O_TRUNC comes last */
#define FLAGS_GIVEN	(O_ACCMODE | O_APPEND | O_NONBLOCK | O_DSYNC | O_SYNC | O_DIRECT | O_NOATIME)

/* Through no link at all: one could have been planted */
static int pin_on_host(const struct call *c, const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	(void)c;
#ifdef AGENTSH_TEETH
	if (c->n->is_pins_off)
		how = (struct open_how){ .flags = O_PATH | O_CLOEXEC };
#endif
	fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

static int open_pin(const struct opening *o, int pin, int *ret_fd)
{
	char link[32];
	int fd, r = borrow_begin(o->c);

	if (r < 0)
		return r;
	(void)snprintf(link, sizeof(link), "self/fd/%d", pin);	/* always fits */
	fd = openat(o->c->n->proc_fd, link, (int)(o->flags & FLAGS_GIVEN) | O_NOCTTY | O_CLOEXEC);
	r = fd < 0 ? -errno : 0;
	borrow_end();
	if (r == 0)
		*ret_fd = fd;
	return r;
}

/*
 * The pin in the view is a regular file, so that is what the host has there too,
 * unless somebody outside has just put another thing in its place: that is seen
 * before anything comes of it, and O_NONBLOCK keeps it from holding us up.
 */
int open_give(const struct opening *o, int *ret_fd)
{
	struct open_how how = {
		.flags = (o->flags & FLAGS_GIVEN) | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	struct stat st;
	int fd, r = borrow_begin(o->c);

	if (r < 0)
		return r;
	fd = (int)syscall(SYS_openat2, AT_FDCWD, o->resolved, &how, sizeof(how));
	r = fd < 0 ? -errno : 0;
	borrow_end();
	if (r < 0)
		return r == -ELOOP || r == -ENOENT || r == -ENOTDIR ? -EACCES : r;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_dev != o->st.st_dev || st.st_ino != o->st.st_ino ||
	    (!(o->flags & O_NONBLOCK) && fcntl(fd, F_SETFL, (int)(o->flags & (O_APPEND | O_DIRECT | O_NOATIME))) < 0)) {
		(void)close(fd);	/* nothing was written */
		return -EACCES;
	}
	*ret_fd = fd;
	return 0;
}

/* As O_CREAT would make it for the caller */
static int make_target(const struct opening *o, const char *target)
{
	struct open_how how = {
		.flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	struct proc_status st;
	long fd;
	int r = proc_status(o->c->tid, &st);

	if (r == 0)
		r = target_valid(o->c);
	if (r == 0)
		r = borrow_begin(o->c);
	if (r < 0)
		return r;
	how.mode = o->is_absent ? o->mode & 0777 & ~st.umask : o->st.st_mode & 0777;
	fd = syscall(SYS_openat2, AT_FDCWD, target, &how, sizeof(how));
	r = fd < 0 ? -errno : 0;
	borrow_end();
	if (fd >= 0)
		(void)close((int)fd);	/* empty; opened by its pin like any other */
	return r == -EEXIST ? 0 : r;
}

int open_give_target(const struct opening *o, const char *target, int *ret_fd)
{
	int first = pin_on_host(o->c, target);
	int r = first == -ENOENT ? make_target(o, target) : 0;
	cleanup_fd int pin = first == -ENOENT && r == 0 ? pin_on_host(o->c, target) : first;
	struct stat st;

	if (r < 0)
		return r;
	if (pin < 0)
		return pin == -ELOOP ? -EACCES : pin;
	if (fstat(pin, &st) < 0 || !S_ISREG(st.st_mode))
		return -EACCES;
	return open_pin(o, pin, ret_fd);
}

/*
 * A caller whose table is full gets EMFILE before anything is changed, as
 * natively: so the descriptor goes in first and the file is truncated then,
 * and only then the caller goes on.
 */
int open_hand_in(struct call *c, const struct opening *o, int fd)
{
	uint32_t flags = o->flags & O_CLOEXEC;
	int number;

	if (!(o->flags & O_TRUNC)) {
		c->reply.kind = REPLY_FD;
		c->reply.fd = fd;
		c->reply.fd_flags = flags;
		return 0;
	}
	number = target_give_fd(c, fd, flags);
	if (number >= 0 && ftruncate(fd, 0) < 0)
		number = -errno;
	(void)close(fd);	/* the caller has its own */
	if (number < 0)
		return number;
	reply_result(c, number);
	return 0;
}
