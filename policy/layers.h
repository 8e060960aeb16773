/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/layers.h - Files stacked into layers; between policy/load.c and the builder
 */
#ifndef POLICY_LAYERS_H
#define POLICY_LAYERS_H

#include <sys/types.h>

#include "policy/arena.h"
#include "policy/json_in.h"
#include "policy/load.h"
#include "policy/rules.h"

#define LAYERS_FILE_MAX		32	/* files of one session */
#define LAYERS_EXTENDS_MAX	10	/* one extends the next */

/** struct layers_file - One text that was read */
struct layers_file {
	const char *name;		/* path, or "built-in:NAME" */
	const char *folder;		/* what "extends" is relative to; NULL for a built-in */
	const char *layer;		/* "base", "system" or "project" */
	bool is_builtin;
	dev_t dev;
	ino_t ino;
	struct json_doc *doc;
};

/** struct layers_stack - Everything of one load */
struct layers_stack {
	struct arena *arena;
	const struct policy_vars *vars;
	const struct policy_sources *src;
	struct policy_diag *diag;
	struct layers_file file[LAYERS_FILE_MAX];	/* the index is a rule's source */
	size_t file_count;
	struct policy_anchor *anchor;
	size_t anchor_count;
	struct policy_listed *rule;
	size_t rule_count;
	const char *layer;		/* being built */
	size_t layer_rule_idx;		/* its first rule: those before are of other layers */
	struct policy_command *command;
	size_t command_count;
	struct rule_list link;		/* what links of the home lead to: links_find() */
	struct rule_list base;		/* the base's files section, each rule with its file: for links_find() */
};

/**
 * layers_read() - Read the base with all it extends, the system's and the project's file
 * @ret_base_count: Files of the base are the first; its own rules come before what it extends
 *
 * Return: 0; -EINVAL, -ENOENT with the diag; -ENOMEM
 */
int layers_read(struct layers_stack *s, size_t *ret_base_count) MUST_USE;

/** layers_build() - Rules, defaults and grants into the builder. Same returns. */
int layers_build(struct layers_stack *s, size_t base_count, struct policy_builder *b) MUST_USE;

/** layers_settings() - environment, limits, tracing, nested, name. Same returns. */
int layers_settings(struct layers_stack *s, size_t base_count, struct policy_loaded *l) MUST_USE;

/**
 * links_find() - What may be read because a readable link of the home leads to it (policy/links.c)
 * @p:		The policy without these rules
 *
 * Fills @s->link. To be built again if that holds any. Same returns.
 */
int links_find(struct layers_stack *s, const struct policy *p) MUST_USE;

/**
 * redirect_check() - Where files are redirected to, judged by the compiled policy (policy/redirect.c)
 *
 * agentsh's own files are out of reach of every layer, but for other names in
 * the session's folder. A project redirects from one name of the workspace to
 * another or there, where all the others let the session do what it likes. Same returns.
 */
int redirect_check(struct layers_stack *s, const struct policy *p) MUST_USE;

void layers_release(struct layers_stack *s);	/* the texts; the arena stays */

#endif /* POLICY_LAYERS_H */
