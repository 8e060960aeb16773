/* SPDX-License-Identifier: Apache-2.0
 *
 * common/fdio.h - Whole reads and writes, descriptors over sockets; all CLOEXEC
 */
#ifndef COMMON_FDIO_H
#define COMMON_FDIO_H

#include <sys/types.h>

#include "common/base.h"

/** fdio_read_full() - Read exactly @size bytes. 0; -ENODATA at an early end; -errno */
int fdio_read_full(int fd, void *buf, size_t size) MUST_USE;
/** fdio_write_full() - Write exactly @size bytes, EINTR and short writes continued. 0; -errno */
int fdio_write_full(int fd, const void *buf, size_t size) MUST_USE;
/** fdio_read_file() - A whole file, NUL-terminated, into malloc'ed memory. 0; -EFBIG above @max bytes; -errno */
int fdio_read_file(int dir_fd, const char *path, size_t max, char **ret, size_t *ret_len) MUST_USE;

/**
 * fdio_send() - One SOCK_SEQPACKET message with up to FDIO_FDS_MAX descriptors
 * Return: 0; -errno. EINTR continued; MSG_NOSIGNAL
 */
#define FDIO_FDS_MAX 8
int fdio_send(int sock, const void *buf, size_t size, const int *fds, size_t fd_count) MUST_USE;

/**
 * fdio_recv() - The counterpart
 * @fds:	Filled with received descriptors (CLOEXEC), at most FDIO_FDS_MAX; owned by the caller
 * @fd_count:	Set always
 *
 * Return: bytes received; 0 at the end of the connection; -EMSGSIZE if cut (descriptors are closed); -errno
 */
ssize_t fdio_recv(int sock, void *buf, size_t size, int *fds, size_t *fd_count) MUST_USE;

#endif /* COMMON_FDIO_H */
