/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/target.c - Memory, descriptors and directories of the task that asks
 */
#include "notifyd/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fdio.h"
#include "common/lacks.h"
#include "common/newer.h"
#include "common/proc.h"

#define PAGE_MASK	UINT64_C(4095)
#define ARGV_BYTES_MAX	(6u << 20)	/* fs/exec.c: three quarters of the default stack, whatever the limit */
#define ARGV_STRING_MAX	(32u * 4096)	/* MAX_ARG_STRLEN */

int target_valid(const struct call *c)
{
	uint64_t id = c->id;

	if (c->is_held)
		return 0;
	return ioctl(c->n->cfg.listener_fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0 ? 0 : -ESRCH;
}

static ssize_t read_raw(pid_t tid, uint64_t addr, void *buf, size_t size)
{
	struct iovec local = { buf, size };
	struct iovec remote = { (void *)(uintptr_t)addr, size };
	ssize_t n = process_vm_readv(tid, &local, 1, &remote, 1, 0);

	return n > 0 || size == 0 ? n : -EFAULT;
}

ssize_t target_read_some(const struct call *c, uint64_t addr, void *buf, size_t size)
{
	ssize_t n = read_raw(c->tid, addr, buf, size);

	return target_valid(c) < 0 ? -ESRCH : n;
}

int target_read(const struct call *c, uint64_t addr, void *buf, size_t size)
{
	ssize_t n;

	if (size == 0)
		return 0;
	n = target_read_some(c, addr, buf, size);
	if (n < 0)
		return (int)n;
	return (size_t)n == size ? 0 : -EFAULT;
}

ssize_t target_read_str(const struct call *c, uint64_t addr, char *buf, size_t size)
{
	size_t len = 0;

	while (len < size) {
		/* most strings are short: one small read, then page by page */
		size_t want = len == 0 ? 256 : 4096 - ((addr + len) & PAGE_MASK);
		ssize_t n;
		const char *end;

		if (want > size - len)
			want = size - len;
		n = target_read_some(c, addr + len, buf + len, want);
		if (n < 0)
			return n;
		end = memchr(buf + len, '\0', (size_t)n);
		if (end)
			return end - buf;
		if ((size_t)n < want)
			return -EFAULT;
		len += (size_t)n;
	}
	return -ENAMETOOLONG;
}

int target_write(const struct call *c, uint64_t addr, const void *buf, size_t size)
{
	struct iovec local = { (void *)(uintptr_t)buf, size };
	struct iovec remote = { (void *)(uintptr_t)addr, size };

	/* only while it waits: a task that is gone must not be mistaken for one that got its number */
	if (target_valid(c) < 0)
		return -ESRCH;
	return process_vm_writev(c->tid, &local, 1, &remote, 1, 0) == (ssize_t)size ? 0 : -EFAULT;
}

int target_open(const struct call *c, const char *what)
{
	char path[64];
	int fd, err;

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", c->tid, what);	/* short words of ours */
	fd = open(path, O_PATH | O_CLOEXEC);
	err = errno;
	if (target_valid(c) < 0) {
		if (fd >= 0)
			(void)close(fd);	/* of somebody else */
		return -ESRCH;
	}
	return fd >= 0 ? fd : -err;
}

void target_forget(struct worker *w)
{
	if (w->pidfd_tid)
		(void)close(w->pidfd);	/* nothing to lose */
	w->pidfd_tid = 0;
}

/*
 * A thread's pidfd means that thread for ever; where another has got its
 * number, it is of nobody (ESRCH). So it serves for all its calls in a row.
 */
static int get_fd_of_thread(struct worker *w, pid_t tid, int fd)
{
	int ret;

	if (w->pidfd_tid == tid) {
		ret = (int)syscall(SYS_pidfd_getfd, w->pidfd, fd, 0);
		if (ret >= 0 || errno != ESRCH)
			return ret < 0 ? -errno : ret;
	}
	target_forget(w);
	w->pidfd = (int)syscall(SYS_pidfd_open, tid, PIDFD_THREAD);
	if (w->pidfd < 0)
		return -EINVAL;		/* gone, or a kernel before 6.9 */
	w->pidfd_tid = tid;
	ret = (int)syscall(SYS_pidfd_getfd, w->pidfd, fd, 0);
	return ret < 0 ? -errno : ret;
}

/* Before 6.9: by the group, whose threads share the table but for oddities */
static int get_fd_of_group(pid_t tid, int fd)
{
	cleanup_fd int pidfd = proc_pidfd(tid);
	int ret;

	if (pidfd < 0)
		return pidfd;
	ret = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	return ret < 0 ? -errno : ret;
}

int target_fd(const struct call *c, int fd)
{
	int ret = lacks("pidfd-thread") ? -EINVAL : get_fd_of_thread(c->worker, c->tid, fd);

	if (ret == -EINVAL)
		ret = get_fd_of_group(c->tid, fd);
	if (target_valid(c) < 0) {
		if (ret >= 0)
			(void)close(ret);	/* of somebody else */
		return -ESRCH;
	}
	return ret;
}

int target_give_fd(const struct call *c, int fd, uint32_t flags)
{
	struct seccomp_notif_addfd add = { .id = c->id, .srcfd = (uint32_t)fd, .newfd_flags = flags };
	int r;

	do
		r = ioctl(c->n->cfg.listener_fd, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	return r;
}

/* The n-th number of a line; 0 if there is none */
static pid_t nth_number(const char *text, const char *key, int n)
{
	const char *p = strstr(text, key);
	char *end;

	if (!p)
		return 0;
	p += strlen(key);
	for (int i = 0;; i++) {
		long v = strtol(p, &end, 10);

		if (end == p || memchr(p, '\n', (size_t)(end - p)))
			return 0;
		if (i == n)
			return (pid_t)v;
		p = end;
	}
}

int target_ids(const struct call *c, struct target_ids *ret)
{
	char path[64];
	cleanup_free char *text = NULL;
	size_t len;
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", c->tid);	/* always fits */
	r = fdio_read_file(AT_FDCWD, path, 1 << 16, &text, &len);
	if (target_valid(c) < 0)
		return -ESRCH;
	if (r < 0)
		return r;
	/* the second entry is the cage's namespace; there may be more beneath it */
	*ret = (struct target_ids){
		.tgid = nth_number(text, "\nTgid:", 0), .tid = c->tid,
		.inner_tgid = nth_number(text, "\nNStgid:", 1),
		.inner_tid = nth_number(text, "\nNSpid:", 1),
	};
	return ret->tgid > 0 ? 0 : -ESRCH;
}

/* ---- argv ---- */

void argv_free(struct argv_copy *a)
{
	free(a->data);
	free(a->v);
	free(a->off);
	*a = (struct argv_copy){ 0 };
}

int argv_append(struct argv_copy *a, const char *s, size_t len)
{
	if (a->len + len + 1 > ARGV_BYTES_MAX)
		return -E2BIG;
	if (!a->data || a->len + len + 1 > a->size) {
		size_t size = (a->len + len + 1) * 2 + 1024;
		char *grown = realloc(a->data, size);

		if (!grown)
			return -ENOMEM;
		a->data = grown;
		a->size = size;
	}
	if (a->argc == a->alloc) {
		uint32_t alloc = a->alloc * 2 + 32;
		size_t *grown = realloc(a->off, alloc * sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		a->off = grown;
		a->alloc = alloc;
	}
	memcpy(a->data + a->len, s, len);
	a->data[a->len + len] = '\0';
	a->off[a->argc++] = a->len;
	a->len += len + 1;
	return 0;
}

int argv_finish(struct argv_copy *a)
{
	const char **v = realloc(a->v, (a->argc + 1) * sizeof(*v));

	if (!v)
		return -ENOMEM;
	for (uint32_t i = 0; i < a->argc; i++)
		v[i] = a->data + a->off[i];
	v[a->argc] = NULL;
	a->v = v;
	return 0;
}

bool argv_differs(const struct argv_copy *a, char *const *list)
{
	uint32_t i = 0;

	for (; i < a->argc && list[i]; i++)
		if (strcmp(list[i], a->v[i]) != 0)
			return true;
	return list[i] || i < a->argc;
}

/* Strings of an argv mostly lie side by side: a window saves a system call for each */
struct window {
	uint64_t addr;
	size_t len;
	char data[8192];
};

static int append_string(const struct call *c, struct window *w, uint64_t addr, struct argv_copy *a)
{
	const char *end = NULL;
	char *big;
	ssize_t n;
	int r;

	for (int fresh = 0; fresh < 2; fresh++) {
		if (addr >= w->addr && addr - w->addr < w->len) {
			size_t off = (size_t)(addr - w->addr);

			end = memchr(w->data + off, '\0', w->len - off);
			if (end)
				return argv_append(a, w->data + off, (size_t)(end - w->data) - off);
		}
		if (fresh == 1)
			break;
		n = read_raw(c->tid, addr, w->data, sizeof(w->data));
		if (n < 0)
			return -EFAULT;
		w->addr = addr;
		w->len = (size_t)n;
	}
	big = malloc(ARGV_STRING_MAX);
	if (!big)
		return -ENOMEM;
	n = target_read_str(c, addr, big, ARGV_STRING_MAX);
	r = n < 0 ? (n == -ENAMETOOLONG ? -E2BIG : (int)n) : argv_append(a, big, (size_t)n);
	free(big);
	return r;
}

static int read_pointers(const struct call *c, uint64_t addr, struct argv_copy *a)
{
	cleanup_free struct window *w = calloc(1, sizeof(*w));
	uint64_t ptr[256];

	if (!w)
		return -ENOMEM;
	for (;;) {
		/* the array may end at the edge of its mapping: what can be read is enough */
		ssize_t n = read_raw(c->tid, addr, ptr, sizeof(ptr));

		if (n < (ssize_t)sizeof(ptr[0]))
			return -EFAULT;
		for (size_t i = 0; i < (size_t)n / sizeof(ptr[0]); i++) {
			int r;

			if (ptr[i] == 0)
				return 0;
			r = append_string(c, w, ptr[i], a);
			if (r < 0)
				return r;
		}
		addr += (size_t)n / sizeof(ptr[0]) * sizeof(ptr[0]);
	}
}

int target_read_argv(const struct call *c, uint64_t addr, struct argv_copy *ret)
{
	struct argv_copy a = { 0 };
	int r = addr ? read_pointers(c, addr, &a) : 0;

	if (r == 0 && a.argc == 0)
		r = argv_append(&a, "", 0);	/* so does the kernel */
	if (r == 0)
		r = argv_finish(&a);
	if (target_valid(c) < 0)
		r = -ESRCH;
	if (r < 0)
		argv_free(&a);
	else
		*ret = a;
	return r;
}
