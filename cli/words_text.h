/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/words_text.h - Bytes from inside made fit for a person's terminal
 */
#ifndef CLI_WORDS_TEXT_H
#define CLI_WORDS_TEXT_H

#include "policy/load.h"

#define TEXT_MAX 1024	/* bytes that any of these ever write, with the NUL */

/**
 * text_escape() - Printable form of untrusted bytes
 * @buf:	NUL-terminated always
 * @size:	At most TEXT_MAX is used
 * @s:		Untrusted
 *
 * Control characters, invalid UTF-8 and characters that hide or turn text become
 * \n, \t, \xNN or \u{N}. What does not fit loses its middle.
 *
 * Return: @buf
 */
char *text_escape(char *buf, size_t size, struct policy_str s);

/** text_path() - As text_escape(), with ~ for @home (NULL ok) */
char *text_path(char *buf, size_t size, struct policy_str path, const char *home);

/** text_is_default() - No rule decided: not one of the policy, not one that fusefs or the doorman has of its own */
bool text_is_default(struct policy_str rule);

/**
 * text_hint() - What would have allowed it, one clause without a full stop
 * @rule_id:	The rule that decided; POLICY_RULE_NONE for the default
 * @object:	Path, program or "1.2.3.4:80"; untrusted
 *
 * Return: @buf
 */
char *text_hint(char *buf, size_t size, const struct policy_loaded *l, enum policy_op op,
		struct policy_str object, uint32_t rule_id);

#endif /* CLI_WORDS_TEXT_H */
