/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/caller.h - Acting as the user who asked
 */
#ifndef FUSEFS_CALLER_H
#define FUSEFS_CALLER_H

#include "fusefs/fs.h"

/**
 * struct caller - The identity this thread has taken on; cleanup_caller ends it
 *
 * An ordinary user's supervisor already is who everybody inside is: then
 * nothing is done. Root's takes on user, group and supplementary groups of the
 * task, for the file system alone, and loses root's powers over files with it.
 */
struct caller {
	bool is_other;
};

struct caller caller_begin(const struct fusefs *fs, fuse_req_t req);
void caller_end(struct caller *c);
#define cleanup_caller	__attribute__((cleanup(caller_end)))

/** caller_thread_init() - A thread that serves: root's own supplementary groups are nobody else's */
void caller_thread_init(const struct fusefs *fs);

/** caller_is_trusted() - Is it a thread of the cage's builder (later resolver)? */
bool caller_is_trusted(const struct fusefs *fs, pid_t tid);

#endif /* FUSEFS_CALLER_H */
