/* SPDX-License-Identifier: Apache-2.0
 *
 * audit/who.h - Who asked: process, parent and program of a task, read once in a while
 */
#ifndef AUDIT_WHO_H
#define AUDIT_WHO_H

#include <pthread.h>
#include <sys/types.h>

#include "common/base.h"

#define WHO_SLOTS 256
#define WHO_PROGRAM_MAX 4096

/** struct who_ids - 0 where unknown */
struct who_ids {
	pid_t tid, tgid, parent;
	pid_t inner;		/* process id in the cage */
};

/** struct who_cache - /proc/TID/status is ten times the price of a line, so its answers are kept for a moment */
struct who_cache {
	pthread_mutex_t lock;
	struct {
		struct who_ids ids;
		uint64_t until_ns;
	} slot[WHO_SLOTS];
};

void who_init(struct who_cache *c);
void who_ids(struct who_cache *c, pid_t tid, struct who_ids *ret);
/** who_program() - /proc/TID/exe now; empty if it cannot be told. Length */
size_t who_program(pid_t tid, char *buf, size_t size);

#endif /* AUDIT_WHO_H */
