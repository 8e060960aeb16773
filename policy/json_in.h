/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/json_in.h - A JSON text as a tree whose every key and value knows its place
 *
 * The only door to cJSON (STYLE 3.8). Comments and trailing commas are taken;
 * duplicate keys, "\u0000", bad UTF-8, trailing text, numbers that are no exact
 * integers, nesting beyond 32 and texts beyond 1 MiB are not.
 */
#ifndef POLICY_JSON_IN_H
#define POLICY_JSON_IN_H

#include "common/base.h"
#include "policy/compile.h"

enum json_type {
	JSON_NULL = 0,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
	JSON_TYPE_COUNT
};

/** struct json_value - Borrowed from its document */
struct json_value {
	enum json_type type;
	bool boolean;
	int64_t number;
	const char *string;			/* JSON_STRING, no NUL inside */
	const char *key;			/* in an object, else NULL */
	uint32_t line, column;			/* of the value; 1-based, in characters */
	uint32_t key_line, key_column;
	const struct json_value *child, *next;	/* document order */
};

struct json_doc;				/* opaque */

/** json_read() - 0; -EINVAL with @reterr (line, column, sentence; not the file); -ENOMEM */
int json_read(struct json_doc **ret, const char *text, size_t len, struct policy_diag *reterr) MUST_USE;
const struct json_value *json_root(const struct json_doc *doc);
struct json_doc *json_free(struct json_doc *doc);	/* NULL ok; returns NULL */

/** json_get() - Member of an object by its exact name; NULL if absent or @object is NULL */
const struct json_value *json_get(const struct json_value *object, const char *key);
const char *json_type_name(enum json_type t);		/* static: "a string" */

#endif /* POLICY_JSON_IN_H */
