/* SPDX-License-Identifier: Apache-2.0
 *
 * common/jsonw.h - Append-only JSON writer into a caller's buffer
 *
 * Escapes everything that is not printable ASCII or valid UTF-8 (other bytes
 * become \u00XX of their Latin-1 value, so a line is always valid JSON and
 * holds no control byte). When the buffer is full the writer turns sticky
 * "overflowed" and writes nothing more.
 */
#ifndef COMMON_JSONW_H
#define COMMON_JSONW_H

#include <stdbool.h>

#include "common/base.h"
#include "policy/policy.h"	/* struct policy_str */

struct jsonw {
	char *buf;
	size_t size, len;	/* bytes; @len excludes the NUL that is always there */
	bool overflowed, need_comma;
};

void jsonw_init(struct jsonw *w, char *buf, size_t size);
void jsonw_object_begin(struct jsonw *w);
void jsonw_object_end(struct jsonw *w);
void jsonw_array_begin(struct jsonw *w);
void jsonw_array_end(struct jsonw *w);
void jsonw_key(struct jsonw *w, const char *key);
void jsonw_str(struct jsonw *w, struct policy_str s);
void jsonw_cstr(struct jsonw *w, const char *s);	/* NULL writes null */
void jsonw_int(struct jsonw *w, int64_t v);
void jsonw_uint(struct jsonw *w, uint64_t v);
void jsonw_bool(struct jsonw *w, bool v);

#endif /* COMMON_JSONW_H */
