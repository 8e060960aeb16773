/* SPDX-License-Identifier: Apache-2.0
 *
 * common/base.h - The few macros everything uses
 */
#ifndef COMMON_BASE_H
#define COMMON_BASE_H

#include <assert.h>	/* static_assert */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define MUST_USE	__attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))

#endif /* COMMON_BASE_H */
