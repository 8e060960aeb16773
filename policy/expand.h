/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/expand.h - Variables, "~", and the workspace in front of patterns that have no root
 */
#ifndef POLICY_EXPAND_H
#define POLICY_EXPAND_H

#include "policy/arena.h"
#include "policy/json_in.h"
#include "policy/load.h"

struct expand {
	struct arena *arena;
	const struct policy_vars *vars;
	struct policy_diag *diag;
	bool is_builtin;	/* of a built-in policy: its patterns are checked where it is tested */
};

/**
 * expand_path() - A pattern of a rule, made absolute
 * @at:		The string, for the position in @e->diag
 *
 * What a variable stands for is taken byte by byte: wildcards in it are none.
 * A pattern without a leading '/' or '~' becomes WORKSPACE, any depth, pattern.
 *
 * Return: 0; -EINVAL; -ENOMEM
 */
int expand_path(const struct expand *e, const struct json_value *at, const char **ret) MUST_USE;

/** expand_program() - As expand_path(), but a pattern without '/' stays the base name it is */
int expand_program(const struct expand *e, const struct json_value *at, const char **ret) MUST_USE;

/** expand_text() - Variables in a text that is no pattern; *@ret is NULL if one of them is not set */
int expand_text(const struct expand *e, const struct json_value *at, const char **ret) MUST_USE;

/**
 * expand_file() - Variables and "~" in the name of one file, which is no pattern
 *
 * Return: 0; -EINVAL: not absolute and normalised, a variable not set; -ENOMEM
 */
int expand_file(const struct expand *e, const struct json_value *at, const char **ret) MUST_USE;

/**
 * expand_command() - "${COMMAND:KEY}": the values that the session's command line sets KEY to
 * @ret:	Values of KEY in the words behind "-c" or "--config", before a "--"; lives in the arena
 * @ret_is:	Whether @at is of that form; nothing else is set if not
 *
 * Return: 0; -EINVAL; -ENOMEM
 */
int expand_command(const struct expand *e, const struct json_value *at, const char *const **ret,
		   size_t *ret_count, bool *ret_is) MUST_USE;

/** expand_quote() - @path as a pattern that matches it alone; NULL when memory is short */
char *expand_quote(struct arena *a, const char *path) MUST_USE;

/**
 * expand_literal() - The directory or file that a pattern starts with
 * @buf:	Gets the components before the first wildcard, quoting undone
 * @ret_rest:	What follows in @pattern, without a '/' in front; "" if nothing
 *
 * Return: 0; -ENAMETOOLONG
 */
int expand_literal(const char *pattern, char *buf, size_t size, const char **ret_rest) MUST_USE;

/** expand_getenv() - A variable of the caller's environment; NULL if not set */
const char *expand_getenv(const struct policy_vars *vars, const char *name);

#endif /* POLICY_EXPAND_H */
