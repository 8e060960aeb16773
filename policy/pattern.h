/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/pattern.h - The pattern language; write side only
 *
 *   *       any bytes within a component, also none; a leading dot is no exception
 *   ?       one byte
 *   [a-z]   one byte of a set; [!...] or [^...] one byte outside it
 *   {a,b}   either, within a component; may be nested
 *   **      as a whole component: any number of components, also none; at the
 *           end at least one, so X/ ** covers what is beneath X and not X
 *   \x      the byte x
 *
 * Nothing but "**" and '/' itself matches a '/'. Bytes are compared exactly.
 */
#ifndef POLICY_PATTERN_H
#define POLICY_PATTERN_H

#include "common/base.h"
#include "policy/compile.h"

enum pattern_kind {
	PATTERN_PATH = 0,	/* absolute */
	PATTERN_NAME,		/* one component */
	PATTERN_ARG,		/* one argument: '/' is a byte like any other, "**" is "*" */
};

enum pattern_token_kind {
	PATTERN_END = 0,
	PATTERN_BYTE,
	PATTERN_ANY_BYTE,
	PATTERN_SET,
	PATTERN_STAR,
	PATTERN_MIDDLE,		/* "**" and the '/' behind it */
	PATTERN_TAIL,		/* "**" at the end */
};

struct pattern_token {
	enum pattern_token_kind kind;
	uint8_t byte;
	uint64_t set[4];	/* PATTERN_SET: bit per byte; never '/' but in PATTERN_ARG */
};

/** struct pattern_cursor - Reads a pattern without braces token by token */
struct pattern_cursor {
	const char *p;
	enum pattern_kind kind;
	bool at_start;		/* of a component */
	const char *why;	/* set when pattern_next() fails; static */
};

struct pattern_cursor pattern_cursor(const char *text, enum pattern_kind kind);

/** pattern_next() - 0; -EINVAL and cursor.why */
int pattern_next(struct pattern_cursor *c, struct pattern_token *ret) POLICY_MUST_USE;

/**
 * pattern_each() - Call @fn with each pattern that the braces of @text stand for
 * @reterr_why:	Static words on -EINVAL from the braces themselves
 *
 * Return: 0; -EINVAL; -ENOMEM; what @fn returned if not 0
 */
int pattern_each(const char *text, enum pattern_kind kind,
		 int (*fn)(void *context, const char *plain), void *context,
		 const char **reterr_why) POLICY_MUST_USE;

/** pattern_check() - 0; -EINVAL and static words; -ENOMEM */
int pattern_check(const char *text, enum pattern_kind kind, const char **reterr_why) POLICY_MUST_USE;

static inline bool pattern_set_has(const uint64_t set[4], uint8_t byte)
{
	return set[byte >> 6] >> (byte & 63) & 1;
}

/** pattern_set_next() - The first byte of the set from @byte on; 256 if there is none */
static inline unsigned int pattern_set_next(const uint64_t set[4], unsigned int byte)
{
	while (byte < 256) {
		uint64_t rest = set[byte >> 6] >> (byte & 63);

		if (rest)
			return byte + (unsigned int)__builtin_ctzll(rest);
		byte = (byte | 63) + 1;
	}
	return byte;
}

#endif /* POLICY_PATTERN_H */
