/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/pins.h - The doorman's side of the resolver
 */
#ifndef NOTIFYD_PINS_H
#define NOTIFYD_PINS_H

#include "notifyd/doorman.h"
#include "notifyd/wire.h"

/** struct pin_request - A path as the caller gave it */
struct pin_request {
	int dirfd;		/* of the caller; AT_FDCWD */
	const char *path;
	bool nofollow, empty;	/* AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH */
};

/**
 * pins_exec() - A program, its chain of interpreters and its ELF interpreter
 * @ret:	Filled on success; strings by pins_text()
 *
 * Return: 0; -errno as execve would answer; -ESRCH the caller has gone; -EIO no resolver
 */
int pins_exec(const struct call *c, const struct pin_request *q, struct resolver_reply *ret) MUST_USE;

/** pins_path() - As pins_exec() for one object of any type; @ret_pin is an O_PATH descriptor */
int pins_path(const struct call *c, const struct pin_request *q, struct resolver_reply *ret,
	      int *ret_pin) MUST_USE;

/** pins_view_root() - O_PATH descriptor of the root of the view; borrowed, for ever. -errno */
int pins_view_root(const struct call *c) MUST_USE;

/** pins_diag() - A NETLINK_SOCK_DIAG socket of the cage's network namespace. fd; -errno */
int pins_diag(const struct call *c) MUST_USE;

/** pins_connect() - connect() a Unix socket from within the view's user namespace. 0; -EINTR ask again; -errno */
int pins_connect(const struct call *c, int pin, int sock) MUST_USE;

/** pins_bind() - bind() a Unix socket to a path in the caller's place: its directory, umask and identity. 0; -errno as bind */
int pins_bind(const struct call *c, const char *path, int sock) MUST_USE;

/** pins_text() - A string of a reply; "" if the offset lies */
const char *pins_text(const struct resolver_reply *rep, uint32_t off);

#endif /* NOTIFYD_PINS_H */
