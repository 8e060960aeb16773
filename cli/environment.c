/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/environment.c - The environment a session starts with
 */
#include "cli/environment.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base.h"
#include "common/cleanup.h"

/* What leads out to a multiplexer or an editor that would act for the cage */
static const char *const dropped[] = {
	"TMUX", "TMUX_PANE", "STY", "VSCODE_*_IPC*", "VSCODE_IPC*", "VSCODE_GIT_*",
};

static bool is_dropped(const char *var, size_t name_len)
{
	char name[128];

	if (name_len >= sizeof(name))
		return false;
	memcpy(name, var, name_len);
	name[name_len] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(dropped); i++)
		if (fnmatch(dropped[i], name, 0) == 0)
			return true;
	return false;
}

static bool on_path(const char *path)
{
	cleanup_free char *copy = strdup(path);
	char *rest = NULL;

	for (char *dir = copy ? strtok_r(copy, ":", &rest) : NULL; dir; dir = strtok_r(NULL, ":", &rest)) {
		char file[4096];

		(void)snprintf(file, sizeof(file), "%s/agentsh", dir);	/* too long: not there */
		if (access(file, X_OK) == 0)
			return true;
	}
	return false;
}

/* The variable as it is to be inside: same, another (malloc'ed), or NULL to drop it */
static char *fitted(char *var)
{
	const char *eq = strchr(var, '=');
	char *other = var;
	int n = 0;

	if (!eq)
		return var;
	if (is_dropped(var, (size_t)(eq - var)))
		return NULL;
	if (strncmp(var, "TMPDIR=", 7) == 0 && strcmp(eq + 1, "/tmp") != 0 && strncmp(eq + 1, "/tmp/", 5) != 0)
		return NULL;
	if (strncmp(var, "XDG_RUNTIME_DIR=", 16) == 0)
		n = asprintf(&other, "XDG_RUNTIME_DIR=/run/user/%u", (unsigned)getuid());
	else if (strncmp(var, "PATH=", 5) == 0 && !on_path(eq + 1))
		n = asprintf(&other, "%s:" ENVIRONMENT_BIN, var);
	return n < 0 ? var : other;
}

char **environment_make(const struct policy_loaded *l)
{
	char **env = policy_env_apply(l, environ);
	size_t kept = 0;

	for (size_t i = 0; env && env[i]; i++) {
		char *now = fitted(env[i]);

		if (now != env[i])
			free(env[i]);
		if (now)
			env[kept++] = now;
	}
	if (env)
		env[kept] = NULL;
	return env;
}
