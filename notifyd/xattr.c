/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/xattr.c - setxattr of root's cage: access lists of what belongs to others
 *
 * The kernel gives only the owner of a file, or a capability that a caged root
 * does not have, the right to set its access list, and asks nobody else: it is
 * EPERM, which "cp -p" and "tar" take for a failure, where everything else about
 * another's file is fusefs's to judge, and works. A file system without access
 * lists they know, and set the mode instead.
 */
#include "notifyd/doorman.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "common/cleanup.h"
#include "notifyd/pins.h"
#include "notifyd/target.h"

#define LISTS "system.posix_acl_"

static bool is_of_another(const struct stat *st)
{
	return st->st_uid != 0;
}

static bool is_anothers_descriptor(const struct call *c, int fd)
{
	char name[48];
	struct stat st;

	(void)snprintf(name, sizeof(name), "%d/fd/%d", c->tid, fd);	/* always fits */
	return fstatat(c->n->proc_fd, name, &st, 0) == 0 && target_valid(c) == 0 && is_of_another(&st);
}

static bool is_anothers_path(const struct call *c, uint64_t addr, bool nofollow)
{
	char path[PATH_MAX];
	struct pin_request q = { .dirfd = AT_FDCWD, .path = path, .nofollow = nofollow };
	cleanup_free struct resolver_reply *rep = malloc(sizeof(*rep));
	cleanup_fd int pin = -1;
	struct stat st;

	if (!rep || target_read_str(c, addr, path, sizeof(path)) < 0 || pins_path(c, &q, rep, &pin) < 0)
		return false;
	return fstat(pin, &st) == 0 && is_of_another(&st);
}

static bool is_anothers(const struct call *c)
{
	if (c->nr == SYS_fsetxattr)
		return is_anothers_descriptor(c, (int)c->args[0]);
	return is_anothers_path(c, c->args[0], c->nr == SYS_lsetxattr);
}

/* CONTINUE grants nothing: the kernel judges the object and the name that it reads again as it would without us */
void handle_setxattr(struct call *c)
{
	char name[sizeof(LISTS)];
	ssize_t n = target_read_str(c, c->args[1], name, sizeof(name));

	/* A longer one does not fit, and is there as far as it does */
	if ((n >= 0 || n == -ENAMETOOLONG) && strncmp(name, LISTS, sizeof(LISTS) - 1) == 0 && is_anothers(c))
		reply_result(c, -EOPNOTSUPP);
	else
		c->reply.kind = REPLY_CONTINUE;
}
