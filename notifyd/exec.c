/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/exec.c - execve and execveat: judged before, verified at the exec stop
 */
#include "notifyd/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "common/proc.h"

#define HELD_MAX	(DOORMAN_THREADS_MAX * 3 / 4)	/* tasks at or before their exec stop at one time */

struct exec *exec_new(void)
{
	struct exec *e = malloc(sizeof(*e));

	if (!e)
		return NULL;
	memset(e, 0, offsetof(struct exec, rep));	/* the reply is large, and filled by what is read into it */
	e->rep.count = e->rep.text_len = 0;
	e->args = (struct argv_copy){ 0 };
	e->next = NULL;
	return e;
}

void exec_free(struct exec *e)
{
	if (!e)
		return;
	argv_free(&e->argv);
	argv_free(&e->expected);
	argv_free(&e->args);
	exec_free(e->next);
	free(e);
}

/** struct exec_args - The registers of both calls */
struct exec_args {
	int dirfd, flags;
	uint64_t path, argv, envp;
};

static struct exec_args exec_args(const struct call *c)
{
	if (c->nr == SYS_execveat)
		return (struct exec_args){ (int)c->args[0], (int)c->args[4], c->args[1], c->args[2], c->args[3] };
	return (struct exec_args){ AT_FDCWD, 0, c->args[0], c->args[1], c->args[2] };
}

/* fs/exec.c: what a descriptor's program is called */
static int name_for_kernel(struct exec *e, const char *path, int dirfd)
{
	int n;

	if (dirfd == AT_FDCWD || path[0] == '/')
		n = snprintf(e->asked, sizeof(e->asked), "%s", path);
	else if (path[0] == '\0')
		n = snprintf(e->asked, sizeof(e->asked), "/dev/fd/%d", dirfd);
	else
		n = snprintf(e->asked, sizeof(e->asked), "/dev/fd/%d/%s", dirfd, path);
	return n >= (int)sizeof(e->asked) ? -ENAMETOOLONG : 0;
}

static int read_exec(const struct call *c, struct exec *e)
{
	struct exec_args a = exec_args(c);
	char path[PATH_MAX];
	struct pin_request q = {
		.dirfd = a.dirfd, .path = path,
		.nofollow = a.flags & AT_SYMLINK_NOFOLLOW, .empty = a.flags & AT_EMPTY_PATH,
	};
	ssize_t n;
	int r;

	if (a.flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;		/* AT_EXECVE_CHECK (6.14) runs nothing: programs do without */
	n = target_read_str(c, a.path, path, sizeof(path));
	if (n < 0)
		return (int)n;
	r = name_for_kernel(e, path, a.dirfd);
	if (r == 0)
		r = pins_exec(c, &q, &e->rep);
	if (r == 0)
		r = target_read_argv(c, a.argv, &e->argv);
	return r;
}

static void find_subjects(const struct call *c, struct exec *e)
{
	struct policy_subject s = subject_of(c, c->n->has_by_commands || c->n->has_by_files, e->exe,
					     sizeof(e->exe));

	e->by_command = e->by_file = s;
}

static void exec_after(struct call *c, int sent)
{
	(void)sent;	/* whatever came of the answer, the task is seized and must be let go */
	execstop_watch(c, c->after_arg);
	c->n->held_count--;
	exec_free(c->after_arg);
}

/*
 * A stop is a millisecond's matter, unless a tracer inside holds a sibling thread
 * that has to die first: then for as long as it likes, and one of our threads
 * with it. Some are left for the execs of the others.
 */
static bool may_hold(struct call *c)
{
	const struct timespec pause = { .tv_nsec = 20000000 };

	for (int i = 0; i < 50 && c->n->held_count >= HELD_MAX; i++) {
		if (!baton_release(c->worker) || target_valid(c) < 0)
			return false;
		(void)nanosleep(&pause, NULL);	/* cut short: looked at sooner */
	}
	return c->n->held_count < HELD_MAX;
}

static bool is_traced(const struct call *c)
{
	struct proc_status st;

	return proc_status(c->tid, &st) == 0 && st.tracer != 0;
}

/* Of a task that cannot be held, seen beforehand: would the rules for every program leave its environment alone? */
static bool is_environment_fine(const struct call *c)
{
	const struct notifyd_config *cfg = &c->n->cfg;
	struct argv_copy given = { 0 };
	bool is_fine = false;
	uint64_t envp = exec_args(c).envp;
	char **env;

	if (!cfg->each)
		return true;
	if (envp == 0 || target_read_argv(c, envp, &given) < 0)
		return false;
	env = cfg->each(cfg->each_ctx, (char *const *)(uintptr_t)given.v);
	is_fine = env && !argv_differs(&given, env);
	if (env)
		cfg->each_free(env);
	argv_free(&given);
	return is_fine;
}

/* Allowed so far: hold the task until its new image has been seen */
static int seize(struct call *c, struct exec *e)
{
	int r;

#ifdef AGENTSH_TEETH
	if (c->n->is_execstop_off)
		return 0;
#endif
	if (!may_hold(c)) {
		verdict_refuse(&e->verdict.decision, "too-many-held", "Too many programs are being held in the middle of their start.",
			       EAGAIN);
		return EAGAIN;
	}
	r = execstop_seize(c);
	if (r == 0) {
		c->n->held_count++;
		c->after = exec_after;
		c->after_arg = e;
		return 0;
	}
	if (target_valid(c) < 0)	/* killed, by a sibling's exec for one, and its number may be another's */
		return ESRCH;
	if (r == -EPERM && is_traced(c) && c->n->cfg.tracing && !e->next && is_environment_fine(c)) {
		e->verdict.flags |= EVENT_F_UNVERIFIED;
		return 0;
	}
	verdict_refuse(&e->verdict.decision, r == -EPERM ? "traced" : "unjudged",
		       r != -EPERM ? "The process could not be held while it starts." :
		       c->n->cfg.tracing ? "Somebody traces this process, so it cannot be given another program or environment." :
		       "Somebody traces this process, and the policy does not allow tracing.", EACCES);
	return EACCES;
}

void handle_execve(struct call *c)
{
	struct exec *e;
	int err, r;

	if (again_is_ours(c)) {
		c->reply.kind = REPLY_CONTINUE;
		return;
	}
	e = exec_new();
	if (!e) {
		reply_result(c, -ENOMEM);
		return;
	}
	r = read_exec(c, e);
	if (r < 0) {		/* what execve itself would answer: nothing was judged */
		reply_result(c, r);
		exec_free(e);
		return;
	}
	find_subjects(c, e);
	exec_find_parts(&e->rep, &e->program, &e->loader);
	err = exec_judge(c, e, &e->rep, &e->argv, &e->expected);
	if (e->verdict.decision.verdict == POLICY_REDIRECT)
		err = redirect_prepare(c, e);
	if (err == 0)
		err = seize(c, e);
	if (err != ESRCH)		/* gone: nothing was decided */
		err = verdict_tell(c, &e->verdict, err);
	if (err == 0 && e->next)	/* and what will run */
		err = verdict_tell(c, &e->next->verdict, 0);
	if (err == 0)
		c->reply.kind = REPLY_CONTINUE;
	else
		reply_result(c, -err);
	if (!c->after)
		exec_free(e);
}
