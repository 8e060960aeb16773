/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/json_scan.h - The strict grammar, and where each value stands
 *
 * cJSON knows neither comments nor positions, and takes much that is not JSON
 * (trailing text, "\u0000", "01", raw control bytes). This pass takes exactly
 * JSON plus comments and trailing commas, and hands cJSON a clean copy.
 */
#ifndef POLICY_JSON_SCAN_H
#define POLICY_JSON_SCAN_H

#include "common/base.h"
#include "policy/compile.h"

#define JSON_DEPTH_MAX	32
#define JSON_SIZE_MAX	(1024 * 1024)	/* bytes */

struct json_pos {
	uint32_t line, column;	/* 1-based; column counts characters */
};

/** struct json_scan - Owned; json_scan_free(). Zero-initialised is empty. */
struct json_scan {
	char *text;		/* comments and trailing commas are spaces; NUL-terminated */
	size_t len;
	struct json_pos *pos;	/* of each key and each value, in document order */
	size_t pos_count;
};

/** json_scan() - 0; -EINVAL with @reterr; -ENOMEM */
int json_scan(struct json_scan *ret, const char *text, size_t len, struct policy_diag *reterr) MUST_USE;
void json_scan_free(struct json_scan *s);

#endif /* POLICY_JSON_SCAN_H */
