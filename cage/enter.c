/* SPDX-License-Identifier: Apache-2.0
 *
 * cage/enter.c - The command's process: gives everything up, then execs
 *
 * The order matters: capabilities go before no_new_privs and the filter come,
 * so that nothing afterwards can lean on them; Landlock before the filter,
 * because its rules open paths; the filter last, because from there on the exec
 * itself is judged. Between the filter and the exec only calls are made that
 * no policy refuses: write, read, close, signals, umask.
 */
#include "cage/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

static int limit(int resource, uint64_t value, struct cage_failure *reterr)
{
	struct rlimit rl;

	if (getrlimit(resource, &rl) < 0)
		return cage_fail(reterr, errno, "limits", "getrlimit: %s", strerror(errno));
	if (rl.rlim_max == RLIM_INFINITY || rl.rlim_max > value)
		rl.rlim_max = value;
	if (rl.rlim_cur == RLIM_INFINITY || rl.rlim_cur > rl.rlim_max)
		rl.rlim_cur = rl.rlim_max;
	return setrlimit(resource, &rl) < 0 ? cage_fail(reterr, errno, "limits", "setrlimit: %s", strerror(errno)) : 0;
}

static int limits(const struct cage_config *cfg, struct cage_failure *reterr)
{
	int r = limit(RLIMIT_CORE, 1, reterr);	/* not 0: with 0 a core_pattern that pipes still runs */

	if (r == 0 && cfg->limit_processes)
		r = limit(RLIMIT_NPROC, cfg->limit_processes, reterr);
	if (r == 0 && cfg->limit_open_files)
		r = limit(RLIMIT_NOFILE, cfg->limit_open_files, reterr);
	return r;
}

static int confine(const struct cage_config *cfg, struct cage_failure *reterr, int *ret_listener)
{
	struct filter_options opt = {
		.tracing = cfg->tracing, .nested = cfg->nested, .traps_opens = cfg->plan->traps_opens,
		.uid = cfg->uid, .gid = cfg->gid, .is_lone_root = cfg->uid == 0 && !cfg->package_manager,
		.no_refusals = CAGE_IS_OFF(cfg, FILTER), .no_notify = CAGE_IS_OFF(cfg, DOORMAN),
	};
	bool needs_caps = CAGE_IS_OFF(cfg, NNP);	/* Landlock and seccomp want one or the other */
	int r = limits(cfg, reterr);

	if (r < 0)
		return r;
	r = needs_caps ? 0 : capabilities_drop(cfg);
	if (r < 0)
		return cage_fail(reterr, -r, "capabilities", "%s", strerror(-r));
	if (!needs_caps && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return cage_fail(reterr, errno, "no_new_privs", "%s", strerror(errno));
	r = landlock_enter(cfg, reterr);
	if (r < 0)
		return r;
	r = filter_install(&opt, ret_listener);
	if (r == -EBUSY)
		return cage_fail(reterr, EBUSY, "seccomp", "another supervisor listens already (WSL2, LXC, a cage around this one): "
				 "the kernel has one such place for each process");
	if (r == -EINVAL)
		return cage_fail(reterr, EINVAL, "seccomp", "the kernel cannot wait killably for the doorman: 5.19 or newer is needed");
	if (r < 0)
		return cage_fail(reterr, -r, "seccomp", "%s", strerror(-r));
	r = needs_caps ? capabilities_drop(cfg) : 0;
	return r < 0 ? cage_fail(reterr, -r, "capabilities", "%s", strerror(-r)) : 0;
}

/* ---- exec ---- */

static const char *path_of(char *const *envp)
{
	for (; envp && *envp; envp++)
		if (strncmp(*envp, "PATH=", 5) == 0)
			return *envp + 5;
	return DEFAULT_PATH;
}

/* A script without "#!" is the shell's, as execvp(3) has it */
static int exec_one(const char *path, char *const *argv, char *const *envp)
{
	char *shell_argv[1024] = { (char *)(uintptr_t)"sh", (char *)(uintptr_t)path };

	(void)execve(path, argv, envp);	/* comes back only with an error */
	if (errno != ENOEXEC)
		return -errno;
	for (size_t i = 1; argv[0] && argv[i]; i++) {
		if (i + 2 >= ARRAY_SIZE(shell_argv))
			return -E2BIG;
		shell_argv[i + 1] = argv[i];
	}
	(void)execve("/bin/sh", shell_argv, envp);	/* as above */
	return -errno;
}

static int exec_found(const char *name, char *const *argv, char *const *envp)
{
	char path[PATH_MAX];
	int r = -ENOENT;

	for (const char *p = path_of(envp), *end;; p = end + 1) {
		int len, try;

		end = strchrnul(p, ':');
		len = end == p ? snprintf(path, sizeof(path), "./%s", name) :
				 snprintf(path, sizeof(path), "%.*s/%s", (int)(end - p), p, name);
		/* a look first: a name that is not there need not be judged */
		if (len < (int)sizeof(path) && access(path, F_OK) == 0) {
			try = exec_one(path, argv, envp);
			if (try != -ENOENT && try != -ENOTDIR && try != -EACCES)
				return try;
			if (try == -EACCES)
				r = try;
		}
		if (*end == '\0')
			return r;
	}
}

static _Noreturn void exec_command(const struct cage_config *cfg)
{
	const char *name = cfg->argv[0];
	int r;

	if (name[0] == '\0')
		r = -ENOENT;
	else if (strchr(name, '/'))
		r = exec_one(name, cfg->argv, cfg->envp);
	else
		r = exec_found(name, cfg->argv, cfg->envp);
	if (r == -ENOENT && !strchr(name, '/'))
		(void)dprintf(STDERR_FILENO, "agentsh: %s: command not found\n", name);	/* the last thing we can say */
	else
		(void)dprintf(STDERR_FILENO, "agentsh: %s: %s\n", name, strerror(-r));	/* as above */
	_exit(r == -ENOENT ? CAGE_EXIT_NOT_FOUND : CAGE_EXIT_REFUSED);
}

void cage_caller_restore_signals(const struct cage_caller *caller)
{
	for (int sig = 1; sig < _NSIG; sig++) {
		bool is_ignored = sigismember(&caller->ignored, sig) == 1;

		(void)signal(sig, is_ignored ? SIG_IGN : SIG_DFL);	/* KILL, STOP and libc's own refuse, and need nothing */
	}
	(void)sigprocmask(SIG_SETMASK, &caller->mask, NULL);	/* cannot fail with a valid set */
}

_Noreturn void cage_enter(const struct cage_config *cfg, const struct cage_caller *caller, int setup_sock)
{
	struct cage_failure failure = { .err = 0 };
	int listener = -1, r;

	/* init is not dumpable, and a child begins like its parent; the supervisor must be able to take the listener */
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0) {
		(void)cage_fail(&failure, errno, "command", "prctl: %s", strerror(errno));	/* reported next */
		cage_setup_abort(setup_sock, &failure);
	}
	r = confine(cfg, &failure, &listener);
	if (r < 0)
		cage_setup_abort(setup_sock, &failure);
	r = cage_setup_ask(setup_sock, CAGE_SETUP_LISTENER, listener, -1);
	if (r < 0)
		_exit(CAGE_EXIT_NO_CAGE);	/* the supervisor knows why */
	(void)close(listener);		/* the supervisor's is the one that counts */
	(void)close(setup_sock);
	umask(caller->umask);
	cage_caller_restore_signals(caller);
	exec_command(cfg);
}
