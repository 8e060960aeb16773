/* SPDX-License-Identifier: Apache-2.0
 *
 * cage/front.c - The caller's own process: signals, stops and the end of the job, mirrored
 *
 * DOC: Theory of operation
 *
 * Front and init are in the caller's process group. The command is what it
 * would have been natively: a member of that group; or, if the front leads the
 * group and has it to itself, the leader of one of its own (getpgrp() is its pid
 * then, as shells and timeout(1) want it), which has the terminal whenever the
 * caller's group has it. In a pipeline it is never a leader: the group would
 * have to share the terminal with the pager.
 *
 * What is sent to the front alone has to be passed on, what is sent to the
 * group must not be passed on twice, and the front cannot tell one from the
 * other; init can, because it got a copy in the one case and none in the other.
 * So the front reports every signal it takes and init decides (init.c).
 *
 * The front stops only after the command has stopped, and by the same signal:
 * before, a program that handles SIGTSTP would lose its terminal to the shell
 * while it still draws; and for another signal the shell would say something
 * else than it says of the program alone. A stop signal that the kernel
 * discards because the group is orphaned is one it would have discarded for
 * the program alone; then init lets the command go on.
 *
 * Ids of processes inside mean nothing out here, and ours mean nothing inside
 * (the group of front and init is 0 there). So each side does to the terminal
 * what it has the numbers for: init gives it to a group inside, the front takes
 * it back.
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
#include <time.h>
#include <unistd.h>

#include "cage/parts.h"
#include "common/cleanup.h"
#include "common/fdio.h"
#include "common/proc.h"

enum { DYING_MS = 500, DYING_STEP_MS = 10 };

/* Raised by the processor for what the process itself does; blocked, they end it all the same */
static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS };

/* The terminal as long as it is ours to change; -1: none */
static int open_terminal(void)
{
	return open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

/* Whatever we open would lie there, and reach the command as its input or output. Closed again by its exec */
static void hold_closed_stdio(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd < 3);
	if (fd >= 0)
		(void)close(fd);
}

void cage_caller_save(struct cage_caller *ret)
{
	struct cage_caller c;

	hold_closed_stdio();
	cleanup_fd int tty = open_terminal();
	memset(&c, 0, sizeof(c));	/* cage_front_restore() compares the termios, padding and all */
	(void)sigprocmask(SIG_SETMASK, NULL, &c.mask);	/* cannot fail: arguments are valid */
	sigemptyset(&c.ignored);
	for (int sig = 1; sig < _NSIG; sig++) {
		struct sigaction sa;

		if (sigaction(sig, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN)
			sigaddset(&c.ignored, sig);
	}
	descriptors_note(&c.inherited);
	c.umask = umask(0);
	(void)umask(c.umask);	/* there is no call that only reads it */
	c.pgrp = getpgrp();
	c.leads = c.pgrp == getpid();
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

static bool is_foreground(void)
{
	cleanup_fd int tty = open_terminal();

	return tty >= 0 && tcgetpgrp(tty) == getpgrp();
}

static int foreground_flag(void)
{
	return is_foreground() ? CAGE_JOB_FOREGROUND : 0;
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

static bool is_ancestor(pid_t pid, pid_t of)
{
	pid_t group;
	char state;

	while (of > 1 && of != pid && read_stat(of, &state, &of, &group))
		;
	return of == pid;
}

/* In a pid namespace below ours */
static bool is_caged(pid_t pid)
{
	struct proc_status st;

	return proc_status(pid, &st) == 0 && st.inner_tid != pid;
}

/* Another part of the caller's pipeline: not waiting for us, nor started by us */
static bool is_sibling(pid_t pid)
{
	pid_t parent, group;
	char state;

	return read_stat(pid, &state, &parent, &group) && state != 'Z' &&
	       !is_ancestor(pid, getpid()) && !is_ancestor(getpid(), pid);
}

/* Whether there is such a process in the group. All of /proc is looked at: there is no other list */
static bool find_in_group(pid_t group, bool (*is_such)(pid_t pid))
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	bool found = false;

	while (proc && !found && (entry = readdir(proc))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		found = pid > 0 && getpgid(pid) == group && is_such(pid);
	}
	if (proc)
		(void)closedir(proc);	/* read only */
	return found;
}

static bool has_siblings(pid_t group)
{
	return find_in_group(group, is_sibling);
}

/* A group that was made in the cage; its leader may have ended */
static bool is_inside(pid_t group)
{
	return find_in_group(group, is_caged);
}
/*
 * Out of the hands of a group from the cage, or of one that is gone. Another is
 * that of the caller's shell, which has moved us to the background: it keeps it.
 * SIGTTOU is blocked (cage_front_signals), so this works from the background too.
 *
 * Return: whether our group has the terminal now
 */
static bool take_terminal(int tty)
{
	pid_t ours = getpgrp(), group = tty < 0 ? -1 : tcgetpgrp(tty);

	if (group < 0 || group == ours)
		return group == ours;
	if (!is_inside(group) && (kill(-group, 0) == 0 || errno != ESRCH))
		return false;
	return tcsetpgrp(tty, ours) == 0;
}

/*
 * A part of the pipeline that joined our group after we had looked for such
 * wants the terminal, which is the command's. It gets it; the command, where it
 * wants it too, is stopped and gets it then (mirror_stop).
 */
static void help_sibling(void)
{
	cleanup_fd int tty = is_foreground() ? -1 : open_terminal();

	if (take_terminal(tty))
		(void)kill(0, SIGCONT);		/* cannot fail: we are one of them */
}

/* Return: whether SIGCONT was among them */
static bool report_signals(int signal_fd, int job_sock)
{
	struct signalfd_siginfo si;
	bool is_continued = false;

	while (read(signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		int sig = (int)si.ssi_signo;

		if ((sig == SIGTTIN || sig == SIGTTOU) && si.ssi_code == SI_KERNEL)
			help_sibling();
		is_continued |= sig == SIGCONT;
		tell_init(job_sock, CAGE_JOB_SIGNAL, sig | (sig == SIGCONT ? foreground_flag() : 0));
	}
	return is_continued;
}

/* Return: whether we were stopped, and have been continued; not so if the kernel discards the signal */
static bool stop_as(int sig)
{
	struct sigaction dfl = { .sa_handler = SIG_DFL }, old;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	if (sig == SIGSTOP || sigaction(sig, &dfl, &old) < 0) {
		(void)raise(SIGSTOP);	/* cannot fail */
	} else {
		(void)raise(sig);	/* pending: it is blocked */
		(void)sigprocmask(SIG_UNBLOCK, &set, NULL);	/* here we stop */
		(void)sigprocmask(SIG_BLOCK, &set, NULL);
		(void)sigaction(sig, &old, NULL);
	}
	/* What continued us is blocked too, and the stop had cleared away any older one */
	return sigpending(&set) == 0 && sigismember(&set, SIGCONT) == 1;
}

/*
 * A shell with job control makes a process group of its own before it asks for
 * the terminal, and here it can be stopped for asking: where we have the
 * terminal it may have it.
 */
static bool wants_our_terminal(int value)
{
	int sig = value & CAGE_JOB_NUMBER;

	return (value & CAGE_JOB_OWN_GROUP) && (sig == SIGTTOU || sig == SIGTTIN) && is_foreground();
}

static void mirror_stop(const struct cage_caller *caller, int value, int job_sock)
{
	cleanup_fd int tty = open_terminal();

	if (wants_our_terminal(value)) {
		tell_init(job_sock, CAGE_JOB_CONTINUE, CAGE_JOB_RESUME | CAGE_JOB_FOREGROUND);
		return;
	}
	/* The rest of the pipeline may still run: for it Ctrl-Z must reach our group. Init gives it again */
	if (caller->leads)
		(void)take_terminal(tty);	/* what the terminal does not do, the shell will */
	if (stop_as(value & CAGE_JOB_NUMBER))
		tell_init(job_sock, CAGE_JOB_CONTINUE, 0);	/* the report of the SIGCONT comes next */
	else
		tell_init(job_sock, CAGE_JOB_CONTINUE, CAGE_JOB_RESUME | foreground_flag());
}

/* The last moment to look: the shell has had the time of our set-up to fork the rest of the pipeline */
static void let_go(const struct cage_caller *caller, int job_sock)
{
	int flags = foreground_flag();

	if (caller->leads)
		flags |= CAGE_JOB_LEADS;
	if (caller->leads && !(caller->has_tty && has_siblings(caller->pgrp)))
		flags |= CAGE_JOB_ALONE;
	tell_init(job_sock, CAGE_JOB_GO, flags);
}

/* Return: 1 if the job has ended, 0 if not, -errno */
static int take_message(const struct cage_caller *caller, int job_sock, bool is_continued, int *ret_status)
{
	struct cage_job_msg msg;
	ssize_t n = recv(job_sock, &msg, sizeof(msg), MSG_DONTWAIT);

	/* An init that ends with a report unread is told of first, its last message comes after that */
	if (n < 0)
		return errno == EAGAIN || errno == EINTR || errno == ECONNRESET ? 0 : -errno;
	if (n != (ssize_t)sizeof(msg))
		return -ECONNRESET;
	if (msg.kind == CAGE_JOB_STARTED)
		let_go(caller, job_sock);
	/* We were stopped together with the command, and have been continued: init says so again if it is not over */
	if (msg.kind == CAGE_JOB_STOPPED && is_continued)
		tell_init(job_sock, CAGE_JOB_CONTINUE, 0);
	else if (msg.kind == CAGE_JOB_STOPPED)
		mirror_stop(caller, msg.value, job_sock);
	if (msg.kind != CAGE_JOB_ENDED)
		return 0;
	*ret_status = msg.value;
	return 1;
}

int cage_front_run(const struct cage_caller *caller, int job_sock, int *ret_status)
{
	cleanup_fd int signal_fd = take_signals();
	int r = 0;

	if (signal_fd < 0)
		return signal_fd;
	while (r == 0) {
		bool is_continued;
		struct pollfd fds[] = {
			{ .fd = signal_fd, .events = POLLIN },
			{ .fd = job_sock, .events = POLLIN },
		};

		if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
			return -errno;
		is_continued = report_signals(signal_fd, job_sock);
		if (fds[1].revents)
			r = take_message(caller, job_sock, is_continued, ret_status);
	}
	return r < 0 ? r : 0;
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
	/* A pager behind us has set the terminal for itself */
	if (!has_siblings(caller->pgrp))
		(void)tcsetattr(tty, TCSADRAIN, &caller->termios);	/* nothing else to try */
}

static bool is_caged_sibling(pid_t pid)
{
	return is_sibling(pid) && is_caged(pid);
}

/* What the kernel is ending with the cage counts as a part of the pipeline as long as it is there */
static void wait_for_cage(const struct cage_caller *caller)
{
	const struct timespec step = { .tv_nsec = DYING_STEP_MS * 1000000L };

	for (int ms = 0; ms < DYING_MS && find_in_group(caller->pgrp, is_caged_sibling); ms += DYING_STEP_MS)
		(void)nanosleep(&step, NULL);	/* signals are blocked */
}

void cage_front_restore(const struct cage_caller *caller, bool is_broken)
{
	cleanup_fd int tty = caller->has_tty && caller->was_foreground ? open_terminal() : -1;

	if (tty >= 0 && is_broken)
		wait_for_cage(caller);
	if (take_terminal(tty))
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
