/* SPDX-License-Identifier: Apache-2.0
 *
 * common/fork.h - fork(2), the child with one thread whatever the build
 */
#ifndef COMMON_FORK_H
#define COMMON_FORK_H

#include <unistd.h>

/**
 * fork_single() - As fork(2), from a process of one thread
 *
 * ThreadSanitizer's fork() gives the child a thread of its runtime, and a process
 * of two threads cannot enter a user namespace, nor give up privileges by calls
 * that count for the thread alone. _Fork() is the one it does not replace.
 */
static inline pid_t fork_single(void)
{
#ifdef __SANITIZE_THREAD__
	return _Fork();
#else
	return fork();
#endif
}

#endif /* COMMON_FORK_H */
