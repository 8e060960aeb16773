/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/probe.c - Tries one mechanism of the kernel on this machine, for "agentsh doctor"
 *
 * Nothing is concluded from version numbers or settings where the thing itself
 * can be done: distributions backport, containers mask, security modules
 * refuse. Settings are read only to name the cause of a failure.
 */
#include "cli/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/words.h"		/* QUERY_VIEW_PATH */
#include "common/cleanup.h"
#include "common/fdio.h"
#include "common/lacks.h"
#include "notifyd/diag.h"
#include "common/fork.h"

#define PROBE_MS 5000

/* Kernels newer than these headers */
#define PROBE_PIDFD_THREAD O_EXCL
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif
#define PROBE_LANDLOCK_VERSION (1u << 0)

void probe_run(void (*try)(struct probe_result *ret), struct probe_result *ret)
{
	struct probe_result r = { .err = EIO, .detail = "the probe died or did not end" };
	int fds[2];
	pid_t pid;

	*ret = r;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return;
	pid = fork_single();
	if (pid == 0) {
		struct probe_result mine = { 0 };

		(void)setpgid(0, 0);	/* what it leaves behind is killed with its group */
		try(&mine);
		_exit(fdio_write_full(fds[1], &mine, sizeof(mine)) < 0);
	}
	(void)close(fds[1]);	/* ours is not needed */
	if (pid > 0) {
		struct pollfd p = { .fd = fds[0], .events = POLLIN };

		(void)setpgid(pid, pid);	/* whoever of the two is first */
		if (poll(&p, 1, PROBE_MS) > 0 && fdio_read_full(fds[0], &r, sizeof(r)) == 0)
			*ret = r;
		(void)kill(-pid, SIGKILL);	/* may be gone */
		(void)waitpid(pid, NULL, 0);
	}
	(void)close(fds[0]);	/* read side */
}

static void fail(struct probe_result *ret, const char *detail, const char *next)
{
	ret->err = errno ? errno : EIO;
	(void)snprintf(ret->detail, sizeof(ret->detail), "%s", detail);	/* may be cut */
	(void)snprintf(ret->next, sizeof(ret->next), "%s", next);	/* literals, they fit */
}

/* A one-number file of /proc/sys; @fallback if there is none */
static int setting(const char *path, int fallback)
{
	cleanup_free char *text = NULL;
	size_t len;

	if (fdio_read_file(AT_FDCWD, path, 64, &text, &len) < 0)
		return fallback;
	return atoi(text);
}

static int put(const char *path, const char *text)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return fdio_write_full(fd, text, strlen(text));
}

void probe_kernel(struct probe_result *ret)
{
	struct utsname u;
	int major = 0, minor = 0;

	if (uname(&u) < 0 || sscanf(u.release, "%d.%d", &major, &minor) != 2) {
		fail(ret, "its version cannot be read", "");
		return;
	}
	(void)snprintf(ret->detail, sizeof(ret->detail), "%.60s", u.release);	/* 64 at most */
	if (major * 1000 + minor < 5019) {
		errno = ENOSYS;
		fail(ret, "older than 5.19, the first with all that is required", "apt-get install linux-image-amd64");
	}
}

/* ---- namespaces ---- */

struct userns_cause {
	const char *path;
	int bad;
	const char *detail, *next;
};

static const struct userns_cause userns_causes[] = {
	{ "/proc/sys/kernel/unprivileged_userns_clone", 0, "this distribution keeps them from ordinary users",
	  "sudo sysctl -w kernel.unprivileged_userns_clone=1" },
	{ "/proc/sys/user/max_user_namespaces", 0, "their number is limited to 0, as inside a cage",
	  "sudo sysctl -w user.max_user_namespaces=10000" },
	{ "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", 1, "AppArmor keeps them from programs without a profile",
	  "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0" },
};

static void userns_failed(struct probe_result *ret)
{
	int err = errno;

	for (size_t i = 0; i < ARRAY_SIZE(userns_causes); i++) {
		const struct userns_cause *c = &userns_causes[i];

		if (setting(c->path, c->bad - 1) == c->bad) {
			errno = err;
			fail(ret, c->detail, c->next);
			return;
		}
	}
	errno = err;
	fail(ret, "a container or a security module refuses them",
	     "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined ...");
}

/* A user namespace with oneself mapped; false with @ret filled */
static bool enter_userns(struct probe_result *ret)
{
	uid_t uid = getuid();
	gid_t gid = getgid();
	char map[64];
	int r;

	if (unshare(CLONE_NEWUSER) < 0) {
		userns_failed(ret);
		return false;
	}
	r = put("/proc/self/setgroups", "deny");
	(void)snprintf(map, sizeof(map), "%u %u 1", uid, uid);	/* fits */
	if (r == 0)
		r = put("/proc/self/uid_map", map);
	(void)snprintf(map, sizeof(map), "%u %u 1", gid, gid);	/* fits */
	if (r == 0)
		r = put("/proc/self/gid_map", map);
	if (r < 0) {
		errno = -r;
		userns_failed(ret);
		return false;
	}
	return true;
}

static bool enter(struct probe_result *ret, int flags, const char *limit)
{
	if (!enter_userns(ret))
		return false;
	if (unshare(flags) < 0) {
		fail(ret, "refused in a user namespace of one's own", limit);
		return false;
	}
	return true;
}

void probe_userns(struct probe_result *ret)
{
	(void)enter_userns(ret);	/* the result is in @ret */
}

void probe_mntns(struct probe_result *ret)
{
	if (!enter(ret, CLONE_NEWNS, "sudo sysctl -w user.max_mnt_namespaces=10000"))
		return;
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ||
	    mount("agentsh-doctor", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, NULL) < 0)
		fail(ret, "nothing can be mounted in it", "");
}

void probe_netns(struct probe_result *ret)
{
	(void)enter(ret, CLONE_NEWNET, "sudo sysctl -w user.max_net_namespaces=10000");	/* in @ret */
}

void probe_ipcns(struct probe_result *ret)
{
	(void)enter(ret, CLONE_NEWIPC, "sudo sysctl -w user.max_ipc_namespaces=10000");	/* in @ret */
}

void probe_pidns(struct probe_result *ret)
{
	pid_t pid;
	int status = 0;

	if (!enter(ret, CLONE_NEWPID, "sudo sysctl -w user.max_pid_namespaces=10000"))
		return;
	pid = fork_single();
	if (pid == 0)
		_exit(getpid() != 1);
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
		fail(ret, "no process can be started in it", "");
}

/* Plain containers mask parts of /proc, and the kernel then gives no fresh one to anybody inside */
void probe_proc(struct probe_result *ret)
{
	pid_t pid;
	int status = 0;

	if (!enter(ret, CLONE_NEWNS | CLONE_NEWPID, ""))
		return;
	pid = fork_single();
	if (pid == 0) {
		if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ||
		    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
			_exit(errno & 127);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0) {
		fail(ret, "no process can be started", "");
		return;
	}
	if (status != 0) {
		errno = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
		fail(ret, "a fresh one is refused, as where a container masks parts of its own",
		     "docker run --security-opt systempaths=unconfined ...");
	}
}

/* ---- FUSE ---- */

void probe_fuse(struct probe_result *ret)
{
	char options[128];
	struct stat st;
	int fd;

	if (stat("/dev/fuse", &st) < 0) {
		fail(ret, "there is no /dev/fuse", "sudo modprobe fuse");
		return;
	}
	if (!enter(ret, CLONE_NEWNS, ""))
		return;
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		fail(ret, "it may not be opened", errno == ENODEV || errno == ENXIO ?
		     "sudo modprobe fuse" : "sudo chmod 666 /dev/fuse");
		return;
	}
	(void)snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=%u,group_id=%u",
		       fd, getuid(), getgid());	/* fits */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ||
	    mount("agentsh-doctor", "/tmp", "fuse", MS_NOSUID | MS_NODEV, options) < 0)
		fail(ret, "it may not be mounted in a user namespace", "");
}

/* ---- processes ---- */

/* A child that waits in a user namespace of its own, as what is in a cage does; -1 with @ret filled */
static pid_t sleeper(struct probe_result *ret)
{
	int fds[2];
	char c = 1;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0 || (pid = fork_single()) < 0) {
		fail(ret, "no process can be started", "");
		return -1;
	}
	if (pid == 0) {
		struct probe_result ignored = { 0 };

		c = enter_userns(&ignored) ? 1 : 0;
		if (fdio_write_full(fds[1], &c, 1) == 0)	/* else the parent sees an early end */
			pause();
		_exit(0);
	}
	(void)close(fds[1]);	/* the child's */
	if (fdio_read_full(fds[0], &c, 1) < 0 || !c) {
		errno = EPERM;
		fail(ret, "there are no user namespaces to try it in", "");
		pid = -1;
	}
	(void)close(fds[0]);	/* read side */
	return pid;
}

void probe_seize(struct probe_result *ret)
{
	pid_t pid = sleeper(ret);

	if (pid < 0)
		return;
	if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)(uintptr_t)PTRACE_O_TRACEEXEC) < 0)
		fail(ret, "one's own descendants may not be traced", setting("/proc/sys/kernel/yama/ptrace_scope", 0) > 1 ?
		     "sudo sysctl -w kernel.yama.ptrace_scope=1" : "");
}

void probe_getfd(struct probe_result *ret)
{
	pid_t pid = sleeper(ret);
	int pidfd;

	if (pid < 0)
		return;
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0 || syscall(SYS_pidfd_getfd, pidfd, 0, 0) < 0)
		fail(ret, "descriptors of one's own descendants cannot be taken",
		     setting("/proc/sys/kernel/yama/ptrace_scope", 0) > 1 ?
		     "sudo sysctl -w kernel.yama.ptrace_scope=1" : "");
}

void probe_pidfd_thread(struct probe_result *ret)
{
	cleanup_fd int fd = (int)syscall(SYS_pidfd_open, getpid(), PROBE_PIDFD_THREAD);

	if (fd >= 0 && !lacks("pidfd-thread"))
		return;
	errno = fd < 0 ? errno : EINVAL;
	fail(ret, "before 6.9: threads are followed by the id of their process", "");
}

/* ---- files ---- */

void probe_openat2(struct probe_result *ret)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};

	if (syscall(SYS_openat2, AT_FDCWD, ".", &how, sizeof(how)) < 0)
		fail(ret, "paths cannot be resolved beneath a root", "");
}

void probe_mount_setattr(struct probe_result *ret)
{
	struct { uint64_t set, clear, propagation, userns_fd; } attr = { .set = 1 /* MOUNT_ATTR_RDONLY */ };

	if (!enter(ret, CLONE_NEWNS, ""))
		return;
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0 ||
	    mount("/usr", "/usr", NULL, MS_BIND | MS_REC, NULL) < 0 ||
	    syscall(442 /* mount_setattr */, AT_FDCWD, "/usr", 0x8000 /* AT_RECURSIVE */, &attr, sizeof(attr)) < 0)
		fail(ret, "a tree of mounts cannot be made read-only", "");
}

void probe_landlock(struct probe_result *ret)
{
	long abi = lacks_abi(syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, PROBE_LANDLOCK_VERSION));

	if (abi < 0) {
		fail(ret, errno == EOPNOTSUPP ? "switched off at boot" : "not in this kernel",
		     errno == EOPNOTSUPP ? "add lsm=landlock,yama,apparmor to the kernel's command line" : "");
		return;
	}
	ret->value = (int)abi;
	(void)snprintf(ret->detail, sizeof(ret->detail), "ABI %ld", abi);	/* fits */
	if (abi < 2) {
		errno = ENOSYS;
		fail(ret, "ABI 1 cannot tell renames between directories apart; 2 is required (5.19)",
		     "apt-get install linux-image-amd64");
	}
}

/* ---- sockets ---- */

/* As the doorman asks: who listens at a port, which socket made a file. Modules that a kernel may be without */
void probe_diag(struct probe_result *ret)
{
	struct endpoint nobody = { .port = 1 };
	cleanup_fd int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	uint64_t cookie;
	int r = fd < 0 ? -errno : diag_unix_bound(fd, 0, 0);

	if (r >= 0) {
		endpoint_loopback(AF_INET, 1, &nobody);
		r = diag_listener_for(&nobody, &cookie);
	}
	if (r >= 0 || r == -ENOENT)
		return;
	errno = -r;
	fail(ret, "the kernel does not tell of its sockets", "sudo modprobe -a unix_diag tcp_diag");
}

/* ---- where we are ---- */

void probe_outside(struct probe_result *ret)
{
	cleanup_free char *status = NULL;
	size_t len;
	const char *p;

	if (access(QUERY_VIEW_PATH, F_OK) == 0) {
		errno = EBUSY;
		fail(ret, "this is the inside of a cage of agentsh; there is none within it", "exit");
		return;
	}
	if (fdio_read_file(AT_FDCWD, "/proc/self/status", 1 << 16, &status, &len) < 0)
		return;
	p = strstr(status, "\nSeccomp:\t2");
	if (p)
		(void)snprintf(ret->detail, sizeof(ret->detail), "%s",	/* fits */
			       "somebody else's seccomp filter holds this process; the probes below were made under it");
}

void probe_tiocsti(struct probe_result *ret)
{
	ret->value = setting("/proc/sys/dev/tty/legacy_tiocsti", 1);
	if (ret->value)
		(void)snprintf(ret->detail, sizeof(ret->detail), "%s",	/* fits */
			       "the kernel lets programs type into a terminal; inside the cage it is refused");
}

void probe_hardlinks(struct probe_result *ret)
{
	ret->value = setting("/proc/sys/fs/protected_hardlinks", 0);
	if (!ret->value)
		(void)snprintf(ret->detail, sizeof(ret->detail), "%s",	/* fits */
			       "0: others' files can be linked on this machine; judged inside the cage");
}

void probe_yama(struct probe_result *ret)
{
	ret->value = setting("/proc/sys/kernel/yama/ptrace_scope", -1);
	if (ret->value > 0)
		(void)snprintf(ret->detail, sizeof(ret->detail), "ptrace_scope %d", ret->value);	/* fits */
}
