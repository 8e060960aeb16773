/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/block.h - What an exec reads from memory: path, argv and environment in one piece
 */
#ifndef NOTIFYD_BLOCK_H
#define NOTIFYD_BLOCK_H

#include <sys/types.h>

#include "common/base.h"

#define BLOCK_MAX	((size_t)7 << 20)	/* the kernel takes 6 MiB of strings at most */

/** struct block - Bytes for the addresses from @addr on. block_free() */
struct block {
	char *data;
	size_t len;
	uint64_t addr, path, argv, envp;	/* addresses; @envp may be outside */
};

/**
 * block_build() - For the place below @top
 * @env:	NULL-ended; NULL: the environment stays where it is, at @old_envp
 *
 * Return: 0; -E2BIG; -ENOMEM
 */
int block_build(struct block *ret, uint64_t top, const char *path, const char *const *argv, char *const *env,
		uint64_t old_envp) MUST_USE;
void block_free(struct block *b);

#endif /* NOTIFYD_BLOCK_H */
