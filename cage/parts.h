/* SPDX-License-Identifier: Apache-2.0
 *
 * cage/parts.h - What the files of cage/ share with each other and with nobody else
 *
 * Every step of the set-up returns 0, or -errno with a struct cage_failure
 * filled: which step, and one sentence with the cause and the remedy.
 */
#ifndef CAGE_PARTS_H
#define CAGE_PARTS_H

#include <linux/filter.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "cage/cage.h"
#include "common/base.h"

/* A layer that a MODE=teeth build may switch off; constant in all others */
#ifdef AGENTSH_TEETH
#define CAGE_IS_OFF(cfg, id)	(CAGE_OFF(cfg, id) != 0)
#else
#define CAGE_IS_OFF(cfg, id)	((void)(cfg), false)
#endif

#ifdef AGENTSH_TEETH
/** teeth_init_run() - cage_init_run() where there is no pid namespace */
_Noreturn void teeth_init_run(const struct cage_config *cfg, const struct cage_caller *caller,
			      int job_sock, int setup_sock);
#endif

/* ---- cage/setup.c: messages of the set-up, SOCK_SEQPACKET ---- */

/** enum cage_setup_kind - In the order in which they come; SETUP_GO answers each but FAILED and INIT */
enum cage_setup_kind {
	CAGE_SETUP_NONE = 0,
	CAGE_SETUP_FAILED,	/* anybody -> supervisor: @failure */
	CAGE_SETUP_UNSHARED,	/* builder: the user namespace wants its maps */
	CAGE_SETUP_FUSE,	/* builder: with the descriptor of /dev/fuse */
	CAGE_SETUP_INIT,	/* builder: pid of init in @value */
	CAGE_SETUP_LISTENER,	/* command: the filter stands, its listener is descriptor @value */
	CAGE_SETUP_GO,		/* supervisor -> whoever asked */
	CAGE_SETUP_COUNT
};

/** struct cage_setup_msg - The only message */
struct cage_setup_msg {
	int32_t kind, value;
	struct cage_failure failure;
};

/** cage_fail() - Fill @reterr; @err > 0. Return: -@err */
int cage_fail(struct cage_failure *reterr, int err, const char *step, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/** cage_setup_say() - Send one message with at most one descriptor (@fd < 0: none). 0; -errno */
int cage_setup_say(int sock, enum cage_setup_kind kind, int value, int fd) MUST_USE;

/** cage_setup_wait() - Wait for CAGE_SETUP_GO. 0; -ECANCELED if the supervisor is gone or gave up */
int cage_setup_wait(int sock) MUST_USE;

/** cage_setup_ask() - Say, then wait */
int cage_setup_ask(int sock, enum cage_setup_kind kind, int value, int fd) MUST_USE;

/** cage_setup_abort() - Report the failure and end this process with status 125 */
_Noreturn void cage_setup_abort(int sock, const struct cage_failure *failure);

/* ---- cage/namespaces.c ---- */

/** cage_unshare() - User, mount, net and ipc namespaces of one's own, mounts private */
int cage_unshare(const struct cage_config *cfg, struct cage_failure *reterr) MUST_USE;

/** cage_write_maps() - In the supervisor: id maps of the builder's user namespace */
int cage_write_maps(pid_t builder, const struct cage_config *cfg, struct cage_failure *reterr) MUST_USE;

/** cage_network_up() - Loopback, and addresses that make getaddrinfo believe in a network */
int cage_network_up(const struct cage_config *cfg, struct cage_failure *reterr) MUST_USE;

/** cage_limit_namespaces() - No further namespaces in ours. @proc_fd: a fresh procfs */
int cage_limit_namespaces(const struct cage_config *cfg, int proc_fd, struct cage_failure *reterr) MUST_USE;

/* ---- cage/tasks.c ---- */

/**
 * tasks_place() - Our own control group with the pids controller, as a path
 * @groups, @mounts:	Contents of /proc/self/cgroup and mountinfo; cut up
 * @point:		PATH_MAX bytes: where the hierarchy is mounted
 * @ret:		PATH_MAX bytes: the group in it
 */
bool tasks_place(char *groups, char *mounts, bool is_v2, char *point, char *ret) MUST_USE;

/** cage_tasks_limit() - In the supervisor, when there is an init and nobody else: limits.processes of root */
int cage_tasks_limit(struct cage *cage, const struct cage_config *cfg, struct cage_failure *reterr) MUST_USE;

/* ---- cage/view.c and its neighbours ---- */

/**
 * struct served_fuse - The file system of fusefs, not yet attached anywhere; -1: none
 *
 * Root's supervisor makes it before the user namespace is: view_served.c says why.
 */
struct served_fuse {
	int dev, mnt;
};

/** struct view - A view being built. All paths are relative to @root_fd and resolved in it. */
struct view {
	const struct cage_config *cfg;
	int root_fd;			/* root of the new tree */
	bool is_serving;		/* the FUSE mount is made and asked for */
	struct served_fuse fuse;	/* made by the supervisor already, or not */
	int served_fd;			/* its root; -1: none, or not served yet */
	struct cage_failure *reterr;
};

/**
 * view_build() - Everything but /proc, which belongs to the pid namespace
 * @v:		Filled; v->root_fd is for view_enter()
 * @fuse:	From view_served_early(); taken over
 * @setup_sock:	For the FUSE handshake
 */
int view_build(struct view *v, const struct cage_config *cfg, struct served_fuse fuse, int setup_sock,
	       struct cage_failure *reterr) MUST_USE;

/** view_enter() - In init: /proc, its guards, the namespace limits; then the old root goes away */
int view_enter(struct view *v) MUST_USE;

/* cage/view_mount.c */
/** view_tree() - Clone the mounts at a host path, restricted by MOUNT_ATTR_* @attr (recursively). fd; -errno */
int view_tree(const char *path, uint64_t attr) MUST_USE;
/** view_fs() - A new file system; @options are NULL-ended pairs of key and value. fd; -errno */
int view_fs(const char *type, const char *const *options, uint64_t attr) MUST_USE;
/** view_point() - O_PATH descriptor of a name of the view, resolved in the view. fd; -errno */
int view_point(const struct view *v, const char *path) MUST_USE;
/** view_make() - view_point() of a directory (or empty file) that is made with its parents where missing */
int view_make(const struct view *v, const char *path, bool is_directory) MUST_USE;
/** view_attach() - Mount @tree_fd at @path, which is made if need be; closes @tree_fd. 0; -errno and reterr */
int view_attach(const struct view *v, int tree_fd, const char *path, bool is_directory) MUST_USE;
/** view_protect() - Set MOUNT_ATTR_* on the mount at @fd. 0; -errno */
int view_protect(int fd, uint64_t attr, bool is_recursive) MUST_USE;
/** view_fail() - cage_fail() with the step "view: PATH" */
int view_fail(const struct view *v, int err, const char *path, const char *what) MUST_USE;

/* cage/view_served.c */
/** view_served_early() - In root's supervisor, before the builder is forked. May come to nothing: then the builder does it */
struct served_fuse view_served_early(const struct cage_config *cfg);
/** view_served_drop() - Close what of it is still here */
void view_served_drop(struct served_fuse *f);
/** view_served_mount() - Mount it, and ask the supervisor to serve; nothing of it can be looked at yet */
int view_served_mount(struct view *v, int setup_sock) MUST_USE;
/** view_served_wait() - Until it is served: the supervisor starts its threads while the builder goes on */
int view_served_wait(struct view *v, int setup_sock) MUST_USE;
int view_served_attach(const struct view *v, const struct plan_entry *e) MUST_USE;
void view_served_done(struct view *v);

/* cage/view_dev.c, view_proc.c, view_run.c */
int view_dev(const struct view *v) MUST_USE;
int view_proc(const struct view *v) MUST_USE;
int view_sys(const struct view *v) MUST_USE;
int view_tmp(const struct view *v) MUST_USE;
int view_run(const struct view *v) MUST_USE;
int view_ssh(const struct view *v) MUST_USE;

/* ---- cage/descriptors.c ---- */

/** descriptors_note() - What is inherited, while little else is open */
void descriptors_note(struct cage_inherited *ret);

/** descriptors_judge() - Close what the command may not inherit. In the builder, in its own mount namespace, before the view */
int descriptors_judge(const struct cage_config *cfg, struct cage_failure *reterr) MUST_USE;
/**
 * descriptors_close_inherited() - Close what came from the caller, above 2: agentsh's own are close-on-exec, the caller's cannot be
 * @list:	NULL: not known
 */
void descriptors_close_inherited(const struct cage_inherited *list);

/* ---- cage/capabilities.c ---- */

/** capabilities_drop() - All of them but what package managers need, if so configured. 0; -errno */
int capabilities_drop(const struct cage_config *cfg) MUST_USE;
/** capabilities_drop_resolver() - To what the resolver needs. 0; -errno */
int capabilities_drop_resolver(void) MUST_USE;

/* ---- cage/landlock.c ---- */

/** landlock_enter() - Handle what changes things; allow it where the plan does */
int landlock_enter(const struct cage_config *cfg, struct cage_failure *reterr) MUST_USE;

/* ---- cage/filter.c ---- */

#define FILTER_SIZE 1024	/* instructions; tests hold the real count far below */

/** struct filter_options - What the program depends on */
struct filter_options {
	bool tracing, nested;
	bool traps_opens;		/* opens that may change something are the doorman's */
	uid_t uid;			/* 0: every id is mapped; else this one and no other */
	gid_t gid;
	bool is_lone_root;		/* root without capabilities: access lists are the doorman's */
	bool no_refusals, no_notify;	/* MODE=teeth: layers "filter" and "doorman" off */
};

/** filter_build() - The program. Return: count of instructions; -E2BIG */
/* In the blocks of filter_args() these two stand for the user's own ids */
#define FILTER_OWN_UID	0xfffffff0u
#define FILTER_OWN_GID	0xfffffff1u

int filter_build(struct sock_filter *insn, size_t size, const struct filter_options *opt) MUST_USE;
/** filter_install() - Install it in this task, for good. 0 and the listener's descriptor (CLOEXEC); -errno */
int filter_install(const struct filter_options *opt, int *ret_listener) MUST_USE;

/* ---- cage/filter_args.c ---- */

/** filter_args() - The block that decides a PARTLY call; NULL if @nr has none. Borrowed, *@ret_count instructions */
const struct sock_filter *filter_args(int nr, const struct filter_options *opt, size_t *ret_count) MUST_USE;

#endif /* CAGE_PARTS_H */
