/* SPDX-License-Identifier: Apache-2.0
 *
 * common/cleanup.h - Scope-bound release of descriptors and memory
 *
 * Either these or "goto out" in one function, never both.
 */
#ifndef COMMON_CLEANUP_H
#define COMMON_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_closep(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);	/* read side or already failed: nothing to lose */
}

static inline void cleanup_freep(void *p)
{
	free(*(void **)p);
}

/** steal_fd() - Take a descriptor out of its cleanup variable */
static inline int steal_fd(int *fd)
{
	int ret = *fd;

	*fd = -1;
	return ret;
}

#define cleanup_fd	__attribute__((cleanup(cleanup_closep)))
#define cleanup_free	__attribute__((cleanup(cleanup_freep)))

#endif /* COMMON_CLEANUP_H */
