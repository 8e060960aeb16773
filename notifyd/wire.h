/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/wire.h - Messages between the doorman and the resolver
 *
 * Both ends are the same program, one request and one reply at a time on each
 * socket. Descriptors of a request, in this order, as its flags say: base,
 * root, cwd. PIN replies with the pin, DIAG with a socket.
 */
#ifndef NOTIFYD_WIRE_H
#define NOTIFYD_WIRE_H

#include <limits.h>
#include <stdint.h>

#include "common/base.h"
#include "notifyd/actor.h"

enum resolver_op {
	RESOLVER_HELLO = 0,	/* one descriptor: the host's /proc. Answered like the others */
	RESOLVER_PIN,
	RESOLVER_EXEC,		/* program, its #! chain, and the ELF interpreter of the last */
	RESOLVER_DIAG,		/* replies with a NETLINK_SOCK_DIAG socket of the cage's network namespace */
	RESOLVER_CONNECT,	/* two descriptors: the pin of a Unix socket, and the socket to connect to it */
	RESOLVER_BIND,		/* one descriptor more: a Unix socket, to be bound to @path as @actor would */
	RESOLVER_OP_COUNT
};

/* struct resolver_request.flags */
#define RESOLVER_HAS_BASE	(1u << 0)	/* where a relative path starts */
#define RESOLVER_HAS_ROOT	(1u << 1)	/* the caller's root is not the view's */
#define RESOLVER_HAS_CWD	(1u << 2)	/* for a relative #! interpreter */
#define RESOLVER_HAS_IDS	(1u << 3)
#define RESOLVER_NOFOLLOW	(1u << 4)
#define RESOLVER_EMPTY		(1u << 5)	/* an empty path means the base itself */

/* struct resolver_reply.need: ask again with that */
#define RESOLVER_NEED_IDS	(1u << 0)	/* the path leads through /proc/self */
#define RESOLVER_NEED_CWD	(1u << 1)

struct resolver_request {
	uint32_t op, flags;
	int32_t inner_tgid, inner_tid;
	struct actor actor;	/* BIND */
	char path[PATH_MAX];	/* sent as far as its NUL */
};

/* struct resolver_object.flags */
#define RESOLVER_O_SCRIPT	(1u << 0)	/* the next object interprets it */
#define RESOLVER_O_ELF		(1u << 1)
#define RESOLVER_O_LOADER	(1u << 2)	/* a dynamic loader: runs the program it is given */
#define RESOLVER_O_UNREADABLE	(1u << 3)
#define RESOLVER_O_INTERP	(1u << 4)	/* the PT_INTERP of the object before it */
#define RESOLVER_O_MEMORY	(1u << 5)	/* no name leads to it: memfd, deleted */
#define RESOLVER_O_FIXED	(1u << 6)	/* of the system, on a read-only mount: nobody inside replaces it */

#define RESOLVER_OBJECTS_MAX	8
#define RESOLVER_TEXT_MAX	40960

/** struct resolver_object - One file. Offsets into the text, each string NUL-terminated there */
struct resolver_object {
	uint64_t dev, ino;
	uint64_t size;
	int64_t ctime_sec, ctime_nsec;	/* with size: the content is what was looked at */
	uint32_t mode, flags;
	uint32_t path_off;	/* as resolved, in the view */
	uint32_t asked_off;	/* as it was named */
	uint32_t arg_off;	/* SCRIPT: the optional argument of its #! line */
	uint32_t has_arg;
};

struct resolver_reply {
	int32_t err;		/* 0 or -errno */
	int32_t tid;		/* HELLO: of the thread that serves this socket */
	uint32_t need, count;
	uint32_t text_len;
	struct resolver_object object[RESOLVER_OBJECTS_MAX];
	char text[RESOLVER_TEXT_MAX];	/* sent as far as @text_len */
};

#endif /* NOTIFYD_WIRE_H */
