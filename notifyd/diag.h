/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/diag.h - What the kernel knows of sockets: who listens where, who bound a socket file
 */
#ifndef NOTIFYD_DIAG_H
#define NOTIFYD_DIAG_H

#include "common/base.h"
#include "notifyd/address.h"

/**
 * typedef diag_listener_fn - One listening TCP socket of our network namespace
 * Return: true to go on
 */
typedef bool (*diag_listener_fn)(const struct endpoint *bound, uint64_t cookie, void *ctx);

/** diag_listeners() - Every listener at a port, both families. 0; -errno: unknown, be strict */
int diag_listeners(uint16_t port, diag_listener_fn fn, void *ctx) MUST_USE;

/**
 * diag_listener_for() - The listener that would take a connection, by the kernel's own lookup
 * @to:	an address of this machine
 *
 * Return: 0 and its cookie; -ENOENT nobody; -errno: unknown, be strict
 */
int diag_listener_for(const struct endpoint *to, uint64_t *ret_cookie) MUST_USE;

/** diag_unix_bound() - Is a Unix socket of that network namespace bound to this inode? 1, 0; -errno
 * @netlink_fd: NETLINK_SOCK_DIAG socket of the namespace
 * @dev: major << 20 | minor of the file system, as the kernel has it
 */
int diag_unix_bound(int netlink_fd, uint32_t dev, uint64_t ino) MUST_USE;

#endif /* NOTIFYD_DIAG_H */
