/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/arena.h - Memory of one load: handed out piecemeal, released at once
 */
#ifndef POLICY_ARENA_H
#define POLICY_ARENA_H

#include "common/base.h"

/** struct arena - Zero-initialised is empty. Fields are private. */
struct arena {
	struct arena_chunk *chunk;
};

/** arena_alloc() - Zeroed, aligned for anything; NULL when memory is short */
void *arena_alloc(struct arena *a, size_t size) MUST_USE;
char *arena_strdup(struct arena *a, const char *s) MUST_USE;
char *arena_strndup(struct arena *a, const char *s, size_t len) MUST_USE;
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3) MUST_USE;

/**
 * arena_grow() - Make room for one more element of an array that lives in an arena
 * @array:	Array, NULL at first
 * @count:	Elements in use; full is when it is 0 or a power of two
 * @size:	Size of one element, bytes
 *
 * Return: the array, moved when it had to grow; NULL when memory is short
 */
void *arena_grow(struct arena *a, void *array, size_t count, size_t size) MUST_USE;

/** arena_free() - Release everything; the arena is empty again */
void arena_free(struct arena *a);

#endif /* POLICY_ARENA_H */
