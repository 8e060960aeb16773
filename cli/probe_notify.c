/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/probe_notify.c - Tries the notifications that the doorman lives on
 *
 * One system call that nobody needs (getppid) is notified; a child makes it,
 * the probe answers by handing in a descriptor, and the child says whether it
 * holds it. No libseccomp here: five instructions, and its headers stay in
 * cage/filter.c.
 */
#include "cli/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/lacks.h"

#include "common/fork.h"

/* Newer than these headers */
#define PROBE_WAIT_KILLABLE_RECV	(1u << 5)
#define PROBE_SET_FLAGS			SECCOMP_IOW(4, __u64)
#define PROBE_SYNC_WAKE_UP		(1u << 0)
#ifndef SECCOMP_ADDFD_FLAG_SEND
#define SECCOMP_ADDFD_FLAG_SEND		(1u << 1)
#endif

static int listener(unsigned flags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = ARRAY_SIZE(code), .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
			    SECCOMP_FILTER_FLAG_NEW_LISTENER | flags, &prog);
}

static void fail(struct probe_result *ret, const char *detail)
{
	ret->err = errno ? errno : EIO;
	(void)snprintf(ret->detail, sizeof(ret->detail), "%s", detail);	/* literals, they fit */
}

static void listener_failed(struct probe_result *ret)
{
	if (errno == EBUSY) {
		fail(ret, "another supervisor already listens to this process: a container runtime, or a cage");
		(void)snprintf(ret->next, sizeof(ret->next), "%s",	/* fits */
			       "start agentsh outside of it");
		return;
	}
	fail(ret, errno == EINVAL ? "no WAIT_KILLABLE_RECV (5.19): Go programs would hang" :
	     "a filter with a listener is refused");
}

/* Answer one notification by a descriptor; 0 or -1 with errno */
static int answer(int fd)
{
	struct seccomp_notif req;
	struct seccomp_notif_addfd add = { .flags = SECCOMP_ADDFD_FLAG_SEND };

	memset(&req, 0, sizeof(req));
	if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &req) < 0)
		return -1;
	add.id = req.id;
	add.srcfd = STDIN_FILENO;
	return ioctl(fd, SECCOMP_IOCTL_NOTIF_ADDFD, &add) < 0 ? -1 : 0;
}

void probe_notify(struct probe_result *ret)
{
	int fd = listener(PROBE_WAIT_KILLABLE_RECV), status = 0;
	pid_t pid;

	if (fd < 0) {
		listener_failed(ret);
		return;
	}
	/* There must be something at 0 to hand in */
	if (fcntl(STDIN_FILENO, F_GETFD) < 0 && dup2(STDERR_FILENO, STDIN_FILENO) < 0) {
		fail(ret, "no descriptor to try it with");
		return;
	}
	pid = fork_single();
	if (pid == 0)
		_exit(fcntl((int)syscall(SYS_getppid), F_GETFD) < 0);
	if (pid < 0 || answer(fd) < 0) {
		fail(ret, "no descriptor can be handed in with the answer (ADDFD_FLAG_SEND, 5.14)");
		return;
	}
	if (waitpid(pid, &status, 0) < 0 || status != 0)
		fail(ret, "the descriptor handed in did not arrive");
}

void probe_sync_wake_up(struct probe_result *ret)
{
	int fd = listener(0);

	if (fd < 0) {
		listener_failed(ret);
		return;
	}
	if (lacks("sync-wake-up"))
		errno = EINVAL;
	else if (ioctl(fd, PROBE_SET_FLAGS, (unsigned long)PROBE_SYNC_WAKE_UP) == 0)
		return;
	fail(ret, "before 6.6: each checked call waits for another CPU to wake");
}
