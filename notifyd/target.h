/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/target.h - Memory, descriptors and directories of the task that asks
 *
 * Every function validates the notification after it has looked, so what it
 * returns is known to come from the task that is still waiting, not from one
 * that got its number later.
 *
 * Source: seccomp_unotify(2), "SECCOMP_IOCTL_NOTIF_ID_VALID"
 */
#ifndef NOTIFYD_TARGET_H
#define NOTIFYD_TARGET_H

#include "notifyd/doorman.h"

/** target_valid() - 0 the task still waits; -ESRCH gone, killed or interrupted */
int target_valid(const struct call *c) MUST_USE;

/** target_read() - Exactly @size bytes. 0; -EFAULT; -ESRCH */
int target_read(const struct call *c, uint64_t addr, void *buf, size_t size) MUST_USE;

/** target_read_some() - Up to @size bytes, as far as memory is mapped. Bytes, > 0; -EFAULT; -ESRCH */
ssize_t target_read_some(const struct call *c, uint64_t addr, void *buf, size_t size) MUST_USE;

/** target_read_str() - A string with its NUL. Length without it; -ENAMETOOLONG; -EFAULT; -ESRCH */
ssize_t target_read_str(const struct call *c, uint64_t addr, char *buf, size_t size) MUST_USE;

/**
 * target_write() - Results that the call itself would have written (msg_len of sendmmsg)
 *
 * By process_vm_writev: the protection of the caller's mappings holds.
 * Return: 0; -EFAULT; -ESRCH
 */
int target_write(const struct call *c, uint64_t addr, const void *buf, size_t size) MUST_USE;

/** target_open() - O_PATH descriptor of /proc/TID/@what ("cwd", "root", "fd/5"). fd; -errno; -ESRCH */
int target_open(const struct call *c, const char *what) MUST_USE;

/** target_forget() - Before a worker ends: what target_fd() keeps for it */
void target_forget(struct worker *w);

/** target_fd() - Duplicate of its descriptor @fd. fd, CLOEXEC; -EBADF; -errno; -ESRCH */
int target_fd(const struct call *c, int fd) MUST_USE;

/** target_give_fd() - Install @fd in its table; the call is not answered by it. Number there; -EMFILE; -errno; -ESRCH */
int target_give_fd(const struct call *c, int fd, uint32_t flags) MUST_USE;

/** struct target_ids - Ids of the task inside the cage, as the cage's /proc has them */
struct target_ids {
	pid_t tgid, tid;	/* outside */
	pid_t inner_tgid, inner_tid;
};
int target_ids(const struct call *c, struct target_ids *ret) MUST_USE;

/** struct argv_copy - argv as one block of NUL-terminated strings. argv_free() */
struct argv_copy {
	char *data;
	size_t len, size;
	const char **v;		/* NULL-ended; into @data, valid after argv_finish() */
	uint32_t argc, alloc;
	size_t *off;
};

/**
 * target_read_argv() - Whole argv, however long the kernel itself would take it
 *
 * Return: 0; -E2BIG as execve; -EFAULT; -ENOMEM; -ESRCH
 */
int target_read_argv(const struct call *c, uint64_t addr, struct argv_copy *ret) MUST_USE;
int argv_append(struct argv_copy *a, const char *s, size_t len) MUST_USE;	/* 0; -ENOMEM; -E2BIG */
int argv_finish(struct argv_copy *a) MUST_USE;
void argv_free(struct argv_copy *a);
bool argv_differs(const struct argv_copy *a, char *const *list);	/* @list: NULL-ended */

#endif /* NOTIFYD_TARGET_H */
