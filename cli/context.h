/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/context.h - Where things are for this user: workspace, home, state, policy sources
 *
 * Shared by "run", "why", "policy" and "doctor", so that they all speak of the same policy.
 */
#ifndef CLI_CONTEXT_H
#define CLI_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/load.h"

/** struct context_options - From the command line; NULL where not given */
struct context_options {
	const char *policy, *workspace;
	const char *const *allow_read, *const *allow_write, *const *allow_host; /* NULL-ended or NULL */
	char *const *command;	/* what is to be run, NULL-ended or NULL */
};

/** struct context - Resolved. Owned; context_free(). */
struct context {
	char *workspace;	/* realpath of --workspace, else of the current directory */
	char *home;		/* realpath of $HOME, else the passwd entry's */
	char *state_dir;	/* $XDG_STATE_HOME/agentsh or ~/.local/state/agentsh */
	char *user_file;	/* $XDG_CONFIG_HOME/agentsh/policy.json or ~/.config/... ; may not exist */
	char *project_file;	/* WORKSPACE/.agentsh/policy.json; may not exist */
	char *self_exe;		/* this program */
};

/** context_find() - 0; -errno and one sentence in @why */
int context_find(struct context *ret, const struct context_options *opt, char *why, size_t why_size);
void context_free(struct context *c);

/** context_policy() - Load the policy that a session with these options would have. As policy_load(). */
int context_policy(struct policy_loaded **ret, const struct context *c,
		   const struct context_options *opt, const char *session_dir,
		   struct policy_diag *reterr);

#define CONTEXT_DIAG_SIZE 512

/** context_diag_text() - "file:line:column: sentence", or as much of it as is known */
void context_diag_text(const struct policy_diag *d, char *buf, size_t size);

/** context_say_diag() - "file:line:column: sentence" on stderr */
void context_say_diag(const struct policy_diag *d);

#endif /* CLI_CONTEXT_H */
