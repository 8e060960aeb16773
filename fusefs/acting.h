/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/acting.h - Who is behind a request, where a thread of the resolver's stands for somebody inside
 */
#ifndef FUSEFS_ACTING_H
#define FUSEFS_ACTING_H

#include <stdatomic.h>
#include <sys/types.h>

#define ACTING_MAX 16		/* threads of the resolver */

/** struct acting - Pairs of ids; an agent that is 0 is a free place */
struct acting {
	atomic_int count;
	struct {
		atomic_int agent, caller;
	} pair[ACTING_MAX];
};

/** acting_caller() - For whom thread @tid acts: mostly for itself */
pid_t acting_caller(struct acting *a, pid_t tid);

#endif /* FUSEFS_ACTING_H */
