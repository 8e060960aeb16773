/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/supervisor.c - The process behind a session: builds the cage, judges, records
 *
 * DOC: Theory of operation
 *
 * Single-threaded until cage_build() has forked the builder. Then, from its
 * hooks and in this order: the log and the words
 * (services_start), the served trees when the file system is mounted, the
 * doorman when the command's filter stands. From then on the main thread waits
 * for init's end (everything inside is dead then), and looks after the threads.
 *
 * The way out does not join the threads. Nobody is left to ask them anything,
 * and their descriptors go with the process: what has to be complete is the
 * log, and audit_close() sees to that.
 */
#include "cli/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/audit.h"
#include "cli/hostwatch.h"
#include "cli/words.h"
#include "common/fdio.h"
#include "fusefs/fusefs.h"
#include "notifyd/notifyd.h"

struct supervisor {
	const struct supervisor_job *job;
	struct audit *audit;
	struct words *words;
	pthread_mutex_t query_lock;
	struct query *query;		/* under @query_lock; NULL: nobody has asked */
	struct fusefs *fusefs;
	struct hostwatch *hostwatch;
	struct notifyd *notifyd;
	char query_path[256];
	const char **served, **mountpoints;
	int resolver_ours[RESOLVER_SOCKETS], resolver_theirs[RESOLVER_SOCKETS];
	int courier_ours, courier_theirs;	/* common/courier.h: the other end is init's */
	int stderr_fd;			/* the caller's, for the summary */
};

static _Noreturn void fail(const struct supervisor_job *job, const struct cage_failure *f)
{
	struct supervisor_msg msg = { .kind = SUPERVISOR_FAILED, .failure = *f };

	if (fdio_send(job->status_sock, &msg, sizeof(msg), NULL, 0) < 0)
		_exit(1);	/* front gone: nobody to tell */
	_exit(CAGE_EXIT_NO_CAGE);
}

static _Noreturn void fail_step(const struct supervisor_job *job, const char *step, int err)
{
	struct cage_failure f = { .err = err };

	(void)snprintf(f.step, sizeof(f.step), "%s", step);
	(void)snprintf(f.detail, sizeof(f.detail), "%s", strerror(err));
	fail(job, &f);
}

/* Before anything is judged: a decision must have somewhere to be recorded */
static int services_start(struct supervisor *s)
{
	const struct supervisor_job *job = s->job;
	struct audit_options audit = {
		.session_dir = job->session->dir, .key_file = job->session->key_file,
		.session_id = job->session->id, .policy_name = job->loaded->name,
		.argv = (const char *const *)job->options->command, .workspace = job->context->workspace,
	};
	struct words_options words = { .loaded = job->loaded, .session_id = job->session->id };
	int r;

	if (s->words)
		return 0;
	r = audit_open(&s->audit, &audit);
	if (r < 0)
		return r;
	words.audit = s->audit;
	return words_new(&s->words, &words);
}

/* Beside the builder's namespaces, which take as long */
static int hook_begun(void *ctx, struct cage_failure *reterr)
{
	const struct supervisor *s = ctx;

	(void)strcpy(reterr->step, "session");	/* fits */
	return session_make(s->job->session, reterr->detail, sizeof(reterr->detail));
}

/* NULL-ended list of the plan's entries: the served roots, or what lies over them */
static const char **entries(const struct plan *plan, bool served)
{
	const char **list = calloc(plan->entry_count + 1, sizeof(*list));
	size_t n = 0;

	for (size_t i = 0; list && i < plan->entry_count; i++) {
		const struct plan_entry *e = &plan->entry[i];

		if ((e->face == PLAN_SERVED) == served)
			list[n++] = e->path;
	}
	return list;
}

static int hook_fuse(void *ctx, int fuse_fd, pid_t builder)
{
	struct supervisor *s = ctx;
	struct fusefs_config cfg = {
		.fuse_fd = fuse_fd, .policy = &s->job->loaded->policy, .trusted = { builder },
		.redirects = s->job->plan->redirects_served,
		.workspace = s->job->loaded->workspace, .home = s->job->loaded->home,
		.package_manager = s->job->loaded->package_manager,
	};
	int r = services_start(s);

	if (r < 0)
		return r;
	s->served = entries(s->job->plan, true);
	s->mountpoints = entries(s->job->plan, false);
	if (!s->served || !s->mountpoints)
		return -ENOMEM;
	cfg.sink = words_sink(s->words);
	cfg.served = s->served;
	cfg.mountpoints = s->mountpoints;
	r = fusefs_start(&s->fusefs, &cfg);
	if (r == 0)
		r = hostwatch_new(&s->hostwatch, &(struct hostwatch_config){
			.fusefs = s->fusefs, .served = s->served, .native = s->mountpoints,
		});
	return r;
}

static bool act_for(void *ctx, pid_t agent, pid_t caller)
{
	return fusefs_act_for(ctx, agent, caller);
}

static char **each_environment(void *ctx, char *const *environ)
{
	return policy_env_each(ctx, environ);
}

static const char *session_path(char *const *envp)
{
	for (; envp && *envp; envp++)
		if (strncmp(*envp, "PATH=", 5) == 0)
			return *envp + 5;
	return NULL;
}

/* "agentsh why" inside, for the first time or again: any of the doorman's threads */
static int hook_query(void *ctx)
{
	struct supervisor *s = ctx;
	struct query_options query = {
		.socket_path = s->query_path, .session_dir = s->job->session->dir, .loaded = s->job->loaded,
	};
	int r;

	(void)pthread_mutex_lock(&s->query_lock);	/* for ever initialised */
	r = s->query ? 0 : query_start(&s->query, &query);
	(void)pthread_mutex_unlock(&s->query_lock);
	return r;
}

static int hook_listener(void *ctx, int listener_fd, pid_t command)
{
	struct supervisor *s = ctx;
	struct notifyd_config cfg = {
		.listener_fd = listener_fd, .policy = &s->job->loaded->policy, .plan = s->job->plan,
		.tracing = s->job->loaded->tracing, .nested = s->job->loaded->nested,
		.courier_sock = s->courier_ours, .query_view_path = QUERY_VIEW_PATH, .query_host_path = s->query_path,
		.search_path = session_path(s->job->envp), .each_free = policy_env_free,
		.each_ctx = (void *)(uintptr_t)s->job->loaded,
		.query = hook_query, .query_ctx = s,
	};
	int r = services_start(s);

	(void)command;	/* the doorman learns who asks with each notification */
	if (r < 0)
		return r;
	if (s->hostwatch) {
		cfg.watched = hostwatch_add;
		cfg.watched_ctx = s->hostwatch;
	}
	if (s->fusefs) {
		cfg.acting = act_for;
		cfg.acting_ctx = s->fusefs;
	}
	for (size_t i = 0; i < s->job->loaded->env_count; i++)
		if (s->job->loaded->env[i].each)
			cfg.each = each_environment;
	cfg.sink = words_sink(s->words);
	memcpy(cfg.resolver_socks, s->resolver_ours, sizeof(cfg.resolver_socks));
	(void)close(s->courier_theirs);
	for (size_t i = 0; i < RESOLVER_SOCKETS; i++)
		(void)close(s->resolver_theirs[i]);	/* so that the builder's end is the only one */
	return notifyd_start(&s->notifyd, &cfg);
}

/* In the builder */
static void hook_resolver(void *ctx)
{
	struct supervisor *s = ctx;

	(void)close(s->job->status_sock);	/* the front must see the supervisor's end */
	(void)close(s->stderr_fd);
	(void)close(s->courier_ours);
	(void)close(s->courier_theirs);
	for (size_t i = 0; i < RESOLVER_SOCKETS; i++)
		(void)close(s->resolver_ours[i]);
	resolver_serve(s->resolver_theirs);
}

static int prepare(struct supervisor *s)
{
	static const int ignored[] = { SIGINT, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGHUP, SIGPIPE };

	const int whole = 300 << 10;	/* a parcel is one message */
	int pair[2];

	umask(0);	/* fusefs makes files with the mode the kernel asks for */
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		(void)signal(ignored[i], SIG_IGN);	/* these signals exist */
	s->stderr_fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);	/* -1: no summary */
	for (size_t i = 0; i < RESOLVER_SOCKETS; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
			return -errno;
		s->resolver_ours[i] = pair[0];
		s->resolver_theirs[i] = pair[1];
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	s->courier_ours = pair[0];
	s->courier_theirs = pair[1];
	(void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &whole, sizeof(whole));	/* less: large datagrams fail */
	return 0;
}

/* The supervisor must hold nothing of the caller's open but what it needs */
static void detach(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	(void)setsid();		/* a child of the front: never a group leader */
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		(void)dup2(null, fd);
	if (null > 2)
		(void)close(null);
	if (chdir("/") < 0)
		return;		/* only keeps a directory busy */
}

/* Wait until everything inside is dead. Meanwhile this thread looks after the others, and takes work from
 * those that hang; so it must not wait for anything else itself. */
static void wait_for_end(struct supervisor *s, const struct cage *cage)
{
	enum { END, DOORMAN, FILES, COUNT };
	struct pollfd fds[COUNT] = {
		[END] = { .fd = cage->init_pidfd, .events = POLLIN },
		[DOORMAN] = { .fd = notifyd_watch_fd(s->notifyd), .events = POLLIN },
		[FILES] = { .fd = s->fusefs ? fusefs_watch_fd(s->fusefs) : -1, .events = POLLIN },
	};
	int files_ms = -1, n;

	while ((n = poll(fds, COUNT, files_ms)) >= 0 || errno == EINTR) {
		if (n > 0 && fds[END].revents)
			return;
		if (n > 0 && fds[DOORMAN].revents)
			notifyd_watch(s->notifyd);
		if (s->fusefs && (n == 0 || (n > 0 && fds[FILES].revents)))
			files_ms = fusefs_watch(s->fusefs);
	}
}

/* @err: of the log's end, < 0; that is said however quiet the session is */
static void summary(struct supervisor *s, int err)
{
	const struct options *o = s->job->options;
	FILE *out = s->stderr_fd < 0 ? NULL : fdopen(s->stderr_fd, "w");

	if (!out)
		return;
	if (!o->quiet && s->words)
		words_footer(s->words, o->json, out);
	if (err < 0)
		(void)fprintf(out, "agentsh: the log of session %s has no signed end: %s\n",
			      s->job->session->id, strerror(-err));
	(void)fclose(out);	/* the caller's stderr may be closed or full: nothing to do about it */
}

/* The front puts the terminal right first, then tells; or is gone */
static int wait_for_front(const struct supervisor_job *job)
{
	struct supervisor_msg msg;
	int fds[FDIO_FDS_MAX];
	size_t count;
	ssize_t n = fdio_recv(job->status_sock, &msg, sizeof(msg), fds, &count);

	for (size_t i = 0; i < count; i++)
		(void)close(fds[i]);
	return n == sizeof(msg) && msg.kind == SUPERVISOR_ENDED ? msg.status : -1;
}

/* Layers switched off, for "make check-teeth" alone: in other builds there is no such switch */
static uint32_t teeth_off(void)
{
	uint32_t off = 0;
#ifdef AGENTSH_TEETH
	static const char *const names[] = {
#define X(id, name) name,
		CAGE_LAYER_TABLE(X)
#undef X
	};
	const char *list = getenv("AGENTSH_TEETH_OFF");
	char *copy = strdup(list ? list : ""), *rest = NULL;

	for (char *w = strtok_r(copy, ",", &rest); w; w = strtok_r(NULL, ",", &rest))
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			if (strcmp(w, names[i]) == 0)
				off |= 1u << i;
	free(copy);
#endif
	return off;
}

static void cage_config_fill(struct cage_config *cfg, const struct supervisor *s)
{
	const struct supervisor_job *job = s->job;

	*cfg = (struct cage_config){
		.plan = job->plan, .policy = &job->loaded->policy,
		.courier_sock = s->courier_theirs,
		.session_dir = job->session->dir, .query_socket = s->query_path,
		.self_exe = job->context->self_exe, .cwd = job->cwd,
		.argv = job->options->command, .envp = job->envp,
		.tracing = job->loaded->tracing, .nested = job->loaded->nested,
		.package_manager = job->loaded->package_manager,
		.limit_processes = job->loaded->limit_processes,
		.limit_open_files = job->loaded->limit_open_files,
		.pass_fds = job->options->pass_fds, .inherited = &job->caller->inherited,
		.uid = getuid(), .gid = getgid(), .teeth_off = teeth_off(),
	};
}

static void say_done(const struct supervisor_job *job)
{
	const struct supervisor_msg msg = { .kind = SUPERVISOR_DONE };

	if (fdio_send(job->status_sock, &msg, sizeof(msg), NULL, 0) < 0)
		return;		/* the front is gone: nobody waits */
}

_Noreturn void supervisor_main(const struct supervisor_job *job)
{
	struct supervisor s = { .job = job, .query_lock = PTHREAD_MUTEX_INITIALIZER };
	struct cage_hooks hooks = {
		.ctx = &s, .begun = hook_begun, .fuse = hook_fuse, .listener = hook_listener, .resolver = hook_resolver,
	};
	struct cage_failure failure = { .err = 0 };
	struct cage_config cfg;
	struct cage cage;
	int r = prepare(&s), status;

	if (r < 0)
		fail_step(job, "supervisor", -r);
	(void)snprintf(s.query_path, sizeof(s.query_path), "%s/query.sock", job->session->dir); /* bind tells if it was cut */
	cage_config_fill(&cfg, &s);
	r = cage_build(&cage, &cfg, job->caller, &hooks, job->job_sock, &failure);
	if (r < 0)
		fail(job, &failure);
	detach();
	wait_for_end(&s, &cage);
	cage_tasks_end(&cage);
	status = wait_for_front(job);
	r = s.audit ? audit_close(s.audit, status) : 0;
	summary(&s, r);
	session_sweep(job->session);
	session_sweep_stale(job->context->state_dir);
	say_done(job);
	_exit(r < 0 ? 1 : 0);
}
