/* SPDX-License-Identifier: Apache-2.0
 *
 * cage/init.c - Pid 1 of the cage: the command's parent, its stops and signals, its end
 *
 * DOC: Theory of operation
 *
 * One loop over the signals (all blocked, read from a signalfd), the socket to
 * the front and the nearest deadline. Nothing in it blocks.
 *
 * Signals. Init is in the caller's process group as the front is, so a signal
 * for the group arrives here too; one for the front alone does not. The front
 * reports each signal it takes. A report that meets no copy within PAIR_MS was
 * for the front alone: the command gets it from us. A copy that meets no report
 * is forgotten after COPY_MS ("kill 1" inside makes such copies).
 *
 *	copy, report waiting	-> both gone		report, copy there	-> both gone
 *	copy, none waiting	-> copy kept		report, no copy		-> report waits
 *
 * A command in our group has had its own copy. Where natively it would have led
 * the group (front.c says when), and is in one of its own, that group is sent
 * ours at once. Only SIGCONT waits for the report, which says whether the
 * terminal comes with it.
 *
 * Stops. The front is told SETTLE_MS after the command has stopped, if it still
 * is: where somebody stops and continues the whole group, we wake up together
 * with the command and may find it stopped by what is over already. It answers
 * when it runs again. If then the command stays stopped, it is told again; if
 * the command goes on and the front does not (the SIGCONT came before the
 * front's own stop), the group is sent another SIGCONT.
 *
 * SIGSTOP for the group stops us too. Our parent wakes us (cage_init_stopped()),
 * and we stop the command that is elsewhere; the front needs no telling.
 *
 * The end. The front is told at once. What the command leaves behind has
 * FINISH_MS to end by itself (the tee of "exec > >(tee log)" has still data to
 * write), then it gets SIGTERM and GRACE_MS, then our exit takes it along.
 */
#include "cage/cage.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base.h"
#include "common/courier.h"
#include "common/fork.h"

enum {
	PAIR_MS = 10,
	COPY_MS = 250,
	SETTLE_MS = 5,
	WAKE_MS = 60,
	WAKE_TRIES = 20,
	RETELL_MS = 30,
	FINISH_MS = 100,
	GRACE_MS = 500,
	REPORTS_MAX = 64,
	STOPPED_SIGNAL = 64,		/* from cage_init_stopped(), with STOPPED_VALUE */
	STOPPED_VALUE = 0x61675354,
};

/* A signal that the front got, and when it is certain that we did not */
struct report {
	int sig;
	int64_t due_ms;
};

struct init {
	int job_sock, signal_fd;
	int tty_fd;				/* -1: no controlling terminal */
	int courier_sock;			/* its thread's; -1: none */
	int go_fd;				/* the command waits for its end; -1: it has gone */
	pid_t command;
	bool leads;				/* the command, a group of its own */
	struct {
		unsigned count;
		int64_t until_ms;		/* forgotten then */
	} copy[_NSIG];
	struct report report[REPORTS_MAX];	/* in the order of arrival */
	size_t report_count;
	int stop_sig;				/* the command is stopped by it; 0: it runs */
	int64_t stop_due_ms;			/* when to tell the front; 0: not, or told */
	bool is_front_stopped;			/* told, and no answer yet */
	bool is_group_stopped;			/* by SIGSTOP, front and all */
	int64_t wake_due_ms;			/* when to continue a front that ought to run; 0: never */
	bool has_ended;
	int status;				/* with @has_ended */
	bool is_front_gone;
};

static int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);	/* cannot fail */
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void tell_front(const struct init *in, enum cage_job_kind kind, int value)
{
	struct cage_job_msg msg = { .kind = (int32_t)kind, .value = value };

	(void)send(in->job_sock, &msg, sizeof(msg), MSG_DONTWAIT | MSG_NOSIGNAL); /* a front that is gone shows as EOF */
}

static void send_command(const struct init *in, int sig)
{
	(void)kill(in->command, sig);	/* it may have ended; not yet reaped, so the number is its own */
}

/* The command's process group if it is not ours (which has no number in here), else 0 */
static pid_t own_group(const struct init *in)
{
	pid_t group = getpgid(in->command);

	return group > 0 && group != getpgrp() ? group : 0;
}

/* What is for the caller's group, where the command would be its leader and is not in it */
static void send_group(const struct init *in, int sig)
{
	pid_t group = in->leads ? own_group(in) : 0;

	if (group)
		(void)kill(-group, sig);	/* gone: nobody to tell */
}

static void give_terminal(const struct init *in, pid_t group)
{
	if (in->tty_fd >= 0 && group)
		(void)tcsetpgrp(in->tty_fd, group);	/* hung up, or the group is gone: the command will see */
}

/* ---- signals ---- */

static bool is_stop_signal(int sig)
{
	return sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

static void drop_report(struct init *in, size_t i)
{
	in->report_count--;
	memmove(&in->report[i], &in->report[i + 1], (in->report_count - i) * sizeof(in->report[0]));
}

/* SIGCONT cancels stop signals that nobody has read yet: front and init may have read one or not, each for itself */
static void cancel_stops(struct init *in)
{
	size_t i = 0;

	in->copy[SIGTSTP].count = in->copy[SIGTTIN].count = in->copy[SIGTTOU].count = 0;
	while (i < in->report_count) {
		if (is_stop_signal(in->report[i].sig))
			drop_report(in, i);
		else
			i++;
	}
}

/* The whole group runs again. If the command is found stopped later than now, that is news */
static void note_group_continued(struct init *in)
{
	in->is_group_stopped = false;
	if (in->stop_sig && !in->is_front_stopped)
		in->stop_due_ms = now_ms() + RETELL_MS;
}

/* Both have got it, so it was for the group */
static void paired(struct init *in, int sig)
{
	if (sig == SIGCONT)
		send_group(in, SIGCONT);
}

static void take_copy(struct init *in, int sig)
{
	size_t i = 0;

	if (in->go_fd >= 0)
		send_command(in, sig);	/* forked perhaps too late for its own; two of them merge, it has all blocked */
	else if (sig != SIGCONT)
		send_group(in, sig);
	if (sig == SIGCONT) {
		cancel_stops(in);
		note_group_continued(in);
	}
	while (i < in->report_count && in->report[i].sig != sig)
		i++;
	if (i < in->report_count) {
		drop_report(in, i);
		paired(in, sig);
		return;
	}
	in->copy[sig].count++;
	in->copy[sig].until_ms = now_ms() + COPY_MS;
}

static void deliver_reports(struct init *in, int64_t until_ms)
{
	size_t n = 0;

	while (n < in->report_count && in->report[n].due_ms <= until_ms)
		send_command(in, in->report[n++].sig);
	in->report_count -= n;
	memmove(in->report, &in->report[n], in->report_count * sizeof(in->report[0]));
}

static void take_report(struct init *in, int sig, bool is_foreground)
{
	if (sig <= 0 || sig >= _NSIG || (is_stop_signal(sig) && in->copy[SIGCONT].count > 0))
		return;		/* the second: cancelled, and the report of that SIGCONT comes next */
	if (sig == SIGCONT) {
		note_group_continued(in);	/* the front is up */
		if (in->leads && is_foreground)
			give_terminal(in, own_group(in));
	}
	if (in->copy[sig].count > 0) {
		in->copy[sig].count--;
		paired(in, sig);
		return;
	}
	if (in->report_count == REPORTS_MAX)
		deliver_reports(in, INT64_MAX);
	in->report[in->report_count++] = (struct report){ .sig = sig, .due_ms = now_ms() + PAIR_MS };
}

/* A stopped front reports late; until it has answered nothing is forgotten */
static void forget_copies(struct init *in, int64_t now)
{
	if (in->is_front_stopped || in->is_group_stopped)
		return;
	for (int sig = 1; sig < _NSIG; sig++)
		if (in->copy[sig].count > 0 && in->copy[sig].until_ms <= now)
			in->copy[sig].count = 0;
}

/* ---- stops ---- */

static void note_stop(struct init *in, int sig)
{
	in->stop_sig = sig;
	in->stop_due_ms = now_ms() + SETTLE_MS;
	in->wake_due_ms = 0;
}

static void note_continue(struct init *in)
{
	in->stop_sig = 0;
	in->stop_due_ms = 0;
	if (in->is_front_stopped || in->is_group_stopped)
		in->wake_due_ms = now_ms() + WAKE_MS;
}

/* The group has been stopped, front and all, and we have been woken */
static void note_group_stopped(struct init *in)
{
	in->is_group_stopped = true;
	send_group(in, SIGSTOP);
}

static void tell_stop(struct init *in)
{
	in->stop_due_ms = 0;
	if (in->is_front_stopped || in->is_group_stopped)
		return;			/* as it is; if it lasts, it is told after the answer */
	in->is_front_stopped = true;
	tell_front(in, CAGE_JOB_STOPPED, in->stop_sig | (own_group(in) ? CAGE_JOB_OWN_GROUP : 0));
}

/* The front runs */
static void take_continue(struct init *in, int value)
{
	int64_t now = now_ms();
	pid_t group = own_group(in);

	in->is_front_stopped = false;
	in->is_group_stopped = false;
	in->wake_due_ms = 0;
	for (int sig = 1; sig < _NSIG; sig++)
		in->copy[sig].until_ms = now + COPY_MS;
	if (!in->stop_sig)
		return;
	if (!(value & CAGE_JOB_RESUME)) {
		in->stop_due_ms = now + RETELL_MS;	/* by then SIGCONT has taken effect, or was not for the command */
	} else if (group) {
		if (value & CAGE_JOB_FOREGROUND)
			give_terminal(in, group);
		(void)kill(-group, SIGCONT);
	}
}

/* ---- the beginning ---- */

/* The command still has all signals blocked, and none of our code left to run but what cage_enter() is */
static void let_go(struct init *in, int value)
{
	if (in->go_fd < 0)
		return;
	in->leads = value & CAGE_JOB_LEADS;
	if (value & CAGE_JOB_ALONE)
		(void)setpgid(in->command, in->command);	/* cannot fail: our child, in our session, before its exec */
	if (value & CAGE_JOB_FOREGROUND)
		give_terminal(in, own_group(in));
	(void)close(in->go_fd);
	in->go_fd = -1;
}

/* ---- children ---- */

static void note_command(struct init *in, int status)
{
	if (WIFSTOPPED(status)) {
		note_stop(in, WSTOPSIG(status));
	} else if (WIFCONTINUED(status)) {
		note_continue(in);
	} else {
		in->has_ended = true;
		in->status = status;
	}
}

/* Return: whether there are any left. All descendants end up here, so none left means alone */
static bool reap(struct init *in)
{
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED | __WALL);

		if (pid == in->command)
			note_command(in, status);
		else if (pid <= 0)
			return pid == 0 || errno != ECHILD;
	}
}

/* ---- the loop ---- */

/* Nobody inside can make one of these: who sends from outside has no number in here */
static bool is_from_parent(const struct signalfd_siginfo *si)
{
	return si->ssi_signo == STOPPED_SIGNAL && si->ssi_code == SI_QUEUE && si->ssi_pid == 0 &&
	       si->ssi_int == STOPPED_VALUE;
}

static void read_signals(struct init *in)
{
	struct signalfd_siginfo si;
	bool is_woken = false, is_continued = false;

	while (read(in->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (is_from_parent(&si))
			is_woken = true;
		else if (si.ssi_signo == SIGCONT)
			is_continued = true;
		else if (si.ssi_signo != SIGCHLD)
			take_copy(in, (int)si.ssi_signo);
	}
	/* One SIGCONT is what our parent woke us with */
	if (is_woken)
		note_group_stopped(in);
	else if (is_continued)
		take_copy(in, SIGCONT);
}

static void read_front(struct init *in)
{
	struct cage_job_msg msg;
	ssize_t n;

	while ((n = recv(in->job_sock, &msg, sizeof(msg), MSG_DONTWAIT)) == (ssize_t)sizeof(msg)) {
		if (msg.kind == CAGE_JOB_SIGNAL)
			take_report(in, msg.value & CAGE_JOB_NUMBER, msg.value & CAGE_JOB_FOREGROUND);
		else if (msg.kind == CAGE_JOB_CONTINUE)
			take_continue(in, msg.value);
		else if (msg.kind == CAGE_JOB_GO)
			let_go(in, msg.value);
	}
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		in->is_front_gone = true;
}

static void expire(struct init *in)
{
	int64_t now = now_ms();

	deliver_reports(in, now);
	forget_copies(in, now);
	if (in->stop_due_ms && in->stop_due_ms <= now)
		tell_stop(in);
	if (in->wake_due_ms && in->wake_due_ms <= now) {
		in->wake_due_ms = now + WAKE_MS;
		(void)kill(0, SIGCONT);		/* as in wake_front() */
	}
}

/* Milliseconds until expire() has something to do; -1: never */
static int next_due(const struct init *in)
{
	const int64_t due[] = {
		in->report_count > 0 ? in->report[0].due_ms : 0, in->stop_due_ms, in->wake_due_ms,
	};
	int64_t first = 0;

	for (size_t i = 0; i < ARRAY_SIZE(due); i++)
		if (due[i] && (!first || due[i] < first))
			first = due[i];
	if (!first)
		return -1;
	first -= now_ms();
	return first > 0 ? (int)first : 0;
}

static void mirror(struct init *in)
{
	while (!in->has_ended && !in->is_front_gone) {
		struct pollfd fds[] = {
			{ .fd = in->signal_fd, .events = POLLIN },
			{ .fd = in->job_sock, .events = POLLIN },
		};

		if (poll(fds, ARRAY_SIZE(fds), next_due(in)) < 0 && errno != EINTR)
			return;
		/* All that has arrived is looked at before anything is taken for missing */
		read_signals(in);
		(void)reap(in);		/* the command's end shows in has_ended */
		read_front(in);
		expire(in);
	}
}

/* ---- the end ---- */

static bool wait_alone(struct init *in, int ms)
{
	int64_t end = now_ms() + ms;

	while (reap(in)) {
		struct pollfd fd = { .fd = in->signal_fd, .events = POLLIN };
		struct signalfd_siginfo si;
		int64_t left = end - now_ms();

		if (left <= 0)
			return false;
		if (poll(&fd, 1, (int)left) > 0)
			(void)!read(in->signal_fd, &si, sizeof(si));	/* only a reason to reap */
	}
	return true;
}

/* A command can end while the front is stopped, or is about to stop: then it would never hear of it */
static void wake_front(struct init *in)
{
	struct pollfd fd = { .fd = in->job_sock, .events = POLLIN };

	for (int i = 0; i < WAKE_TRIES && (in->is_front_stopped || in->is_group_stopped) && !in->is_front_gone; i++) {
		(void)kill(0, SIGCONT);		/* the front has no number in here, but it is in our group */
		if (poll(&fd, 1, WAKE_MS) > 0)
			read_front(in);
	}
}

static _Noreturn void end_session(struct init *in)
{
	if (in->has_ended)
		tell_front(in, CAGE_JOB_ENDED, in->status);
	wake_front(in);
	if (in->tty_fd >= 0)
		(void)close(in->tty_fd);	/* nothing was written through it */
	if (!in->has_ended || !wait_alone(in, FINISH_MS)) {
		(void)kill(-1, SIGTERM);	/* everything in here but us */
		(void)kill(-1, SIGCONT);	/* so that what is stopped can hear it */
		(void)wait_alone(in, GRACE_MS);
	}
	_exit(0);	/* and the kernel ends what is left */
}

/* ---- set-up ---- */

/* Everything but @keep (-1 is nothing), whatever the limit of open files */
static void close_all_but(const int *keep, size_t count)
{
	int from = 0, next;

	do {
		next = INT_MAX;
		for (size_t i = 0; i < count; i++)
			if (keep[i] >= from && keep[i] < next)
				next = keep[i];
		if (next > from)
			(void)close_range((unsigned)from, (unsigned)next - 1, 0);	/* cannot fail without flags */
		from = next == INT_MAX ? next : next + 1;
	} while (next != INT_MAX);
}

/* A caller may have closed 0, 1 or 2: what we keep must not lie there */
static int above_stdio(int fd)
{
	return fd < 0 || fd > 2 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

/* Where the caller waits for the end of a pipe, or unmounts what it was in, it must not wait for us */
static void leave_behind(const struct init *in)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int keep[] = { 0, 1, 2, in->job_sock, in->signal_fd, in->tty_fd, in->go_fd, in->courier_sock };

	for (int fd = 0; fd < 3; fd++)
		if (fd != null && (null < 0 || dup2(null, fd) < 0))
			(void)close(fd);
	close_all_but(keep, ARRAY_SIZE(keep));
	if (chdir("/") < 0)
		return;		/* there is one in every view; without, a directory stays busy */
}

/* Nobody inside may trace init or read its memory, and of its privileges it needs one: to signal what has changed its uid */
static void lock_down(const struct init *in)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{ .effective = 1u << CAP_KILL, .permitted = 1u << CAP_KILL },
	};

	if (in->courier_sock >= 0 && courier_start(in->courier_sock) < 0)	/* before its capability goes */
		_exit(CAGE_EXIT_NO_CAGE);
	if (syscall(SYS_capset, &head, data) < 0)
		_exit(CAGE_EXIT_NO_CAGE);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);	/* the builder's thread */
	(void)prctl(PR_SET_NAME, "agentsh-init", 0, 0, 0);
}

/* Waits for the end of @go_fd: until then signals of the group are passed on to us, and our group is settled */
static _Noreturn void become_command(const struct cage_config *cfg, const struct cage_caller *caller,
				     int job_sock, int setup_sock, const int go_fd[2])
{
	char c;

	(void)close(go_fd[1]);
	(void)close(job_sock);
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);	/* the supervisor takes the listener from us */
	while (read(go_fd[0], &c, 1) < 0 && errno == EINTR)
		;
	(void)close(go_fd[0]);
	cage_enter(cfg, caller, setup_sock);
}

void cage_init_stopped(pid_t init)
{
	union sigval value = { .sival_int = STOPPED_VALUE };

	/* Stopped, so it reads both at once. It may have been killed meanwhile; not yet reaped */
	(void)sigqueue(init, STOPPED_SIGNAL, value);
	(void)kill(init, SIGCONT);
}

_Noreturn void cage_init_run(const struct cage_config *cfg, const struct cage_caller *caller,
			     int job_sock, int setup_sock)
{
	struct init in = { .tty_fd = -1, .go_fd = -1 };
	struct sigaction dfl = { .sa_handler = SIG_DFL };
	sigset_t all;
	int go[2];

	sigfillset(&all);
	/* The sockets' end tells of a failure. Not pid 1: kill(-1) would not be for the cage */
	if (getpid() != 1 || sigprocmask(SIG_SETMASK, &all, NULL) < 0 || sigaction(SIGCHLD, &dfl, NULL) < 0 ||
	    pipe2(go, O_CLOEXEC) < 0)
		_exit(CAGE_EXIT_NO_CAGE);
	in.command = fork_single();
	if (in.command == 0)
		become_command(cfg, caller, job_sock, setup_sock, go);
	in.signal_fd = above_stdio(signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK));
	in.job_sock = above_stdio(job_sock);
	in.go_fd = above_stdio(go[1]);
	if (in.command < 0 || in.signal_fd < 0 || in.job_sock < 0 || in.go_fd < 0)
		_exit(CAGE_EXIT_NO_CAGE);
	in.tty_fd = above_stdio(open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
	in.courier_sock = above_stdio(cfg->courier_sock);
	leave_behind(&in);
	lock_down(&in);
	tell_front(&in, CAGE_JOB_STARTED, 0);
	mirror(&in);
	end_session(&in);
}
