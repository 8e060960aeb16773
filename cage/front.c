/* SPDX-License-Identifier: Apache-2.0
 *
 * cage/front.c - The caller's own process: signals, stops and the end of the job, mirrored
 *
 * DOC: Theory of operation
 *
 * Front, init and command share one process group, the caller's. What the
 * terminal or "kill -PGRP" sends reaches the command without us. What is sent
 * to the front alone has to be passed on, and the front cannot tell one from
 * the other; init can, because it got a copy in the one case and none in the
 * other. So the front reports every signal it takes and init decides (init.c).
 *
 * The front stops only after the command has stopped, and by the same signal:
 * before, a program that handles SIGTSTP would lose its terminal to the shell
 * while it still draws; and for another signal the shell would say something
 * else than it says of the program alone. A stop signal that the kernel
 * discards because the group is orphaned is one it would have discarded for
 * the program alone; then init lets the command go on.
 *
 * Ids of processes inside mean nothing out here, and ours mean nothing inside
 * (the group of front and command is 0 there). So each side does to the
 * terminal what it has the numbers for: init gives it to a group inside, the
 * front takes it back.
 */
#include "cage/cage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fdio.h"
#include "common/proc.h"

/* Raised by the processor for what the process itself does; blocked, they end it all the same */
static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS };

/* The terminal as long as it is ours to change; -1: none */
static int open_terminal(void)
{
	return open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

void cage_caller_save(struct cage_caller *ret)
{
	struct cage_caller c;
	cleanup_fd int tty = open_terminal();

	memset(&c, 0, sizeof(c));	/* cage_front_restore() compares the termios, padding and all */
	(void)sigprocmask(SIG_SETMASK, NULL, &c.mask);	/* cannot fail: arguments are valid */
	sigemptyset(&c.ignored);
	for (int sig = 1; sig < _NSIG; sig++) {
		struct sigaction sa;

		if (sigaction(sig, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN)
			sigaddset(&c.ignored, sig);
	}
	c.umask = umask(0);
	(void)umask(c.umask);	/* there is no call that only reads it */
	c.pgrp = getpgrp();
	if (tty >= 0 && tcgetattr(tty, &c.termios) == 0) {
		c.has_tty = true;
		c.was_foreground = tcgetpgrp(tty) == c.pgrp;
	}
	memcpy(ret, &c, sizeof(c));
}

void cage_front_signals(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t set;

	/* A caller that ignores SIGCHLD would have our children reaped by the kernel, status and all */
	(void)sigaction(SIGCHLD, &sa, NULL);	/* cannot fail: arguments are valid */
	sigfillset(&set);
	sigdelset(&set, SIGCHLD);
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		sigdelset(&set, faults[i]);
	(void)sigprocmask(SIG_SETMASK, &set, NULL);	/* as above */
}

/* "kill -SEGV" from outside is for the command as well. Not before this: the supervisor wants its faults reported */
static int take_signals(void)
{
	sigset_t set;

	sigfillset(&set);
	sigdelset(&set, SIGCHLD);
	if (sigprocmask(SIG_SETMASK, &set, NULL) < 0)
		return -errno;
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

/* An init that does not read has been stopped, or is dead: then nothing can be delivered, nor must we wait */
static void tell_init(int job_sock, enum cage_job_kind kind, int value)
{
	struct cage_job_msg msg = { .kind = (int32_t)kind, .value = value };

	(void)send(job_sock, &msg, sizeof(msg), MSG_DONTWAIT | MSG_NOSIGNAL);	/* see above */
}

static void report_signals(int signal_fd, int job_sock)
{
	struct signalfd_siginfo si;

	while (read(signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si))
		tell_init(job_sock, CAGE_JOB_SIGNAL, (int)si.ssi_signo);
}

static bool is_foreground(void)
{
	cleanup_fd int tty = open_terminal();

	return tty >= 0 && tcgetpgrp(tty) == getpgrp();
}

/* Returns when somebody has continued us, or when the kernel discards the signal */
static void stop_as(int sig)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL }, old;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	if (sig == SIGSTOP || sigaction(sig, &dfl, &old) < 0) {
		(void)raise(SIGSTOP);	/* cannot fail */
		return;
	}
	(void)raise(sig);		/* pending: it is blocked */
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);	/* here we stop */
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)sigaction(sig, &old, NULL);
}

/*
 * A shell inside makes a process group of its own before it asks for the
 * terminal. Natively it leads our group already and has the terminal; here it is
 * stopped for asking, and where we have the terminal it may have it.
 */
static bool wants_our_terminal(int value)
{
	int sig = value & CAGE_JOB_STOP_SIGNAL;

	return (value & CAGE_JOB_STOP_OWN_GROUP) && (sig == SIGTTOU || sig == SIGTTIN) && is_foreground();
}

static void mirror_stop(int value, int job_sock)
{
	if (!wants_our_terminal(value))
		stop_as(value & CAGE_JOB_STOP_SIGNAL);
	tell_init(job_sock, CAGE_JOB_CONTINUE, is_foreground());
}

/* Return: 1 if the job has ended, 0 if not, -errno */
static int take_message(int job_sock, int *ret_status)
{
	struct cage_job_msg msg;
	ssize_t n = recv(job_sock, &msg, sizeof(msg), MSG_DONTWAIT);

	/* An init that ends with a report unread is told of first, its last message comes after that */
	if (n < 0)
		return errno == EAGAIN || errno == EINTR || errno == ECONNRESET ? 0 : -errno;
	if (n != (ssize_t)sizeof(msg))
		return -ECONNRESET;
	if (msg.kind == CAGE_JOB_STOPPED)
		mirror_stop(msg.value, job_sock);
	if (msg.kind != CAGE_JOB_ENDED)
		return 0;
	*ret_status = msg.value;
	return 1;
}

int cage_front_run(const struct cage_caller *caller, int job_sock, int *ret_status)
{
	cleanup_fd int signal_fd = take_signals();
	int r = 0;

	(void)caller;	/* what it ignored, the command ignores: nothing to hold back here */
	if (signal_fd < 0)
		return signal_fd;
	while (r == 0) {
		struct pollfd fds[] = {
			{ .fd = signal_fd, .events = POLLIN },
			{ .fd = job_sock, .events = POLLIN },
		};

		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return -errno;
		report_signals(signal_fd, job_sock);
		if (fds[1].revents)
			r = take_message(job_sock, ret_status);
	}
	return r < 0 ? r : 0;
}

/*
 * Whether the terminal belongs to a group that was made in the cage. Not so if
 * the caller's shell has moved the job to the background and uses it itself.
 */
static bool is_left_behind(pid_t group)
{
	struct proc_status st;

	if (kill(-group, 0) < 0 && errno == ESRCH)
		return true;
	return proc_status(group, &st) == 0 && st.inner_tid != group;
}

/* Of /proc/PID/stat: state, parent, process group. The name before them may hold anything, ")" too */
static bool read_stat(pid_t pid, char *ret_state, pid_t *ret_parent, pid_t *ret_group)
{
	char path[64], buf[512], *after;
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", pid);	/* always fits */
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);
	if (n <= 0)
		return false;
	buf[n] = '\0';
	after = strrchr(buf, ')');
	return after && sscanf(after + 1, " %c %d %d", ret_state, ret_parent, ret_group) == 3;
}

static bool is_ancestor(pid_t pid)
{
	pid_t p = getppid(), group;
	char state;

	while (p > 1 && p != pid && read_stat(p, &state, &p, &group))
		;
	return p == pid;
}

/* Another part of the caller's pipeline, such as the pager behind us, which has set the terminal for itself */
static bool is_sibling(pid_t pid, pid_t our_group)
{
	struct proc_status st;
	pid_t parent, group;
	char state;

	return pid > 0 && pid != getpid() && getpgid(pid) == our_group &&
	       read_stat(pid, &state, &parent, &group) && state != 'Z' && !is_ancestor(pid) &&
	       proc_status(pid, &st) == 0 && st.inner_tid == pid;
}

static bool has_siblings(pid_t our_group)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	bool found = false;

	while (proc && !found && (entry = readdir(proc)))
		found = is_sibling((pid_t)strtol(entry->d_name, NULL, 10), our_group);
	if (proc)
		(void)closedir(proc);	/* read only */
	return found;
}

static void restore_modes(int tty, const struct cage_caller *caller)
{
	struct termios now;

	/* Not canonical: another part of the pipeline had set the terminal before we looked */
	if (!(caller->termios.c_lflag & ICANON))
		return;
	memset(&now, 0, sizeof(now));	/* the comparison sees the padding */
	if (tcgetattr(tty, &now) < 0 || memcmp(&now, &caller->termios, sizeof(now)) == 0)
		return;
	if (!has_siblings(caller->pgrp))
		(void)tcsetattr(tty, TCSADRAIN, &caller->termios);	/* nothing else to try */
}

void cage_front_restore(const struct cage_caller *caller)
{
	cleanup_fd int tty = caller->has_tty && caller->was_foreground ? open_terminal() : -1;
	pid_t group;

	if (tty < 0)
		return;		/* none, or hung up meanwhile */
	group = tcgetpgrp(tty);
	/* SIGTTOU is blocked (cage_front_signals): both work from the background too */
	if (group >= 0 && group != caller->pgrp &&
	    (!is_left_behind(group) || tcsetpgrp(tty, caller->pgrp) < 0))
		return;
	restore_modes(tty, caller);
}

_Noreturn void cage_front_exit(const struct cage_caller *caller, int status)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	struct rlimit none = { 0, 0 };
	sigset_t set;
	int sig;

	(void)caller;
	if (WIFEXITED(status))
		exit(WEXITSTATUS(status));
	sig = WTERMSIG(status);
	/* The core, if there is to be one, is the command's */
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);	/* where core_pattern is a pipe, the limit is not asked */
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)fflush(NULL);		/* exit() would have, a signal does not */
	(void)sigaction(sig, &dfl, NULL);	/* SIGKILL: nothing to set */
	sigemptyset(&set);
	sigaddset(&set, sig);
	(void)raise(sig);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	exit(128 + sig);		/* pid 1 of a container does not die of its own signals */
}
