/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/rules.h - The rules of one policy file, ready for the builder
 */
#ifndef POLICY_RULES_H
#define POLICY_RULES_H

#include "policy/compile.h"
#include "policy/expand.h"

/** struct rule_list - Rules of one section, in order. Lives in an arena. */
struct rule_list {
	struct policy_rule *rule;
	size_t count;
};

/** struct rules_context - Of one file */
struct rules_context {
	struct expand expand;
	bool is_restricting;	/* system and project files: may only refuse and redirect */
	bool is_project;	/* one of these two: written by whoever wrote the repository */
	uint32_t source;
};

/**
 * rules_read() - Append the rules of a file whose shape schema_check() has seen
 * @list:	One for each enum policy_section; grown
 *
 * Return: 0; -EINVAL with the diag of @c->expand; -ENOMEM
 */
int rules_read(struct rule_list list[POLICY_SECTION_COUNT], const struct rules_context *c,
	       const struct json_value *root) MUST_USE;

/** rules_append() - One rule more; -ENOMEM */
int rules_append(struct rule_list *list, struct arena *a, const struct policy_rule *rule) MUST_USE;

/* ---- policy/aliases.c ---- */

/**
 * aliases_add() - Patterns that lead through a symlink, also as what they lead to
 *
 * Rules are compared with resolved paths, so a rule on /bin/su has to mean
 * /usr/bin/su too. What restricts follows every link. What grants follows only
 * those that nobody in the cage could have made: outside workspace and home.
 *
 * Return: 0; -ENOMEM
 */
int aliases_add(struct policy_rule *rule, struct arena *a, const struct policy_vars *vars) MUST_USE;

/* ---- policy/addresses.c ---- */

/**
 * addresses_read() - host, cidr, url and port of a network rule as ranges
 * @ret_dropped: The rule has a url that is not set or names no address: it matches nothing
 *
 * Return: 0; -EINVAL with the diag of @e; -ENOMEM
 */
int addresses_read(struct policy_rule *rule, bool *ret_dropped, const struct expand *e,
		   const struct json_value *v) MUST_USE;

/** addresses_grant() - "HOST[:PORT]" of the command line; -EINVAL with @reterr; -ENOMEM */
int addresses_grant(struct policy_rule *rule, struct arena *a, const char *text,
		    struct policy_diag *reterr) MUST_USE;

/* ---- policy/redirect.c ---- */

/**
 * redirect_read_path() - "to" of a files rule: the path opened instead
 *
 * Asks for "to" where the rule redirects, refuses it elsewhere, and takes only
 * the operations that open something: POLICY_OPS_REDIRECT.
 *
 * Return: 0; -EINVAL with the diag of @e; -ENOMEM
 */
int redirect_read_path(struct policy_rule *rule, const struct expand *e,
		       const struct json_value *v) MUST_USE;

/** redirect_read_words() - "to" of a commands rule: program and arguments; never a project's. Same returns. */
int redirect_read_words(struct policy_rule *rule, const struct expand *e,
			const struct json_value *v, bool is_project) MUST_USE;

#endif /* POLICY_RULES_H */
