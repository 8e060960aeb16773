/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/actor.h - A thread of ours does something as its caller would: who that is
 */
#ifndef NOTIFYD_ACTOR_H
#define NOTIFYD_ACTOR_H

#include <sys/types.h>

#include "common/base.h"

#define ACTOR_GROUPS_MAX 64

/** struct actor - What the kernel looks at when somebody makes a name. Crosses the resolver's socket */
struct actor {
	uint32_t umask, uid, gid;	/* of the file system, as the supervisor sees them */
	uint32_t group_count;
	uint64_t caps;			/* effective */
	uint32_t groups[ACTOR_GROUPS_MAX];
};

/** actor_read() - Of a task that waits. @is_nested: its capabilities may be those of another namespace. 0; -ESRCH */
int actor_read(pid_t tid, bool is_nested, struct actor *ret) MUST_USE;

/**
 * actor_become() - This thread, and no other, has identity and powers of @a from now on
 *
 * Return: 0; -errno, and then it is itself. End with actor_return().
 */
int actor_become(const struct actor *a) MUST_USE;
void actor_return(void);

/**
 * actor_begin() - As actor_become(), and with a umask and a folder of its own
 *
 * Return: 0; -errno, and then it is itself. End with actor_end().
 */
int actor_begin(const struct actor *a) MUST_USE;
void actor_end(void);

#endif /* NOTIFYD_ACTOR_H */
