/* SPDX-License-Identifier: Apache-2.0
 *
 * cage/build.c - From the supervisor to the exec: who forks whom, who waits for whom
 *
 * DOC: Theory of operation
 *
 *	supervisor	builder			init		command
 *	fork ---------->
 *			unshare
 *	id maps <------ UNSHARED
 *			network, descriptors
 *	serve <-------- FUSE
 *			the view
 *	pidfd <-------- INIT
 *			clone, "alive" -------->
 *					/proc, new root, cwd
 *			resolver <----- "ready"
 *					fork ----------->
 *							caps, Landlock, filter
 *	doorman <-------------------------------------- LISTENER
 *	return					exec
 *
 * All four speak over one SOCK_SEQPACKET pair; only one of them has anything to
 * say at a time. A failure is one message from whoever met it; a death is the
 * end of the connection, because the supervisor keeps no copy of the far end.
 *
 * Nothing survives the supervisor: each child asks to be killed when its parent
 * dies (PDEATHSIG, after the credentials have changed for the last time), and
 * then makes sure that the parent was alive after it had asked.
 */
#include "cage/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fdio.h"
#include "common/fork.h"
#include "common/proc.h"

/* ---- builder ---- */

struct builder {
	const struct cage_config *cfg;
	const struct cage_caller *caller;
	const struct cage_hooks *hooks;
	int job_sock, setup_sock;
	int ours, theirs;	/* between builder and init */
	pid_t supervisor, init;
	struct served_fuse fuse;
	struct view view;
	struct cage_failure failure;
};

/* Init is dead, so is everything inside: whatever the resolver is doing is for nobody. It has no other child. */
static void on_child(int signo)
{
	int saved = errno;
	siginfo_t info = { .si_pid = 0 };

	(void)signo;
	while (waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOHANG) == 0 && info.si_pid != 0) {
		if (info.si_code != CLD_STOPPED)
			_exit(0);
		cage_init_stopped(info.si_pid);	/* by SIGSTOP to the caller's group */
		info.si_pid = 0;
	}
	errno = saved;
}

static int watch_init(struct builder *b)
{
	struct sigaction sa = { .sa_handler = on_child, .sa_flags = SA_RESTART };
	sigset_t set;

	(void)sigemptyset(&set);	/* these cannot fail */
	(void)sigaddset(&set, SIGCHLD);
	if (sigaction(SIGCHLD, &sa, NULL) < 0 || sigprocmask(SIG_UNBLOCK, &set, NULL) < 0)
		return cage_fail(&b->failure, errno, "resolver", "%s", strerror(errno));
	on_child(SIGCHLD);		/* it may have died before */
	return 0;
}

/* The resolver holds nothing of the caller's: a pipe it kept would never end.
 * While the host's /proc is there: in the cage's own this process has no entry. */
static void detach(const struct cage_config *cfg)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	descriptors_close_inherited(cfg->inherited);
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		(void)dup2(null, fd);	/* only keeps a terminal busy if it fails */
	if (null > 2)
		(void)close(null);
	(void)setsid();			/* a forked child is no group leader */
}

static _Noreturn void become_resolver(struct builder *b)
{
	char ready;

	(void)close(b->job_sock);
	(void)close(b->theirs);
	/* The end of the connection: init has failed, and has said why */
	if (fdio_read_full(b->ours, &ready, 1) < 0)
		_exit(CAGE_EXIT_NO_CAGE);
	(void)close(b->ours);
	if (watch_init(b) < 0)
		cage_setup_abort(b->setup_sock, &b->failure);
	(void)close(b->setup_sock);
	/* Its parsers read what hostile callers name */
	if (chdir("/") < 0 || capabilities_drop_resolver() < 0)
		_exit(1);
	b->hooks->resolver(b->hooks->ctx);
	while (waitpid(b->init, NULL, 0) < 0 && errno == EINTR)
		;
	_exit(0);
}

/* Pid 1 of the cage */
static _Noreturn void init_main(struct builder *b)
{
	char alive;

	(void)close(b->ours);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || fdio_read_full(b->theirs, &alive, 1) < 0)
		_exit(1);	/* the builder is dead */
	if (view_enter(&b->view) < 0)
		cage_setup_abort(b->setup_sock, &b->failure);
	(void)close(b->view.root_fd);
	if (fdio_write_full(b->theirs, "r", 1) < 0)
		_exit(1);
	(void)close(b->theirs);
#ifdef AGENTSH_TEETH
	if (CAGE_IS_OFF(b->cfg, PIDNS))
		teeth_init_run(b->cfg, b->caller, b->job_sock, b->setup_sock);
#endif
	cage_init_run(b->cfg, b->caller, b->job_sock, b->setup_sock);
}

/*
 * As fork(2), the child in a pid namespace of its own. Not unshare(2) and then
 * fork(3): a process whose children belong to another pid namespace than itself
 * gets no threads any more (EINVAL), and the resolver wants some.
 */
static pid_t fork_into_namespace(const struct builder *b)
{
	struct clone_args args = { .flags = CLONE_NEWPID, .exit_signal = SIGCHLD };

	if (CAGE_IS_OFF(b->cfg, PIDNS))
		return fork();
	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static int fork_init(struct builder *b)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return cage_fail(&b->failure, errno, "init", "%s", strerror(errno));
	b->ours = pair[0];
	b->theirs = pair[1];
	b->init = fork_into_namespace(b);
	if (b->init < 0)
		return cage_fail(&b->failure, errno, "pid namespace", "%s", strerror(errno));
	if (b->init == 0)
		init_main(b);
	if (cage_setup_ask(b->setup_sock, CAGE_SETUP_INIT, b->init, -1) < 0)
		_exit(1);	/* the supervisor is gone, or gave up */
	detach(b->cfg);
	if (fdio_write_full(b->ours, "a", 1) < 0)
		return cage_fail(&b->failure, EPIPE, "init", "it died before it began");
	return 0;
}

/* From the namespaces to init */
static int build(struct builder *b)
{
	struct cage_failure *f = &b->failure;
	int r = cage_unshare(b->cfg, f);

	if (r < 0)
		return r;
	/* A change of credentials clears it, so not before unshare */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return cage_fail(f, errno, "builder", "prctl: %s", strerror(errno));
	if (getppid() != b->supervisor)
		_exit(1);
	if (cage_setup_ask(b->setup_sock, CAGE_SETUP_UNSHARED, 0, -1) < 0)
		_exit(1);
	/* Not to be traced or looked into from inside; the maps, which need it to be, are written */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return cage_fail(f, errno, "builder", "prctl: %s", strerror(errno));
	r = cage_network_up(b->cfg, f);
	if (r == 0)
		r = descriptors_judge(b->cfg, f);
	if (r == 0)
		r = view_build(&b->view, b->cfg, b->fuse, b->setup_sock, f);
	return r == 0 ? fork_init(b) : r;
}

static _Noreturn void builder_main(struct builder *b)
{
	if (chdir("/") < 0)	/* the caller's directory is on a tree that goes away */
		_exit(1);
	if (build(b) < 0)
		cage_setup_abort(b->setup_sock, &b->failure);
	(void)close(b->view.root_fd);
	become_resolver(b);
}

/* ---- supervisor ---- */

struct build {
	struct cage *cage;
	const struct cage_config *cfg;
	const struct cage_hooks *hooks;
	int sock;
	int stage;		/* last enum cage_setup_kind */
	struct cage_failure *reterr;
};

/** struct incoming - One message, with what the kernel says of its sender */
struct incoming {
	struct cage_setup_msg msg;
	int fd;
	pid_t pid;
};

static void take_control(struct incoming *in, struct msghdr *hdr)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c; c = CMSG_NXTHDR(hdr, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_RIGHTS && c->cmsg_len >= CMSG_LEN(sizeof(int)))
			memcpy(&in->fd, CMSG_DATA(c), sizeof(int));
		if (c->cmsg_type == SCM_CREDENTIALS) {
			struct ucred cred;

			memcpy(&cred, CMSG_DATA(c), sizeof(cred));
			in->pid = cred.pid;
		}
	}
}

/* 0; -ECONNRESET if nobody is left to say anything; -errno */
static int receive(int sock, struct incoming *ret)
{
	union {
		char buf[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = &ret->msg, .iov_len = sizeof(ret->msg) };
	struct msghdr hdr = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf, .msg_controllen = sizeof(control.buf),
	};
	int was_reset = 0;
	ssize_t n;

	*ret = (struct incoming){ .fd = -1 };
	/* ECONNRESET is told once, before what lies in the queue: whoever has ended had not read all of ours */
	do
		n = recvmsg(sock, &hdr, MSG_CMSG_CLOEXEC);
	while (n < 0 && (errno == EINTR || (errno == ECONNRESET && !was_reset++)));
	if (n < 0)
		return -errno;
	take_control(ret, &hdr);
	if (n == 0)
		return -ECONNRESET;
	return n == sizeof(ret->msg) ? 0 : -EPROTO;
}

static int on_unshared(struct build *b, struct incoming *in)
{
	int r = cage_write_maps(b->cage->builder, b->cfg, b->reterr);

	(void)in;
	if (r < 0)
		return r;
	/* From here nobody of the same user traces us or takes our descriptors; before, the maps could not be written */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return cage_fail(b->reterr, errno, "supervisor", "prctl: %s", strerror(errno));
	return 0;
}

static int on_fuse(struct build *b, struct incoming *in)
{
	int fd = in->fd, r;

	if (fd < 0)
		return cage_fail(b->reterr, EPROTO, "served trees", "their descriptor got lost");
	in->fd = -1;
	r = b->hooks->fuse(b->hooks->ctx, fd, b->cage->builder);
	return r < 0 ? cage_fail(b->reterr, -r, "served trees", "%s", strerror(-r)) : 0;
}

static int on_init(struct build *b, struct incoming *in)
{
	b->cage->init = in->msg.value;
	b->cage->init_pidfd = proc_pidfd(in->msg.value);
	if (b->cage->init_pidfd < 0)
		return cage_fail(b->reterr, -b->cage->init_pidfd, "init", "%s", strerror(-b->cage->init_pidfd));
	return cage_tasks_limit(b->cage, b->cfg, b->reterr);	/* it waits for our answer before it forks */
}

static int on_listener(struct build *b, struct incoming *in)
{
	struct seccomp_notif_addfd nobody = { .flags = SECCOMP_ADDFD_FLAG_SEND };
	int fd, r;

	b->cage->command = in->pid;
	fd = proc_fd(in->pid, in->msg.value);
	if (fd < 0)
		return cage_fail(b->reterr, -fd, "doorman", "the listener cannot be taken over: %s", strerror(-fd));
	/* for a call that nobody has made: the kernel looks at the flags before it looks for that */
	nobody.srcfd = (uint32_t)fd;
	if (ioctl(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &nobody) == 0 || errno != ENOENT) {
		r = cage_fail(b->reterr, errno, "seccomp", "no descriptor can be handed in with an answer "
			      "(SECCOMP_ADDFD_FLAG_SEND, 5.14): %s", strerror(errno));
		(void)close(fd);
		return r;
	}
	r = b->hooks->listener(b->hooks->ctx, fd, in->pid);
	return r < 0 ? cage_fail(b->reterr, -r, "doorman", "%s", strerror(-r)) : 0;
}

static int on_failed(struct build *b, struct incoming *in)
{
	*b->reterr = in->msg.failure;
	b->reterr->step[sizeof(b->reterr->step) - 1] = '\0';
	b->reterr->detail[sizeof(b->reterr->detail) - 1] = '\0';
	return -(b->reterr->err > 0 ? b->reterr->err : EIO);
}

static int handle(struct build *b, struct incoming *in)
{
	static int (*const handlers[])(struct build *b, struct incoming *in) = {
		[CAGE_SETUP_FAILED] = on_failed, [CAGE_SETUP_UNSHARED] = on_unshared,
		[CAGE_SETUP_FUSE] = on_fuse, [CAGE_SETUP_INIT] = on_init,
		[CAGE_SETUP_LISTENER] = on_listener, [CAGE_SETUP_GO] = NULL,
	};
	static_assert(ARRAY_SIZE(handlers) == CAGE_SETUP_COUNT, "handlers[] and enum cage_setup_kind differ");
	int kind = in->msg.kind, r;

	if (kind < 0 || (size_t)kind >= ARRAY_SIZE(handlers) || !handlers[kind] ||
	    (kind != CAGE_SETUP_FAILED && kind <= b->stage))
		return cage_fail(b->reterr, EPROTO, "set-up", "a message out of order (%d)", kind);
	r = handlers[kind](b, in);
	if (r < 0)
		return r;
	b->stage = kind;
	r = cage_setup_say(b->sock, CAGE_SETUP_GO, 0, -1);
	/* it did not wait for that, and has failed meanwhile: its last words are next */
	if ((r == -EPIPE || r == -ECONNRESET) && kind != CAGE_SETUP_LISTENER)
		return 0;
	return r < 0 ? cage_fail(b->reterr, -r, "set-up", "a process of the cage died on the way") : 0;
}

static int converse(struct build *b)
{
	while (b->stage != CAGE_SETUP_LISTENER) {
		struct incoming in;
		int r = receive(b->sock, &in);

		if (r < 0)
			return cage_fail(b->reterr, -r, "set-up", "a process of the cage died on the way");
		r = handle(b, &in);
		if (in.fd >= 0)
			(void)close(in.fd);	/* nobody took it */
		if (r < 0)
			return r;
	}
	return 0;
}

/* Init goes with the builder, and all others with init: wait until that is so */
static void tear_down(struct cage *cage)
{
	struct pollfd init = { .fd = cage->init_pidfd, .events = POLLIN };

	(void)kill(cage->builder, SIGKILL);	/* our child, not yet reaped */
	while (waitpid(cage->builder, NULL, 0) < 0 && errno == EINTR)
		;
	if (cage->init_pidfd < 0)
		return;
	while (poll(&init, 1, -1) < 0 && errno == EINTR)
		;
	(void)close(cage->init_pidfd);
	cage_tasks_end(cage);
}

static int start_builder(struct build *b, struct builder *child)
{
	int pair[2], on = 1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return cage_fail(b->reterr, errno, "set-up", "socketpair: %s", strerror(errno));
	b->sock = pair[0];
	child->setup_sock = pair[1];
	/* Who sends: ids as we see them, whatever pid namespace they come from */
	if (setsockopt(b->sock, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0) {
		(void)close(pair[1]);
		return cage_fail(b->reterr, errno, "set-up", "SO_PASSCRED: %s", strerror(errno));
	}
	b->cage->builder = fork_single();
	if (b->cage->builder == 0) {
		(void)close(b->sock);
		builder_main(child);
	}
	(void)close(pair[1]);
	return b->cage->builder < 0 ? cage_fail(b->reterr, errno, "builder", "fork: %s", strerror(errno)) : 0;
}

/*
 * Each exec is looked at by ptrace. Who may do that to whom (Yama) is seen when
 * the listener is taken over; a container's filter that refuses the call, here.
 */
static int can_seize(struct cage_failure *reterr)
{
	if (ptrace(PTRACE_SEIZE, 0, NULL, NULL) < 0 && errno == ESRCH)
		return 0;
	return cage_fail(reterr, errno, "seizing", "this machine or container refuses ptrace(2), by which each program is "
			 "checked before it runs (Docker: --security-opt seccomp=unconfined): %s", strerror(errno));
}

int cage_build(struct cage *ret, const struct cage_config *cfg, const struct cage_caller *caller,
	       const struct cage_hooks *hooks, int job_sock, struct cage_failure *reterr)
{
	struct cage cage = { .builder = -1, .init = -1, .command = -1, .init_pidfd = -1 };
	struct build b = { .cage = &cage, .cfg = cfg, .hooks = hooks, .sock = -1, .reterr = reterr };
	struct builder child = {
		.cfg = cfg, .caller = caller, .hooks = hooks, .job_sock = job_sock, .supervisor = getpid(),
		.fuse = view_served_early(cfg),
	};
	int r = can_seize(reterr);

	if (r == 0)
		r = start_builder(&b, &child);
	view_served_drop(&child.fuse);	/* the builder has them */
	if (r == 0)
		r = hooks->begun(hooks->ctx, reterr);
	if (r == 0)
		r = converse(&b);
	(void)close(job_sock);
	if (b.sock >= 0)
		(void)close(b.sock);
	descriptors_close_inherited(cfg->inherited);
	if (r < 0) {
		if (cage.builder > 0)
			tear_down(&cage);
		return r;
	}
	*ret = cage;
	return 0;
}
