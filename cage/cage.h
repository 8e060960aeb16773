/* SPDX-License-Identifier: Apache-2.0
 *
 * cage/cage.h - The static part: everything the kernel enforces without asking
 *
 * DOC: Who runs what
 *
 *	front		stays in the caller's job; mirrors stop, continue, signals, status
 *	supervisor	forked by the front; starts the builder, then setsid()
 *	builder		forked by the supervisor; unshares user, mount, net, ipc; builds
 *			the view; unshares pid; forks init; then becomes the resolver
 *	init		pid 1 of the cage; in the caller's session and process group;
 *			forks the command; reaps; reports to the front
 *	command		drops everything, installs the filter, execs
 *
 * Messages between them are the structs below over SOCK_SEQPACKET pairs made by
 * the front and the supervisor before any fork.
 */
#ifndef CAGE_CAGE_H
#define CAGE_CAGE_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <termios.h>

#include "common/base.h"
#include "policy/plan.h"

/** struct cage_config - What the cage is made of. Borrowed; copied by fork. */
struct cage_config {
	const struct plan *plan;
	const struct policy *policy;
	const char *session_dir;	/* 0700, on disk; holds tmp/ (private /tmp) */
	const char *query_socket;	/* host path of the query socket, or NULL */
	const char *self_exe;		/* host path of this agentsh binary */
	const char *cwd;		/* absolute */
	char *const *argv;		/* the command */
	char *const *envp;		/* ready */
	int courier_sock;		/* init's end of common/courier.h; -1: none */
	bool tracing, nested;
	bool package_manager;		/* root only: keep the six capabilities */
	uint64_t limit_processes, limit_open_files;
	const int *pass_fds;		/* --pass-fd, ended by -1 */
	const struct cage_inherited *inherited;	/* of the caller; NULL: not known */
	uid_t uid;
	gid_t gid;
	uint32_t teeth_off;		/* CAGE_LAYER_* switched off; 0 but in MODE=teeth builds */
};

/* Layers that an attack's "Stopped by" can name; switches exist only with -DAGENTSH_TEETH */
#define CAGE_LAYER_TABLE(X) \
	X(VIEW, "view") X(LANDLOCK, "landlock") X(FILTER, "filter") X(DOORMAN, "doorman") \
	X(EXECSTOP, "execstop") X(PINS, "pins") X(FUSEFS, "fusefs") X(PIDNS, "pidns") X(NETNS, "netns") \
	X(CAPS, "caps") X(NNP, "nnp") X(PROCGUARD, "procguard") X(NSLIMITS, "nslimits") X(DEV, "dev") X(FDS, "fds")

enum cage_layer_bit {
#define X(id, name) CAGE_LAYER_BIT_##id,
	CAGE_LAYER_TABLE(X)
#undef X
	CAGE_LAYER_COUNT
};
#define CAGE_OFF(cfg, id) ((cfg)->teeth_off & (1u << CAGE_LAYER_BIT_##id))

/** struct cage_failure - The step that failed, for exit 125. All set-up processes report in this form. */
struct cage_failure {
	char step[64];			/* "mount /proc", "user namespace" */
	char detail[192];		/* one sentence with the cause and the remedy */
	int err;			/* errno or 0 */
};

/** struct cage_inherited - The caller's descriptors above 2 */
struct cage_inherited {
	bool is_known;			/* false: there are too many, or /proc is not there */
	size_t count;
	int fd[32];
};

/**
 * struct cage_caller - What the front found in its caller, to be given to the command and put back at the end
 *
 * Taken by cage_caller_save() before anything is changed.
 */
struct cage_caller {
	sigset_t mask;			/* signal mask */
	sigset_t ignored;		/* signals that were SIG_IGN */
	bool has_tty;			/* a controlling terminal could be opened */
	bool was_foreground;
	bool leads;			/* the process was the leader of its group: so would the command have been */
	pid_t pgrp;
	struct termios termios;		/* valid with @has_tty */
	mode_t umask;
	struct cage_inherited inherited;
};

/** enum cage_job_kind - Messages between front and init, struct cage_job_msg over SOCK_SEQPACKET */
enum cage_job_kind {
	CAGE_JOB_NONE = 0,
	CAGE_JOB_SIGNAL,	/* front -> init: the front got a signal */
	CAGE_JOB_CONTINUE,	/* front -> init: answer to STOPPED, the front runs (again) */
	CAGE_JOB_GO,		/* front -> init: answer to STARTED */
	CAGE_JOB_STARTED,	/* init -> front: the command is forked and waits for GO */
	CAGE_JOB_STOPPED,	/* init -> front: the command has stopped */
	CAGE_JOB_ENDED,		/* init -> front: wait status @value */
	CAGE_JOB_COUNT
};
struct cage_job_msg {
	int32_t kind, value;
};
/* In @value of SIGNAL, CONTINUE, GO and STOPPED; the first is the signal */
#define CAGE_JOB_NUMBER		0xff
#define CAGE_JOB_FOREGROUND	0x100	/* SIGNAL, CONTINUE, GO: the caller's group has the terminal */
#define CAGE_JOB_LEADS		0x200	/* GO: natively the command would lead the caller's group */
#define CAGE_JOB_ALONE		0x1000	/* GO: and have it to itself, so it gets one of its own */
#define CAGE_JOB_RESUME		0x400	/* CONTINUE: the front has not stopped, the command must go on */
#define CAGE_JOB_OWN_GROUP	0x800	/* STOPPED: the command is in a process group of its own */

/** enum cage_exit - Exit statuses of agentsh's own */
enum cage_exit {
	CAGE_EXIT_NO_CAGE = 125,
	CAGE_EXIT_REFUSED = 126,
	CAGE_EXIT_NOT_FOUND = 127,
};

/* ---- cage/front.c: in the caller's own process ---- */

/**
 * cage_caller_save() - Record the caller's signals, terminal and umask; changes none of them
 *
 * Descriptors 0 to 2 that the caller has closed are held until the command's
 * exec, so that nothing of ours lies there: to be called before anything is opened.
 */
void cage_caller_save(struct cage_caller *ret);

/** cage_front_signals() - Block what the front will take by signalfd; call before forking the supervisor (children call cage_caller_restore_signals()) */
void cage_front_signals(void);

/**
 * cage_front_run() - Mirror the job until it has ended
 * @job_sock:	To init
 * @ret_status:	Wait status of the command, set on success
 *
 * Return: 0; -ECONNRESET if the session died without telling a status
 */
int cage_front_run(const struct cage_caller *caller, int job_sock, int *ret_status) MUST_USE;

/** cage_front_restore() - termios and foreground group as they were; @is_broken: what is inside may still be dying */
void cage_front_restore(const struct cage_caller *caller, bool is_broken);

/** cage_front_exit() - End as the command ended: exit status, or by the same signal */
_Noreturn void cage_front_exit(const struct cage_caller *caller, int status);

/* ---- cage/build.c: in the supervisor, single-threaded so far ---- */

/** struct cage_hooks - What the supervisor does when the cage has got that far. Return 0 or -errno. */
struct cage_hooks {
	void *ctx;
	/* The builder makes its namespaces: what takes as long and is needed only then. @reterr says what failed */
	int (*begun)(void *ctx, struct cage_failure *reterr);
	/* The FUSE file system is mounted (user and mount namespace stand): serve it. Only called if the plan serves something. Takes over @fuse_fd */
	int (*fuse)(void *ctx, int fuse_fd, pid_t builder);
	/* The command's filter is installed, the command waits: start the doorman. Takes over @listener_fd */
	int (*listener)(void *ctx, int listener_fd, pid_t command);
	/* In the builder, when everything stands: becomes the resolver; returns when the session has ended */
	void (*resolver)(void *ctx);
};

/** struct cage - A cage that stands */
struct cage {
	pid_t builder;		/* our child; when it is reaped, everything inside is dead */
	pid_t init, command;	/* ids in our pid namespace */
	int init_pidfd;
	char task_group[4096];	/* control group that limits root's processes; "": none */
};

/**
 * cage_build() - Everything of DESIGN 3 from the namespaces to the exec
 * @job_sock:	init's end, given on to it; closed here in the supervisor before return
 *
 * Forks the builder. The caller's session and process group are init's and the
 * command's; the supervisor calls setsid() only after this returns. The
 * supervisor becomes non-dumpable in it, after the id maps are written.
 * Returns when the command is about to exec (its filter stands, @hooks are done).
 *
 * Return: 0; -errno with *@reterr filled, and then nothing is left running
 */
int cage_build(struct cage *ret, const struct cage_config *cfg, const struct cage_caller *caller,
	       const struct cage_hooks *hooks, int job_sock, struct cage_failure *reterr) MUST_USE;

/** cage_tasks_end() - When everything inside is dead: remove what limited it */
void cage_tasks_end(struct cage *cage);

/* ---- cage/init.c: pid 1 ---- */

/**
 * cage_init_run() - Pid 1: fork the command, mirror, reap, end the session
 * @job_sock:	To the front
 * @setup_sock:	To the supervisor; the command's child hands it to cage_enter()
 *
 * Called when /proc and the rest of the view inside the pid namespace stand.
 * When the command ends: tell the front, TERM to survivors, a grace time, exit.
 * Stays in the caller's session and process group.
 */
_Noreturn void cage_init_run(const struct cage_config *cfg, const struct cage_caller *caller,
			     int job_sock, int setup_sock);

/**
 * cage_init_stopped() - In init's parent: init has been stopped, by SIGSTOP to its group
 *
 * Wakes it and lets it know, so that it can stop what is not in the group.
 *
 * Context: async-signal-safe, for a handler of SIGCHLD
 */
void cage_init_stopped(pid_t init);

/* ---- cage/enter.c: in the command's process ---- */

/**
 * cage_enter() - Drop capabilities, no_new_privs, Landlock, filter, hand over the listener, exec
 *
 * The last thing it does before exec is restore @caller's signals and umask.
 */
_Noreturn void cage_enter(const struct cage_config *cfg, const struct cage_caller *caller, int setup_sock);

/** cage_caller_restore_signals() - Mask and dispositions as the caller had them */
void cage_caller_restore_signals(const struct cage_caller *caller);

#endif /* CAGE_CAGE_H */
