/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/grow.h - Arrays that grow; write side only
 */
#ifndef POLICY_GROW_H
#define POLICY_GROW_H

#include <errno.h>
#include <stdlib.h>

#include "common/base.h"

/**
 * grow() - Make room for one more element, or more
 * @array:	Address of the pointer, may hold NULL
 * @cap:	Elements there is room for
 * @need:	Elements there must be room for
 * @size:	Of one element, bytes
 *
 * Return: 0; -ENOMEM, and the array is as it was
 */
MUST_USE static inline int grow(void *array, size_t *cap, size_t need, size_t size)
{
	void **p = array;
	size_t want = *cap ? *cap : 16;
	void *bigger;

	if (need <= *cap)
		return 0;
	while (want < need)
		want *= 2;
	bigger = reallocarray(*p, want, size);
	if (!bigger)
		return -ENOMEM;
	*p = bigger;
	*cap = want;
	return 0;
}

#endif /* POLICY_GROW_H */
