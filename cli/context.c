/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/context.c - Where things are for this user: workspace, home, state, policy sources
 */
#include "cli/context.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SYSTEM_FILE "/etc/agentsh/policy.json"

static int find_workspace(struct context *c, const char *path, char *why, size_t why_size)
{
	struct stat st;
	int err;

	c->workspace = realpath(path, NULL);
	if (!c->workspace || stat(c->workspace, &st) < 0) {
		err = errno;
		(void)snprintf(why, why_size, "the workspace %s: %s", path, strerror(err));
		return -err;
	}
	if (!S_ISDIR(st.st_mode)) {
		(void)snprintf(why, why_size, "the workspace %s is not a directory", path);
		return -ENOTDIR;
	}
	if (strcmp(c->workspace, "/") == 0) {
		(void)snprintf(why, why_size, "the workspace cannot be /; go to a project or give "
			       "--workspace DIR");
		return -EINVAL;
	}
	return 0;
}

static int find_home(struct context *c, char *why, size_t why_size)
{
	const char *home = getenv("HOME");
	const struct passwd *pw;
	struct stat st;

	if (!home || home[0] != '/') {
		pw = getpwuid(getuid());
		home = pw ? pw->pw_dir : NULL;
	}
	c->home = home ? realpath(home, NULL) : NULL;
	if (!c->home || stat(c->home, &st) < 0 || !S_ISDIR(st.st_mode) || strcmp(c->home, "/") == 0) {
		(void)snprintf(why, why_size, "the home %s is no directory that could be one; set HOME",
			       home ? home : "(none)");
		return -ENOENT;
	}
	return 0;
}

/*
 * Root's own things do not lie in the home of somebody else, who could put
 * another policy there, or a compiled one: "sudo -E" leaves HOME as it was.
 */
static const char *own_home(const struct context *c)
{
	const struct passwd *pw;
	struct stat st;

	if (getuid() != 0 || stat(c->home, &st) < 0 || st.st_uid == 0)
		return c->home;
	pw = getpwuid(0);
	return pw && stat(pw->pw_dir, &st) == 0 && st.st_uid == 0 ? pw->pw_dir : c->home;
}

/* $VARIABLE/rest, or HOME/fallback/rest where the variable is not an absolute path */
static char *xdg_path(const struct context *c, const char *variable, const char *fallback,
		      const char *rest)
{
	const char *dir = getenv(variable);
	char *path = NULL;
	int n;

	if (dir && dir[0] == '/')
		n = asprintf(&path, "%s/%s", dir, rest);
	else
		n = asprintf(&path, "%s/%s/%s", own_home(c), fallback, rest);
	return n < 0 ? NULL : path;
}

static char *self_exe(void)
{
	char buf[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", buf, sizeof(buf) - 1);

	if (n < 0)
		return NULL;
	buf[n] = '\0';
	return strdup(buf);
}

int context_find(struct context *ret, const struct context_options *opt, char *why, size_t why_size)
{
	struct context c = { 0 };
	int r = find_workspace(&c, opt->workspace ? opt->workspace : ".", why, why_size);

	if (r == 0)
		r = find_home(&c, why, why_size);
	if (r < 0)
		goto fail;
	c.state_dir = xdg_path(&c, "XDG_STATE_HOME", ".local/state", "agentsh");
	c.user_file = xdg_path(&c, "XDG_CONFIG_HOME", ".config", "agentsh/policy.json");
	if (asprintf(&c.project_file, "%s/.agentsh/policy.json", c.workspace) < 0)
		c.project_file = NULL;
	c.self_exe = self_exe();
	if (!c.state_dir || !c.user_file || !c.project_file || !c.self_exe) {
		(void)snprintf(why, why_size, "memory is short, or /proc is not there");
		r = -ENOMEM;
		goto fail;
	}
	*ret = c;
	return 0;
fail:
	context_free(&c);
	return r;
}

void context_free(struct context *c)
{
	free(c->workspace);
	free(c->home);
	free(c->state_dir);
	free(c->user_file);
	free(c->project_file);
	free(c->self_exe);
	*c = (struct context){ 0 };
}

int context_policy(struct policy_loaded **ret, const struct context *c,
		   const struct context_options *opt, const char *session_dir,
		   struct policy_diag *reterr)
{
	struct policy_vars vars = {
		.workspace = c->workspace,
		.home = c->home,
		.session = session_dir,
		.environ = environ,
		.command = opt->command,
	};
	char cache_dir[PATH_MAX];
	struct policy_sources src = {
		.cache_dir = cache_dir,
		.base = opt->policy,
		.user_file = c->user_file,
		.system_file = SYSTEM_FILE,
		.project_file = c->project_file,
		.allow_read = opt->allow_read,
		.allow_write = opt->allow_write,
		.allow_host = opt->allow_host,
	};

	/* the state directory is out of reach of any cage */
	if (snprintf(cache_dir, sizeof(cache_dir), "%s/compiled", c->state_dir) >= (int)sizeof(cache_dir))
		src.cache_dir = NULL;
	return policy_load(ret, &src, &vars, reterr);
}

void context_diag_text(const struct policy_diag *d, char *buf, size_t size)
{
	if (d->file[0] && d->line)
		(void)snprintf(buf, size, "%s:%u:%u: %s", d->file, d->line, d->column, d->message);	/* CONTEXT_DIAG_SIZE holds it */
	else
		(void)snprintf(buf, size, "%s%s%s", d->file, d->file[0] ? ": " : "", d->message);	/* as above */
}

void context_say_diag(const struct policy_diag *d)
{
	char text[CONTEXT_DIAG_SIZE];

	context_diag_text(d, text, sizeof(text));
	(void)fprintf(stderr, "agentsh: %s\n", text);	/* stderr closed: nothing to do about it */
}
