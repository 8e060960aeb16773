/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/send.h - One message on its way out
 */
#ifndef NOTIFYD_SEND_H
#define NOTIFYD_SEND_H

#include <sys/socket.h>
#include <sys/uio.h>

#include "notifyd/socket.h"

#define SEND_FDS_MAX	253		/* SCM_MAX_FD */
#define SEND_BYTES_MAX	((size_t)256 << 10)	/* a datagram; a stream goes in pieces of it */

/** struct outgoing - A message, everything in it our own copy but the data. outgoing_release() */
struct outgoing {
	struct sock *s;			/* borrowed */
	int flags;			/* as the caller gave them */
	struct address name;
	bool has_name;
	int pin;			/* of a Unix destination; -1 */
	struct iovec *iov;		/* of the caller's memory */
	size_t iov_count, total;
	char *control;
	size_t control_len;
	int fd[SEND_FDS_MAX];
	size_t fd_count;
};

void outgoing_init(struct outgoing *o, struct sock *s, int flags);
void outgoing_release(struct outgoing *o);

/** outgoing_control() - Copy, check and translate control messages. 0; -errno */
int outgoing_control(const struct call *c, struct outgoing *o, uint64_t addr, size_t len) MUST_USE;

/** outgoing_deliver() - Send as the caller would have; raises SIGPIPE. Bytes sent; -errno */
int64_t outgoing_deliver(struct call *c, struct outgoing *o) MUST_USE;

#endif /* NOTIFYD_SEND_H */
