/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/cache.h - Compiled policies kept from one session to the next
 *
 * Compiling is most of what loading a policy costs. What is kept stands beside
 * all that went into it, byte for byte, and is used only if that is the same.
 */
#ifndef POLICY_CACHE_H
#define POLICY_CACHE_H

#include "policy/compile.h"

/**
 * cache_emit() - As policy_builder_emit(), or what that returned for the same rules before
 * @dir:	Directory of the caller's own, out of reach of any cage; made if its
 *		parent is there. NULL: nothing is kept
 *
 * A cache that cannot be read or written is no error.
 */
int cache_emit(const struct policy_builder *b, const char *dir, void **ret_blob, size_t *ret_size,
	       struct policy_diag *reterr, uint32_t *reterr_source) POLICY_MUST_USE;

#endif /* POLICY_CACHE_H */
