/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/environment.h - The environment a session starts with
 */
#ifndef CLI_ENVIRONMENT_H
#define CLI_ENVIRONMENT_H

#include "policy/load.h"

#define ENVIRONMENT_BIN "/run/agentsh/bin"	/* where the view shows this program */

/**
 * environment_make() - The caller's environment after the policy's rules, fitted to the view
 *
 * Goes: ways back to terminals and editors outside (TMUX, STY, VSCODE_*_IPC*),
 * a TMPDIR that the view does not have. XDG_RUNTIME_DIR becomes the cage's own
 * if there was one. PATH gets ENVIRONMENT_BIN at its end unless an agentsh is
 * on it already.
 *
 * Return: free with policy_env_free(); NULL without memory
 */
char **environment_make(const struct policy_loaded *l);

#endif /* CLI_ENVIRONMENT_H */
