/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/run.c - "agentsh [options] [--] command": the front's side of a session
 *
 * Everything that can be refused is refused here, before the first fork:
 * options, policy, plan. Then the supervisor is forked and this process stays
 * in the caller's job and mirrors it (cage/front.c).
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cage/cage.h"
#include "cli/cli.h"
#include "cli/environment.h"
#include "cli/probe.h"
#include "cli/supervisor.h"
#include "cli/words.h"
#include "common/fdio.h"
#include "common/jsonw.h"

/* One sentence of ours on stderr, as text or as JSON */
static int refuse(const struct options *o, const char *what, const char *sentence)
{
	if (o->json) {
		char buf[2048];
		struct jsonw w;

		jsonw_init(&w, buf, sizeof(buf));
		jsonw_object_begin(&w);
		jsonw_key(&w, "error");
		jsonw_cstr(&w, sentence);
		jsonw_key(&w, "step");
		jsonw_cstr(&w, what);
		jsonw_object_end(&w);
		(void)fprintf(stderr, "%s\n", buf);	/* stderr closed: nothing to do about it */
	} else {
		(void)fprintf(stderr, "agentsh: %s%s%s\n", what ? what : "", what ? ": " : "", sentence);
	}
	return CAGE_EXIT_NO_CAGE;
}

static void refuse_policy(const struct options *o, const struct policy_diag *d)
{
	char sentence[CONTEXT_DIAG_SIZE];

	context_diag_text(d, sentence, sizeof(sentence));
	(void)refuse(o, o->json ? "policy" : NULL, sentence);	/* the status is the caller's */
}

static void banner(const struct supervisor_job *job)
{
	char lacking[256];

	if (job->options->quiet || job->options->json)
		return;
	(void)fprintf(stderr, "agentsh: policy %s · workspace %s · session %s · agentsh why, agentsh log\n",
		      job->loaded->name, job->context->workspace, job->session->id);
	if (*doctor_lacking(lacking, sizeof(lacking)))
		(void)fprintf(stderr, "agentsh: this kernel lacks %s · agentsh doctor tells what that costs\n", lacking);
}

/* The supervisor's last word: that no session came about. Waits for that, or for its end */
static bool has_failed(const struct supervisor_job *job, int status_sock)
{
	struct supervisor_msg msg;
	int fds[FDIO_FDS_MAX];
	size_t count;
	ssize_t n = fdio_recv(status_sock, &msg, sizeof(msg), fds, &count);

	/* told once, before what lies in the queue: it had not read our last word */
	if (n == -ECONNRESET)
		n = fdio_recv(status_sock, &msg, sizeof(msg), fds, &count);
	for (size_t i = 0; i < count; i++)
		(void)close(fds[i]);
	if (n != sizeof(msg) || msg.kind != SUPERVISOR_FAILED)
		return false;
	msg.failure.step[sizeof(msg.failure.step) - 1] = '\0';
	msg.failure.detail[sizeof(msg.failure.detail) - 1] = '\0';
	session_discard(job->session);
	(void)refuse(job->options, msg.failure.step, msg.failure.detail);	/* the status is the caller's */
	return true;
}

/* The session ended without a status: the supervisor says why, or is dead, or waits for a status that will not come */
static int broken(const struct supervisor_job *job, int status_sock, pid_t supervisor)
{
	int status = 0;
	bool is_told;

	(void)shutdown(status_sock, SHUT_WR);	/* a socket of ours: cannot fail */
	is_told = has_failed(job, status_sock);
	while (waitpid(supervisor, &status, 0) < 0 && errno == EINTR)
		;
	if (!is_told)
		return refuse(job->options, NULL, WIFEXITED(status) ?
			      "the session was ended from outside: a process that holds the cage was killed" :
			      "the session was ended from outside: its supervisor is gone");
	return CAGE_EXIT_NO_CAGE;
}

static void wait_readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (poll(&p, 1, ms) < 0 && errno == EINTR)
		;
}

/*
 * The record is complete when the supervisor says so. One of its threads may
 * still be held by a dead file server, in a way that no signal ends: nobody is
 * to wait for that.
 */
static void part(pid_t supervisor, int status_sock)
{
	int pidfd = (int)syscall(SYS_pidfd_open, supervisor, 0);

	wait_readable(status_sock, -1);
	if (pidfd >= 0)
		wait_readable(pidfd, 1000);
	while (waitpid(supervisor, NULL, pidfd < 0 ? 0 : WNOHANG) < 0 && errno == EINTR)
		;
	if (pidfd >= 0)
		(void)close(pidfd);
	(void)close(status_sock);
}

/* A supervisor that is killed takes its tracees along, and init may still have time to tell of the command's end */
static bool is_gone(int status_sock)
{
	struct pollfd p = { .fd = status_sock, .events = POLLIN };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLHUP);
}

static int mirror(const struct supervisor_job *job, int job_sock, int status_sock, pid_t supervisor)
{
	struct supervisor_msg msg = { .kind = SUPERVISOR_ENDED };
	int status = 0, r = cage_front_run(job->caller, job_sock, &status);

	cage_front_restore(job->caller, r < 0 || is_gone(status_sock));
	if (r < 0)
		return broken(job, status_sock, supervisor);
	msg.status = status;
	r = fdio_send(status_sock, &msg, sizeof(msg), NULL, 0);
	/* a command that could not be confined has a status too */
	if (WIFEXITED(status) && WEXITSTATUS(status) == CAGE_EXIT_NO_CAGE && has_failed(job, status_sock)) {
		(void)waitpid(supervisor, NULL, 0);
		return CAGE_EXIT_NO_CAGE;
	}
	if (r < 0)	/* it died meanwhile, and the kernel with it ended what was inside */
		(void)refuse(job->options, NULL, "the supervisor was gone before the record was complete");
	part(supervisor, status_sock);
	cage_front_exit(job->caller, status);
}

static int start(struct supervisor_job *job)
{
	int pair_job[2], pair_status[2];
	pid_t supervisor;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair_job) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair_status) < 0)
		return refuse(job->options, "socketpair", strerror(errno));
	banner(job);
	cage_front_signals();
	supervisor = fork();
	if (supervisor < 0)
		return refuse(job->options, "fork", strerror(errno));
	if (supervisor == 0) {
		(void)close(pair_job[0]);
		(void)close(pair_status[0]);
		job->job_sock = pair_job[1];
		job->status_sock = pair_status[1];
		supervisor_main(job);
	}
	(void)close(pair_job[1]);
	(void)close(pair_status[1]);
	return mirror(job, pair_job[0], pair_status[0], supervisor);
}

/* Policy and plan stand: show them, or run */
static int with_plan(struct supervisor_job *job)
{
	char cwd[4096];
	int code;

	if (job->options->dry_run)
		return plan_print(job->plan, job->loaded, STDOUT_FILENO, job->options->json) < 0 ? CAGE_EXIT_NO_CAGE : 0;
	if (!getcwd(cwd, sizeof(cwd)))
		return refuse(job->options, "current directory", strerror(errno));
	job->cwd = cwd;
	job->envp = environment_make(job->loaded);
	if (!job->envp)
		return refuse(job->options, "environment", strerror(ENOMEM));
	code = start(job);
	policy_env_free((char **)(uintptr_t)job->envp);
	return code;
}

static int with_context(const struct options *o, const struct context *c, const struct cage_caller *caller)
{
	struct context_options co = options_context(o);
	struct session session = { .live_fd = -1 };
	struct policy_loaded *loaded = NULL;
	struct plan *plan = NULL;
	struct policy_diag diag = { .line = 0 };
	struct supervisor_job job = { .options = o, .context = c, .session = &session, .caller = caller };
	char why[512];
	int code = CAGE_EXIT_NO_CAGE;

	if (!o->dry_run && access(QUERY_VIEW_PATH, F_OK) == 0)
		return refuse(o, "user namespace", "this is inside a cage of agentsh already, which rules all that "
			      "is started here: run the command itself");
	if (!o->dry_run && session_choose(&session, c->state_dir, why, sizeof(why)) < 0)
		return refuse(o, "session", why);
	if (context_policy(&loaded, c, &co, session.dir, &diag) < 0 || plan_make(&plan, loaded, &diag) < 0) {
		refuse_policy(o, &diag);
		if (session.dir)
			session_discard(&session);
	} else {
		job.loaded = loaded;
		job.plan = plan;
		code = with_plan(&job);
	}
	plan_free(plan);
	policy_loaded_free(loaded);
	session_free(&session);
	return code;
}

int cmd_run(int argc, char **argv)
{
	struct options o = { .pass_fds = { -1 } };
	struct context_options co;
	struct cage_caller caller;
	struct context c;
	char why[512];
	int code;

	cage_caller_save(&caller);
	if (options_parse(&o, argc, argv, why, sizeof(why)) < 0)
		return refuse(&o, NULL, why);
	co = options_context(&o);
	if (context_find(&c, &co, why, sizeof(why)) < 0)
		return refuse(&o, NULL, why);
	code = with_context(&o, &c, &caller);
	context_free(&c);
	return code;
}
