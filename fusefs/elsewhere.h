/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/elsewhere.h - Names whose file a redirect has put somewhere else
 */
#ifndef FUSEFS_ELSEWHERE_H
#define FUSEFS_ELSEWHERE_H

#include "fusefs/backing.h"

/** struct elsewhere - A folder's descriptor and a name in it. Starts as ELSEWHERE_NOWHERE; cleanup_elsewhere puts it back */
struct elsewhere {
	int fd;
	const char *name;
	bool is_own;			/* @fd is ours to close */
	char base[NAME_MAX + 1];
};
#define ELSEWHERE_NOWHERE	{ .fd = -1 }

/**
 * elsewhere_find() - Where the file of this name is: there, or at the redirect's target
 *
 * Return: 0; -EACCES: something is there that is no file; -errno of the target's folder
 */
int elsewhere_find(const struct dirref *d, const char *name, struct elsewhere *ret) MUST_USE;
void elsewhere_put(struct elsewhere *e);
#define cleanup_elsewhere	__attribute__((cleanup(elsewhere_put)))

/** elsewhere_is() - Is the name at this position redirected? @ret: the decision on reading it */
bool elsewhere_is(const struct fusefs *fs, const struct policy_state *st, struct policy_decision *ret);

#endif /* FUSEFS_ELSEWHERE_H */
