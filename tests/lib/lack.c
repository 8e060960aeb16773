/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/lib/lack.c - runs a program under a kernel that seems to lack something
 *
 *	lack WHAT... -- PROGRAM ARGUMENT...
 *
 * A seccomp filter answers the calls of "lacks" below with their errno, for the
 * program and all it starts. "listener" is somebody else's supervisor, which
 * listens to a call that nobody makes.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NO_ARG		(-1)
#define ANY		UINT32_MAX
#define ADDFD_CMD	0x40182103	/* SECCOMP_IOCTL_NOTIF_ADDFD */
#define KILLABLE	(1u << 5)	/* SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV */

static const struct lack {
	const char *name;
	int nr, arg;			/* NO_ARG: every such call */
	unsigned mask, value;		/* of the low half of that argument */
	int err;			/* 0: the call returns 0 and does nothing */
} lacks[] = {
	{ "userns", SYS_unshare, 0, CLONE_NEWUSER, CLONE_NEWUSER, EPERM },
	{ "mntns", SYS_unshare, 0, CLONE_NEWNS, CLONE_NEWNS, EPERM },
	{ "netns", SYS_unshare, 0, CLONE_NEWNET, CLONE_NEWNET, EINVAL },
	{ "ipcns", SYS_unshare, 0, CLONE_NEWIPC, CLONE_NEWIPC, EINVAL },
	{ "pidns", SYS_clone3, NO_ARG, 0, 0, ENOSYS },
	{ "seccomp", SYS_seccomp, NO_ARG, 0, 0, ENOSYS },
	{ "notify", SYS_seccomp, 1, SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_FILTER_FLAG_NEW_LISTENER, EINVAL },
	{ "killable", SYS_seccomp, 1, KILLABLE, KILLABLE, EINVAL },
	{ "addfd", SYS_ioctl, 1, ANY, ADDFD_CMD, EINVAL },
	{ "landlock", SYS_landlock_create_ruleset, NO_ARG, 0, 0, ENOSYS },
	{ "landlock-off", SYS_landlock_create_ruleset, NO_ARG, 0, 0, EOPNOTSUPP },
	{ "landlock-abi", SYS_landlock_create_ruleset, NO_ARG, 0, 0, 0 },
	{ "landlock-self", SYS_landlock_restrict_self, NO_ARG, 0, 0, EPERM },
	{ "seize", SYS_ptrace, 0, ANY, PTRACE_SEIZE, EPERM },
	{ "getfd", SYS_pidfd_getfd, NO_ARG, 0, 0, EPERM },
	{ "pidfd", SYS_pidfd_open, NO_ARG, 0, 0, ENOSYS },
	{ "openat2", SYS_openat2, NO_ARG, 0, 0, ENOSYS },
	{ "mount_setattr", SYS_mount_setattr, NO_ARG, 0, 0, ENOSYS },
	{ "fsopen", SYS_fsopen, NO_ARG, 0, 0, ENOSYS },
	{ "open_tree", SYS_open_tree, NO_ARG, 0, 0, EPERM },
	{ "move_mount", SYS_move_mount, NO_ARG, 0, 0, EPERM },
	{ "listener", -1, NO_ARG, 0, 0, 0 },
};

static void die(const char *what)
{
	perror(what);
	exit(99);
}

static int install(struct sock_filter *code, size_t count, unsigned flags)
{
	struct sock_fprog prog = { .len = (unsigned short)count, .filter = code };
	int r;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		die("no_new_privs");
	r = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
	if (r < 0)
		die("seccomp");
	return r;
}

static void refuse(const struct lack *l)
{
	unsigned at = l->arg == NO_ARG ? offsetof(struct seccomp_data, nr) :
				(unsigned)offsetof(struct seccomp_data, args) + 8 * (unsigned)l->arg;
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)l->nr, 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, l->mask),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, l->value, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)l->err),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	install(code, sizeof(code) / sizeof(code[0]), 0);
}

/* A process that shares our descriptors keeps the listener, as a container's supervisor would */
static void listen_too(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_vhangup, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	int status;
	pid_t pid = (pid_t)syscall(SYS_clone, CLONE_FILES | SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid < 0)
		die("clone");
	if (pid == 0) {
		install(code, sizeof(code) / sizeof(code[0]), SECCOMP_FILTER_FLAG_NEW_LISTENER);
		return;		/* the program's exec gives it a table of its own */
	}
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid");
	exit(WIFEXITED(status) ? WEXITSTATUS(status) : 98);
}

static void lack(const char *name)
{
	for (size_t i = 0; i < sizeof(lacks) / sizeof(lacks[0]); i++) {
		if (strcmp(name, lacks[i].name) != 0)
			continue;
		if (lacks[i].nr < 0)
			listen_too();
		else
			refuse(&lacks[i]);
		return;
	}
	fprintf(stderr, "lack: no such thing: %s\n", name);
	exit(99);
}

int main(int argc, char **argv)
{
	int i = 1;

	for (; i < argc && strcmp(argv[i], "--") != 0; i++)
		lack(argv[i]);
	if (i + 1 >= argc)
		return 99;
	execvp(argv[i + 1], argv + i + 1);
	die(argv[i + 1]);
}
