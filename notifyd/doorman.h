/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/doorman.h - What the doorman's own files share
 *
 * DOC: Theory of operation
 *
 * One thread holds the baton: it alone blocks in SECCOMP_IOCTL_NOTIF_RECV
 * (several receivers fight over each notification, and a poll before the
 * receive costs 4 us), and it answers what it received itself, because waking
 * another thread costs more than most answers. Before it waits for anything
 * (a connect, a full socket, an exec stop) it hands the baton to an idle or new
 * thread. Should it hang where nobody expected it, in a page of the caller's
 * that lies on a dead server, the main thread takes the baton from it after 20 to 40 ms
 * (notifyd_watch()).
 *
 * A handler fills call.reply, which starts life as a denial; loop.c sends it in
 * one place. What remains to be done after the answer (the exec stop) is left
 * in call.after.
 *
 * Blocking calls made for somebody else run under a guard (guard.c): a timer
 * of the thread interrupts them every 20 ms, and then the caller is looked at:
 * is it still waiting, has it a signal to handle?
 */
#ifndef NOTIFYD_DOORMAN_H
#define NOTIFYD_DOORMAN_H

#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/types.h>
#include <time.h>

#include "common/event.h"
#include "notifyd/memo.h"
#include "notifyd/notifyd.h"

#define DOORMAN_THREADS_MAX	256	/* calls that may block at one time */
#define GUARD_SIGNAL		(SIGRTMIN + 5)	/* interrupts what a thread does for somebody else */

/** enum reply_kind - Zero answers with @err or @value, and @err starts as EACCES */
enum reply_kind {
	REPLY_VALUE = 0,
	REPLY_CONTINUE,		/* exec, seized or of a traced task that the policy lets be traced; inotify.c; innerfilter.c; open.c; xattr.c */
	REPLY_FD,		/* hand in @fd */
};

/** struct reply - The one answer to a notification */
struct reply {
	enum reply_kind kind;
	int err;		/* REPLY_VALUE: errno, > 0; 0: done, return @value */
	int64_t value;
	int fd;			/* REPLY_FD: owned until sent */
	uint32_t fd_flags;	/* O_CLOEXEC or 0 */
};

struct worker;

/** struct call - A notification being answered */
struct call {
	struct notifyd *n;
	struct worker *worker;
	uint64_t id;
	pid_t tid;		/* a thread, in our pid namespace */
	int nr;
	uint64_t args[6];
	uint64_t start_ns;
	bool is_held;		/* answered, and the task is our stopped tracee: it cannot go away */
	struct reply reply;
	/* Called once after the answer was sent; @sent is 0 or -errno (-ENOENT: the caller has gone) */
	void (*after)(struct call *c, int sent);
	void *after_arg;
};

/** struct worker - One thread. Owned by struct notifyd */
struct worker {
	struct notifyd *n;
	pthread_t thread;
	bool has_baton;		/* its own view: notifyd_watch() may have taken it (baton.c) */
	uint64_t inline_seq;	/* the call it answers with the baton in hand; 0: none */
	_Atomic pid_t passing;	/* the task that it makes exec once more (again.c); 0: none */
	pid_t tid;		/* its own, set before @passing */
	pid_t pidfd_tid;	/* whose @pidfd is, for the calls that follow; 0: nobody's */
	int pidfd;
	bool has_timer;
	timer_t timer;
	struct seccomp_notif *notif;
	struct seccomp_notif_resp *resp;
};

/** struct cookies - Socket cookies of the session's listeners: a set that only grows, up to a limit */
struct cookies {
	pthread_mutex_t lock;
	uint64_t *slot;		/* open addressing, 0 is free */
	size_t size, count;
};

/** struct notifyd - The doorman. Everything but what @lock protects is set before the threads start */
struct notifyd {
	struct notifyd_config cfg;
	size_t notif_size, resp_size;
	uint64_t net_cookie;		/* of our own network namespace; 0 unknown: every socket is outside */
	int proc_fd;			/* our /proc, for the resolver */
	bool has_by_commands, has_by_files, has_by_network;

	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_ended, is_baton_free;
	size_t idle_count, worker_count;
	struct worker worker[DOORMAN_THREADS_MAX];

	int watch_fd;			/* a timer, set by whoever holds the baton; notifyd_watch() */
	atomic_bool is_watched;		/* it is set */
	uint64_t watched_seq;		/* @inline_seq when it fired last; the main thread's */
	uint64_t last_seq;		/* the holder's */
	_Atomic uint64_t inline_seq;	/* call that is answered with the baton in hand; 0: none */

	pthread_mutex_t resolver_lock;
	pthread_cond_t resolver_wake;
	int resolver_free[RESOLVER_SOCKETS];	/* stack of indexes */
	size_t resolver_free_count;
	bool is_greeted[RESOLVER_SOCKETS];
	pid_t resolver_tid[RESOLVER_SOCKETS];	/* its thread behind each, as we see it; whoever has the socket looks */
	int view_root;			/* O_PATH; -1 nobody has asked for it */
	struct memo memo;
	atomic_uint passing_count;	/* workers with a task in passing */
	atomic_uint held_count;		/* workers that wait for an exec stop */
	atomic_uint crowd;		/* execs to come during which somebody else receives (loop.c) */

	struct cookies listeners;
	atomic_bool wants_credentials;	/* somebody inside has asked for its peers' pids */
	pthread_mutex_t courier_lock;
#ifdef AGENTSH_TEETH
	bool is_execstop_off;		/* layer "execstop" switched off, to show that it is needed */
	bool is_pins_off;		/* layer "pins": files are opened by name, through links (opengive.c) */
#endif
};

/* ---- loop.c ---- */

/** reply_result() - Answer with a call's own result: a value, or -errno */
void reply_result(struct call *c, int64_t result);

/** loop_hold() - Receive and answer until the baton is somebody else's or nobody is left to ask */
void loop_hold(struct worker *w);

/** loop_look() - At an exec stop, the task not yet let go: does anybody else wait for an answer? */
void loop_look(const struct call *c);

/* ---- baton.c ---- */

/** baton_start() - The first thread. 0; -errno */
int baton_start(struct notifyd *n) MUST_USE;

/** baton_release() - Before waiting for anything. False: there is no other thread, and it must not wait long */
bool baton_release(struct worker *w);

/** baton_begin(), baton_end() - Around what is done with the baton in hand and might hang */
void baton_begin(struct worker *w);
void baton_end(struct worker *w);

/** baton_end_all() - Nobody is left to ask: every thread returns */
void baton_end_all(struct notifyd *n);
bool baton_is_ended(struct notifyd *n);

/** baton_join() - Interrupt and join every thread */
void baton_join(struct notifyd *n);

/* ---- table.c ---- */

/** struct handler - Who answers a system call */
struct handler {
	int nr;
	bool is_quick;		/* touches neither the caller's memory nor a file system: cannot hang */
	void (*handle)(struct call *c);
};

/** handler_find() - NULL if the doorman does not know the call: it is refused */
const struct handler *handler_find(int nr);

void handle_execve(struct call *c);	/* exec.c; execveat too */
void handle_socket(struct call *c);	/* socket.c */
void handle_listen(struct call *c);
void handle_connect(struct call *c);	/* connect.c */
void handle_bind(struct call *c);	/* bind.c */
void handle_setsockopt(struct call *c);	/* sockopt.c */
void handle_sendto(struct call *c);	/* send.c */
void handle_sendmsg(struct call *c);
void handle_sendmmsg(struct call *c);
void handle_inotify_add_watch(struct call *c);	/* inotify.c */
void handle_filter(struct call *c);	/* innerfilter.c; seccomp and prctl */
void handle_chmod(struct call *c);	/* chmod.c; fchmod, fchmodat and fchmodat2 too */
void handle_setxattr(struct call *c);	/* xattr.c; lsetxattr and fsetxattr too */
void handle_open(struct call *c);	/* open.c; openat and creat too */
void handle_openat2(struct call *c);
void handle_truncate(struct call *c);

/* ---- guard.c ---- */

/** guard_init() - Install the empty handler of GUARD_SIGNAL. 0; -errno */
int guard_init(void) MUST_USE;

/** guard_arm() - Blocking calls of this thread return EINTR after 5 ms, then every 20 ms. 0; -errno */
int guard_arm(struct worker *w) MUST_USE;
void guard_disarm(struct worker *w);

/**
 * guard_check() - May the interrupted call go on?
 * @has_timeout:	The socket has a time limit: then the kernel does not restart (sock_intr_errno())
 *
 * It takes longer, so the baton is handed on first.
 *
 * Return: 0 go on; -EAGAIN no thread is left to receive; -ESRCH the caller has gone; -ERESTARTSYS (-512) or -EINTR:
 * it has a signal to handle, answer with that
 */
int guard_check(const struct call *c, bool has_timeout) MUST_USE;
void guard_release(struct worker *w);	/* at the thread's end */

/** now_ns() - CLOCK_MONOTONIC */
uint64_t now_ns(void);

/* ---- say.c ---- */

/** struct verdict - A decision and what it was about, on its way to the sink */
struct verdict {
	enum event_layer layer;
	enum policy_op op;
	uint32_t flags;			/* EVENT_F_* */
	struct policy_str object, resolved;
	const char *const *argv;
	uint32_t argc;
	struct policy_decision decision;
};

/** verdict_errno() - 0 if allowed, else the errno to answer with, > 0; ask and redirect are refused here */
int verdict_errno(const struct policy_decision *d);

/** verdict_refuse() - A refusal that no rule of the policy made: a rule name and a message of ours, static */
void verdict_refuse(struct policy_decision *d, const char *rule, const char *message, int err);

/**
 * verdict_tell() - Record, before the answer
 * @err:	errno that will be answered, > 0; 0: done
 *
 * Return: @err; EACCES if it could not be recorded and was to be allowed
 */
int verdict_tell(const struct call *c, const struct verdict *v, int err) MUST_USE;

/** subject_of() - Who asks, if the section has rules that want to know; else empty. @buf of PATH_MAX bytes */
struct policy_subject subject_of(const struct call *c, bool is_wanted, char *buf, size_t size);

#endif /* NOTIFYD_DOORMAN_H */
