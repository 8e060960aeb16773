/* SPDX-License-Identifier: Apache-2.0
 *
 * audit/mask.h - Secrets in command lines do not reach the log
 */
#ifndef AUDIT_MASK_H
#define AUDIT_MASK_H

#include "policy/policy.h"

#define MASK_ARG_MAX 4096	/* bytes of one argument that are looked at; the rest is left out */

/** struct mask - What one argument says about the next; zero it per command */
struct mask {
	uint32_t arg_count;
	bool next_is_secret, next_is_user, p_is_password;
};

/**
 * mask_arg() - Copy one argument with "***" in place of what looks like a secret
 * @arg:	Untrusted; cut after MASK_ARG_MAX bytes
 * @buf:	At least 4 * MASK_ARG_MAX
 *
 * Seen as secrets: values of names that end in token, secret, password,
 * api-key and the like ("--password=x", "--token x", "GH_TOKEN=x",
 * "?access_token=x", "X-Api-Key: x"), what follows "Authorization:" or
 * "Bearer", the password of a URL, curl's "-u name:x", and tokens known by
 * their first letters (ghp_, sk-, AKIA ...). Works inside one argument as well,
 * because a whole command line may be one argument of a shell.
 *
 * Return: the masked text, in @buf
 */
struct policy_str mask_arg(struct mask *m, const char *arg, char *buf);

#endif /* AUDIT_MASK_H */
