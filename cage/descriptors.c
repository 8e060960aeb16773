/* SPDX-License-Identifier: Apache-2.0
 *
 * cage/descriptors.c - Which of the caller's descriptors the command inherits
 *
 * The caller's come through an exec, so they are not close-on-exec; all of
 * agentsh's own are. 0 to 2 are left as they are, because a shared offset
 * matters; only directories, through which the whole of the host's tree could
 * be read, become /dev/null. Above that pipes pass, and regular files if the
 * policy would allow that open. A file open for reading is opened anew on a
 * read-only mount: through the caller's, its mode, times and attributes could
 * be changed.
 */
#include "cage/parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "policy/policy.h"

enum fate { FATE_CLOSE = 0, FATE_KEEP, FATE_REOPEN };

static bool is_inherited(int fd)
{
	int flags = fcntl(fd, F_GETFD);

	return fd > STDERR_FILENO && flags >= 0 && !(flags & FD_CLOEXEC);
}

/* Call @each for every descriptor that /proc lists; false if it does not */
static bool for_listed(void (*each)(int fd, void *ctx), void *ctx)
{
	DIR *d = opendir("/proc/self/fd");

	if (!d)
		return false;
	for (struct dirent *e; (e = readdir(d));) {
		char *end;
		long fd = strtol(e->d_name, &end, 10);

		if (*end == '\0' && end != e->d_name && fd != dirfd(d))
			each((int)fd, ctx);
	}
	(void)closedir(d);
	return true;
}

static void note(int fd, void *ctx)
{
	struct cage_inherited *list = ctx;

	if (!is_inherited(fd))
		return;
	if (list->count < ARRAY_SIZE(list->fd))
		list->fd[list->count] = fd;
	list->count++;
}

void descriptors_note(struct cage_inherited *ret)
{
	ret->count = 0;
	ret->is_known = for_listed(note, ret) && ret->count <= ARRAY_SIZE(ret->fd);
}

struct visit {
	void (*each)(int fd, void *ctx);
	void *ctx;
};

static void visit_inherited(int fd, void *ctx)
{
	const struct visit *v = ctx;

	if (is_inherited(fd))
		v->each(fd, v->ctx);
}

/* Call @each for every descriptor of the caller's above 2. By now agentsh has dozens of its own, and
 * listing them all has /proc make a file for each: 0.15 ms. NULL list: nobody noted them in time. */
static void for_inherited(const struct cage_inherited *list, void (*each)(int fd, void *ctx), void *ctx)
{
	struct visit v = { each, ctx };

	if (list && list->is_known) {
		for (size_t i = 0; i < list->count; i++)
			visit_inherited(list->fd[i], &v);
		return;
	}
	if (for_listed(visit_inherited, &v))
		return;
	for (int fd = STDERR_FILENO + 1, end = (int)sysconf(_SC_OPEN_MAX); fd < end; fd++)	/* no list: try them all */
		visit_inherited(fd, &v);
}

static bool is_asked_for(const struct cage_config *cfg, int fd)
{
	for (const int *p = cfg->pass_fds; p && *p >= 0; p++)
		if (*p == fd)
			return true;
	return false;
}

static bool allows(const struct cage_config *cfg, uint64_t ops, const char *path)
{
	for (unsigned op = 0; op < POLICY_OP_COUNT; op++) {
		struct policy_request req = {
			.op = (enum policy_op)op, .traits = POLICY_T_UNKNOWN,
			.object = { .kind = POLICY_OBJECT_PATH, .path = policy_str(path) },
		};
		struct policy_decision d;

		if (!(ops >> op & 1))
			continue;
		policy_eval(cfg->policy, &req, &d);
		if (d.verdict != POLICY_ALLOW)
			return false;
	}
	return true;
}

/* The name it was opened by, if that still names the same file */
static bool path_of(int fd, const struct stat *st, char *buf, size_t size)
{
	char link[64];
	struct stat now;
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);	/* always fits */
	n = readlink(link, buf, size - 1);
	if (n <= 0 || (size_t)n >= size - 1 || buf[0] != '/')
		return false;
	buf[n] = '\0';
	return lstat(buf, &now) == 0 && now.st_dev == st->st_dev && now.st_ino == st->st_ino;
}

/* What can be done with a writable descriptor without asking anybody again */
#define OPS_OF_WRITABLE	(POLICY_OP_BIT(POLICY_OP_WRITE) | POLICY_OP_BIT(POLICY_OP_TRUNCATE) | \
	POLICY_OP_BIT(POLICY_OP_CHMOD) | POLICY_OP_BIT(POLICY_OP_UTIMES) | POLICY_OP_BIT(POLICY_OP_XATTR))

static enum fate fate_of(const struct cage_config *cfg, int fd, char *path, size_t size)
{
	struct stat st;
	int flags = fcntl(fd, F_GETFL);
	uint64_t ops = 0;

	if (is_asked_for(cfg, fd) || CAGE_IS_OFF(cfg, FDS))
		return FATE_KEEP;
	if (flags < 0 || (flags & O_PATH) || fstat(fd, &st) < 0)
		return FATE_CLOSE;
	if (S_ISFIFO(st.st_mode))
		return FATE_KEEP;
	if (!S_ISREG(st.st_mode) || !path_of(fd, &st, path, size))
		return FATE_CLOSE;
	if ((flags & O_ACCMODE) != O_WRONLY)
		ops |= POLICY_OP_BIT(POLICY_OP_READ);
	if ((flags & O_ACCMODE) != O_RDONLY)
		ops |= OPS_OF_WRITABLE;
	if (!allows(cfg, ops, path))
		return FATE_CLOSE;
	return (flags & O_ACCMODE) == O_RDONLY ? FATE_REOPEN : FATE_KEEP;
}

struct judgement {
	const struct cage_config *cfg;
	int readonly_fd;	/* the host's tree, detached and read-only; -1 while nobody has needed it */
};

/* The whole tree and not the file alone: so the descriptor keeps its name in /proc/self/fd */
static int open_readonly(struct judgement *j, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	long fd;

	if (j->readonly_fd < 0)
		j->readonly_fd = view_tree("/", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
	if (j->readonly_fd < 0)
		return j->readonly_fd;
	fd = syscall(SYS_openat2, j->readonly_fd, path + 1, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

/* Returns 0 if @fd is now the same file, same position, on a read-only mount */
static int reopen(struct judgement *j, int fd, const char *path)
{
	cleanup_fd int again = open_readonly(j, path);
	struct stat old, new;
	off_t off = lseek(fd, 0, SEEK_CUR);

	if (again < 0)
		return again;
	if (fstat(fd, &old) < 0 || fstat(again, &new) < 0)
		return -errno;
	if (old.st_dev != new.st_dev || old.st_ino != new.st_ino)
		return -ESTALE;
	if (fcntl(again, F_SETFL, fcntl(fd, F_GETFL)) < 0 || lseek(again, off, SEEK_SET) < 0)
		return -errno;
	return dup2(again, fd) < 0 ? -errno : 0;
}

static void judge(int fd, void *ctx)
{
	struct judgement *j = ctx;
	char path[PATH_MAX];
	enum fate fate;

	fate = fate_of(j->cfg, fd, path, sizeof(path));
	if (fate == FATE_KEEP || (fate == FATE_REOPEN && reopen(j, fd, path) == 0))
		return;
	(void)close(fd);	/* the caller's copy is another */
}

static int judge_stdio(const struct cage_config *cfg)
{
	cleanup_fd int null = -1;

	for (int fd = 0; fd <= STDERR_FILENO && !CAGE_IS_OFF(cfg, FDS); fd++) {
		struct stat st;
		int flags = fcntl(fd, F_GETFL);

		if (flags < 0 || is_asked_for(cfg, fd) || fstat(fd, &st) < 0)
			continue;
		if (!S_ISDIR(st.st_mode) && !(flags & O_PATH))
			continue;
		if (null < 0)
			null = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (null < 0 || dup2(null, fd) < 0)
			return -errno;
	}
	return 0;
}

int descriptors_judge(const struct cage_config *cfg, struct cage_failure *reterr)
{
	struct judgement j = { .cfg = cfg, .readonly_fd = -1 };
	int r;

	for (const int *p = cfg->pass_fds; p && *p >= 0; p++)
		if (*p > STDERR_FILENO && !is_inherited(*p))
			return cage_fail(reterr, EBADF, "descriptors", "--pass-fd %d: no such descriptor was given to agentsh", *p);
	r = judge_stdio(cfg);
	if (r < 0)
		return cage_fail(reterr, -r, "descriptors", "/dev/null: %s", strerror(-r));
	for_inherited(cfg->inherited, judge, &j);
	if (j.readonly_fd >= 0)
		(void)close(j.readonly_fd);
	return 0;
}

static void just_close(int fd, void *ctx)
{
	(void)ctx;
	(void)close(fd);	/* nothing was written through it */
}

void descriptors_close_inherited(const struct cage_inherited *list)
{
	for_inherited(list, just_close, NULL);
}
