/* SPDX-License-Identifier: Apache-2.0
 *
 * common/proc.c - Identity of another process, read from outside
 */
#include "common/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"

static const char *field(const char *text, const char *key)
{
	const char *p = strstr(text, key);

	return p ? p + strlen(key) : NULL;
}

static unsigned long long number(const char *text, const char *key, int base)
{
	const char *p = field(text, key);

	return p ? strtoull(p, NULL, base) : 0;
}

/* The n-th of the numbers in one line; -1 takes the last */
static long nth(const char *text, const char *key, int n)
{
	const char *p = field(text, key);
	long last = 0;

	if (!p)
		return 0;
	for (int i = 0; *p && *p != '\n'; i++) {
		char *end;
		long v = strtol(p, &end, 10);

		if (end == p)
			break;
		last = v;
		if (i == n)
			return v;
		p = end;
		while (*p == ' ' || *p == '\t')
			p++;
	}
	return n < 0 ? last : 0;
}

int proc_status(pid_t tid, struct proc_status *ret)
{
	char path[64], buf[4096];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", tid);	/* always fits */
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = read(fd, buf, sizeof(buf) - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	*ret = (struct proc_status){
		.tgid = (pid_t)number(buf, "\nTgid:", 10),
		.ppid = (pid_t)number(buf, "\nPPid:", 10),
		.tracer = (pid_t)number(buf, "\nTracerPid:", 10),
		.inner_tid = (pid_t)nth(buf, "\nNSpid:", -1),
		.inner_tgid = (pid_t)nth(buf, "\nNStgid:", -1),
		.uid = (uid_t)nth(buf, "\nUid:", 0),
		.euid = (uid_t)nth(buf, "\nUid:", 1),
		.fsuid = (uid_t)nth(buf, "\nUid:", 3),
		.gid = (gid_t)nth(buf, "\nGid:", 0),
		.egid = (gid_t)nth(buf, "\nGid:", 1),
		.fsgid = (gid_t)nth(buf, "\nGid:", 3),
		.umask = (mode_t)number(buf, "\nUmask:", 8),
		.sig_pending = number(buf, "\nSigPnd:", 16),
		.sig_shared_pending = number(buf, "\nShdPnd:", 16),
		.sig_blocked = number(buf, "\nSigBlk:", 16),
		.sig_ignored = number(buf, "\nSigIgn:", 16),
	};
	return ret->tgid > 0 ? 0 : -ESRCH;
}

ssize_t proc_exe(pid_t tid, char *buf, size_t size)
{
	char path[64];
	ssize_t n;

	(void)snprintf(path, sizeof(path), "/proc/%d/exe", tid);	/* always fits */
	n = readlink(path, buf, size - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return n;
}

int proc_pidfd(pid_t tid)
{
	int fd = (int)syscall(SYS_pidfd_open, tid, 0);

	if (fd < 0 && (errno == EINVAL || errno == ENOENT)) {	/* a thread, not its leader */
		struct proc_status st;
		int r = proc_status(tid, &st);

		if (r < 0)
			return r;
		fd = (int)syscall(SYS_pidfd_open, st.tgid, 0);
	}
	return fd < 0 ? -errno : fd;
}

int proc_fd(pid_t tid, int fd)
{
	cleanup_fd int pidfd = proc_pidfd(tid);
	int ret;

	if (pidfd < 0)
		return pidfd;
	ret = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	return ret < 0 ? -errno : ret;
}
