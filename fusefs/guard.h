/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/guard.h - Names stand still while a directory is renamed: fusefs.names_lock
 */
#ifndef FUSEFS_GUARD_H
#define FUSEFS_GUARD_H

#include "fusefs/fs.h"

/** guard_shared() - Around anything that gives an object a name; cleanup_guard ends it */
static inline pthread_rwlock_t *guard_shared(struct fusefs *fs)
{
	(void)pthread_rwlock_rdlock(&fs->names_lock);	/* fails only for a thread that has it */
	return &fs->names_lock;
}

/** guard_alone() - Around the rename of a directory */
static inline pthread_rwlock_t *guard_alone(struct fusefs *fs)
{
	(void)pthread_rwlock_wrlock(&fs->names_lock);	/* as above */
	return &fs->names_lock;
}

static inline void guard_end(pthread_rwlock_t **lock)
{
	if (*lock)
		(void)pthread_rwlock_unlock(*lock);	/* ours */
}
#define cleanup_guard __attribute__((cleanup(guard_end)))

#endif /* FUSEFS_GUARD_H */
