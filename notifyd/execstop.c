/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/execstop.c - The task is stopped where its new image exists and has not run
 *
 * Seized and interrupted while it waits for our answer: so after CONTINUE it
 * stops either at PTRACE_EVENT_EXEC, or, the exec having failed, on its way
 * back to itself. The tracer is a thread: the one that seized waits and lets
 * go. It has no other children and no other tracee, so it waits for any: exec
 * by a non-leader thread changes the id.
 */
#include "notifyd/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

int execstop_seize(const struct call *c)
{
	/* if we die, so does a task whose exec nobody would look at */
	if (ptrace(PTRACE_SEIZE, c->tid, 0, PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) < 0)
		return -errno;
	/* fails only if it is being killed: then the wait says so */
	(void)ptrace(PTRACE_INTERRUPT, c->tid, 0, 0);
	return 0;
}

/* ---- comparing ---- */

static bool argv_equal(const struct argv_copy *a, const struct argv_copy *b)
{
	return a->argc == b->argc && a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

static bool is_text_as_judged(const struct exec *e, const struct new_image *m)
{
	return strcmp(m->execfn, e->asked) == 0 && argv_equal(&m->argv, &e->expected);
}

/* What most execs are: a dynamic program of the system's, and nothing has changed */
static bool is_plainly_as_judged(const struct call *c, const struct exec *e, struct new_image *m)
{
	const struct resolver_object *loader = e->loader < 0 ? NULL : &e->rep.object[e->loader];

	return (!loader || (loader->flags & RESOLVER_O_FIXED)) &&
	       new_image_glance(c, &e->rep.object[e->program], m) == 0 &&
	       (m->base != 0) == (loader != NULL) && is_text_as_judged(e, m);
}

static bool is_as_judged(const struct exec *e, const struct new_image *m)
{
	const struct resolver_object *o = &e->rep.object[e->program];
	const char *loader = e->loader < 0 ? "" : pins_text(&e->rep, e->rep.object[e->loader].path_off);

	if (m->is_memory && !(m->has_stat && m->dev == o->dev && m->ino == o->ino))
		return false;
	if (!m->is_memory && strcmp(m->exe, pins_text(&e->rep, o->path_off)) != 0)
		return false;
	if (m->has_stat && (m->dev != o->dev || m->ino != o->ino))
		return false;
	return strcmp(m->loader, loader) == 0 && is_text_as_judged(e, m);
}

/* ---- judging anew what is there instead ---- */

static int judge_path(const struct call *c, struct exec *e, const char *path, const struct argv_copy *argv,
		      const struct new_image *same_as)
{
	struct pin_request q = { .dirfd = AT_FDCWD, .path = path };
	struct resolver_reply *rep = malloc(sizeof(*rep));
	int err;

	if (!rep)
		return ENOMEM;
	err = -pins_exec(c, &q, rep);
	if (err == 0 && same_as && same_as->has_stat &&
	    (rep->object[0].dev != same_as->dev || rep->object[0].ino != same_as->ino))
		err = ESTALE;	/* swapped again since: no name for it to be judged by */
	if (err == 0)
		err = exec_judge(c, e, rep, argv, NULL);
	else
		verdict_refuse(&e->verdict.decision, "changed-program",
			       "The program was replaced while it was being checked.", EACCES);
	free(rep);
	return err;
}

/* Name and arguments of a script, from the argv that its interpreter got */
static int script_argv(const struct new_image *m, struct argv_copy *ret)
{
	uint32_t first = 0;
	int r = argv_append(ret, m->execfn, strlen(m->execfn));

	for (uint32_t i = 1; i < m->argv.argc && first == 0; i++)
		if (strcmp(m->argv.v[i], m->execfn) == 0)
			first = i;
	for (uint32_t i = first + 1; r == 0 && i < m->argv.argc; i++)
		r = argv_append(ret, m->argv.v[i], strlen(m->argv.v[i]));
	return r < 0 ? r : argv_finish(ret);
}

static int judge_anew(const struct call *c, struct exec *e, const struct new_image *m)
{
	struct argv_copy argv = { 0 };
	int err;

	/* the record names what is there now, not what was asked for first */
	(void)snprintf(e->asked, sizeof(e->asked), "%s", m->execfn);	/* of one size */
	if (m->is_memory) {
		verdict_refuse(&e->verdict.decision, "memory-file",
			       "Programs are run from files that have a name.", EACCES);
		return EACCES;
	}
	argv_free(&e->argv);
	err = -script_argv(m, &e->argv);
	if (err == 0)
		err = judge_path(c, e, m->exe, &m->argv, m);
	if (err == 0 && m->loader[0]) {
		/* a file that a crafted ELF names as its interpreter runs too: its own name counts */
		err = -argv_append(&argv, m->loader, strlen(m->loader));
		if (err == 0)
			err = -argv_finish(&argv);
		if (err == 0 && (e->loader < 0 ||
				 strcmp(m->loader, pins_text(&e->rep, e->rep.object[e->loader].path_off)) != 0))
			err = judge_path(c, e, m->loader, &argv, NULL);
	}
	if (err == 0 && strcmp(m->execfn, m->exe) != 0)
		err = judge_path(c, e, m->execfn, &e->argv, NULL);
	argv_free(&argv);
	return err;
}

/* Killed by somebody else while we looked: only a stopped tracee answers */
static bool is_dying(pid_t pid)
{
	unsigned long msg;

	return ptrace(PTRACE_GETEVENTMSG, pid, 0, &msg) < 0 && errno == ESRCH;
}

/* The task is at its exec stop. 0: let it run; > 0: it must die */
static int inspect(struct call *c, struct exec *e, struct new_image *m)
{
	int err;

	if (is_plainly_as_judged(c, e, m))
		return 0;
	err = -new_image_read(c, m);
	if (err == 0 && is_as_judged(e, m))
		return 0;
	if (err && is_dying(c->tid))
		return err;
	exec_free(e->next);	/* was instead of another program */
	e->next = NULL;
	if (err == 0)
		err = judge_anew(c, e, m);
	else
		verdict_refuse(&e->verdict.decision, "unjudged", "The new program could not be looked at.", EACCES);
	e->verdict.object = policy_str(e->asked);
	e->verdict.resolved = policy_str(m->exe);
	e->verdict.flags |= err ? EVENT_F_KILLED : 0;
	return verdict_tell(c, &e->verdict, err);
}

/* ---- the stop ---- */

/** struct watch - A seized task */
struct watch {
	struct call *c;
	struct exec *e;		/* what it is execing now: what was asked for, then its next */
	struct again again;
};

static bool detach(pid_t pid, int signo)
{
	/* ESRCH: it is being killed, and the wait will tell */
	return ptrace(PTRACE_DETACH, pid, 0, (void *)(long)signo) == 0;
}

static int fail_again(struct watch *w, int err)
{
	struct verdict *v = &w->e->verdict;

	if (is_dying(w->c->tid))
		return err;
	verdict_refuse(&v->decision, "unjudged", err == E2BIG ? "Its arguments and environment have become too long." :
		       "It could not be given the program or the environment that the policy wants for it.", err);
	v->flags |= EVENT_F_KILLED;
	return verdict_tell(w->c, v, err);
}

/* Another program, another environment, or both. 0: resumed; 1: neither; < 0: it must die */
static int run_again(struct watch *w, const struct new_image *m)
{
	const struct notifyd_config *cfg = &w->c->n->cfg;
	char **env = cfg->each ? cfg->each(cfg->each_ctx, (char *const *)(uintptr_t)m->env.v) : NULL;
	bool is_env_other = env && argv_differs(&m->env, env);
	int r = cfg->each && !env ? -ENOMEM : 0;

	if (r == 0 && !w->e->next && !is_env_other)
		r = 1;
	if (r == 0 && !w->e->next)
		r = redirect_to_itself(w->c, w->e);
	if (r == 0)
		r = again_begin(&w->again, w->c, w->e->next->asked, &w->e->next->argv, is_env_other ? env : NULL, m);
	if (r < 0)
		(void)fail_again(w, -r);	/* it dies anyway */
	if (env)
		cfg->each_free(env);
	return r;
}

/* False: it must die */
static bool at_exec(struct watch *w, pid_t pid, bool *ret_done)
{
	struct new_image *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return false;
	loop_look(w->c);
	w->c->tid = pid;
	w->c->is_held = true;
	if (w->again.stage == AGAIN_CALL)
		w->e = w->e->next;
	m->wants_env = w->c->n->cfg.each && w->again.stage == AGAIN_NO;
	r = w->again.stage == AGAIN_WAY || inspect(w->c, w->e, m) != 0 ? -EACCES : 1;
	if (r == 1 && w->again.stage == AGAIN_NO && (w->e->next || w->c->n->cfg.each))
		r = run_again(w, m);
	if (r == 1)
		*ret_done = detach(pid, 0);
	new_image_free(m);
	return r >= 0;
}

/* False: it must die */
static bool at_other_stop(struct watch *w, pid_t pid, int status, bool *ret_done)
{
	int r;

	if (w->again.stage == AGAIN_NO) {
		/* the exec has failed. A group stop goes on without us, a signal on its way is delivered */
		*ret_done = detach(pid, status >> 16 == PTRACE_EVENT_STOP ? 0 : WSTOPSIG(status));
		return true;
	}
	r = again_stopped(&w->again, w->c, status);
	if (r < 0)
		(void)fail_again(w, -r);	/* it dies anyway */
	return r == 0;
}

void execstop_watch(struct call *c, struct exec *e)
{
	struct watch w = { .c = c, .e = e };
	bool is_done = false;

	while (!is_done) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL | __WNOTHREAD);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0 || WIFEXITED(status) || WIFSIGNALED(status))
			break;		/* nobody left: killed, or another thread of it has execed */
		if (!WIFSTOPPED(status))
			continue;
		if (status >> 16 == PTRACE_EVENT_EXEC ? !at_exec(&w, pid, &is_done) :
						       !at_other_stop(&w, pid, status, &is_done))
			(void)kill(pid, SIGKILL);	/* ours and not reaped: it is this one */
	}
	again_free(&w.again, c);
}
