/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/profiles.h - The built-in policies, compiled in by policy/profiles/embed.sh
 */
#ifndef POLICY_PROFILES_H
#define POLICY_PROFILES_H

#include <stddef.h>

/** struct policy_profile - One file of policy/profiles/, its name without ".json" */
struct policy_profile {
	const char *name;
	const char *text;	/* NUL-terminated */
	size_t len;		/* bytes without the NUL */
};

/** policy_profiles - Ended by a NULL name */
extern const struct policy_profile policy_profiles[];

/** policy_schema - docs/policy.schema.json */
extern const struct policy_profile policy_schema;

#endif /* POLICY_PROFILES_H */
