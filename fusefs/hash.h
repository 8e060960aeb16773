/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/hash.h - Spread device and inode numbers over a table
 */
#ifndef FUSEFS_HASH_H
#define FUSEFS_HASH_H

#include "common/base.h"

/** hash_id() - Inode numbers run in sequence: multiply and fold. Fibonacci hashing, Knuth 6.4 */
static inline size_t hash_id(uint64_t dev, uint64_t ino)
{
	uint64_t h = (ino ^ (dev << 32 | dev >> 32)) * UINT64_C(0x9e3779b97f4a7c15);

	return (size_t)(h ^ h >> 32);
}

#endif /* FUSEFS_HASH_H */
