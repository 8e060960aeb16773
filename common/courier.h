/* SPDX-License-Identifier: Apache-2.0
 *
 * common/courier.h - Sends on Unix sockets in the name of a process of the cage
 *
 * A receiver that asks for credentials (SO_PASSCRED: Chromium's zygote, D-Bus,
 * journald) is told the pid of whoever called sendmsg(2). The doorman lives
 * outside the cage's pid namespace: the receiver would see 0. A thread of init
 * may name any process of its own namespace (CAP_SYS_ADMIN there, unix(7)), so
 * it makes the call. It never waits: what would block comes back as -EAGAIN.
 */
#ifndef COMMON_COURIER_H
#define COMMON_COURIER_H

#include <sys/types.h>

#include "common/base.h"

#define COURIER_FDS_MAX 253	/* SCM_MAX_FD */

/** struct courier_parcel - One call of sendmsg. Everything is borrowed */
struct courier_parcel {
	pid_t sender;		/* thread group id in the cage */
	int sock, pin;		/* @pin: O_PATH descriptor of the destination, or -1 */
	int flags;
	const void *data;
	size_t data_len;	/* bytes, at most 256 KiB */
	const void *name;	/* sockaddr when there is no pin; NULL for none */
	size_t name_len;
	const int *fds;		/* to be passed as SCM_RIGHTS */
	size_t fd_count;
};

/**
 * courier_start() - In init, while it has its capabilities: the thread that serves @sock
 *
 * Return: 0; -errno. Context: single-threaded pid 1
 */
int courier_start(int sock) MUST_USE;

/**
 * courier_send() - In the supervisor: have it sent
 * @courier:	Our end. One call at a time: the caller locks
 *
 * Return: bytes sent; -EAGAIN it would block; -errno of sendmsg or of the courier
 */
ssize_t courier_send(int courier, const struct courier_parcel *p) MUST_USE;

#endif /* COMMON_COURIER_H */
