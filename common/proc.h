/* SPDX-License-Identifier: Apache-2.0
 *
 * common/proc.h - Identity of another process, read from outside
 *
 * All ids are of the caller's pid namespace. Every answer can be stale by the
 * time it is used: hold a pidfd or re-validate the notification.
 */
#ifndef COMMON_PROC_H
#define COMMON_PROC_H

#include <sys/types.h>

#include "common/base.h"

/** struct proc_status - From /proc/TID/status */
struct proc_status {
	pid_t tgid, ppid, tracer;
	pid_t inner_tid, inner_tgid;	/* last entries of NSpid and NStgid: ids in the cage */
	uid_t uid, euid, fsuid;
	gid_t gid, egid, fsgid;
	mode_t umask;
	uint64_t sig_pending, sig_shared_pending, sig_blocked, sig_ignored;	/* bit signo-1 */
};

/** proc_status() - 0; -ESRCH if gone; -errno */
int proc_status(pid_t tid, struct proc_status *ret) MUST_USE;
/** proc_exe() - Target of /proc/TID/exe as text. Length; -errno */
ssize_t proc_exe(pid_t tid, char *buf, size_t size) MUST_USE;
/** proc_pidfd() - pidfd of the thread's group. fd; -errno */
int proc_pidfd(pid_t tid) MUST_USE;
/** proc_fd() - Duplicate descriptor @fd of the task (pidfd_getfd). fd, CLOEXEC; -errno */
int proc_fd(pid_t tid, int fd) MUST_USE;

#endif /* COMMON_PROC_H */
