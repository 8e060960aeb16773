/* SPDX-License-Identifier: Apache-2.0
 *
 * cage/view_proc.c - A fresh /proc with its switches locked; /sys to look at
 */
#include "cage/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "common/cleanup.h"

#define QUIET (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

/* Root without a single capability could still write core_pattern, which the host's kernel runs */
static const char *const guarded[] = {
	"sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi",
	"driver", "dynamic_debug", "mtrr", "latency_stats",
};

/* What only root can read: of the kernel and of everybody's processes */
static const char *const covered[] = {
	"/sys/kernel/debug", "/sys/kernel/tracing", "/sys/kernel/security", "/sys/fs/bpf", "/sys/firmware",
};

/* A read-only clone of a part of /proc, still attached nowhere; -ENOENT if this kernel has none */
static int clone_part(const struct view *v, int proc_fd, const char *name)
{
	cleanup_fd int tree = open_tree(proc_fd, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	int r;

	if (tree < 0)
		return errno == ENOENT ? -ENOENT : view_fail(v, errno, name, "/proc cannot be guarded");
	r = view_protect(tree, QUIET | MOUNT_ATTR_RDONLY, true);
	return r < 0 ? view_fail(v, -r, name, "/proc cannot be guarded") : steal_fd(&tree);
}

/*
 * The limits are set in between: a clone is a mount namespace of its own for
 * as long as it is attached nowhere, so after them there would be none; and
 * once it is attached they cannot be written.
 */
static int guard(const struct view *v, int proc_fd)
{
	bool is_off = CAGE_IS_OFF(v->cfg, PROCGUARD);
	int tree[ARRAY_SIZE(guarded)], r = 0;
	size_t count = 0;

	for (; r == 0 && count < ARRAY_SIZE(guarded); count++) {
		tree[count] = is_off ? -ENOENT : clone_part(v, proc_fd, guarded[count]);
		if (tree[count] < 0 && tree[count] != -ENOENT)
			r = tree[count];
	}
	if (r == 0)
		r = cage_limit_namespaces(v->cfg, proc_fd, v->reterr);
	for (size_t i = 0; i < count; i++) {
		if (tree[i] < 0)
			continue;
		if (r == 0 && move_mount(tree[i], "", proc_fd, guarded[i], MOVE_MOUNT_F_EMPTY_PATH) < 0)
			r = view_fail(v, errno, guarded[i], "/proc cannot be guarded");
		(void)close(tree[i]);
	}
	return r;
}

static int attach_proc(const struct view *v)
{
	int fd;

	if (CAGE_IS_OFF(v->cfg, PIDNS)) {	/* no pid namespace of ours to show; without what is staged below it */
		fd = open_tree(AT_FDCWD, "/proc", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
		return fd < 0 ? view_fail(v, errno, "/proc", "bind") : view_attach(v, fd, "/proc", true);
	}
	fd = view_fs("proc", NULL, QUIET);
	if (fd == -EPERM)
		return view_fail(v, EPERM, "/proc", "this container hides parts of /proc, and so refuses a fresh "
				 "one (Docker: --security-opt systempaths=unconfined)");
	return fd < 0 ? view_fail(v, -fd, "/proc", "mount") : view_attach(v, fd, "/proc", true);
}

int view_proc(const struct view *v)
{
	cleanup_fd int proc_fd = -1;
	int r = attach_proc(v);

	if (r < 0)
		return r;
	proc_fd = view_point(v, "/proc");
	if (proc_fd < 0)
		return view_fail(v, -proc_fd, "/proc", "open");
	return guard(v, proc_fd);
}

static int cover(const struct view *v, const char *path)
{
	static const char *const options[] = { "mode", "0555", "size", "4k", NULL };
	cleanup_fd int point = view_point(v, path);
	int fd;

	if (point < 0)
		return 0;	/* not there: nothing to cover */
	fd = view_fs("tmpfs", options, QUIET | MOUNT_ATTR_RDONLY);
	return fd < 0 ? view_fail(v, -fd, path, "tmpfs") : view_attach(v, fd, path, true);
}

int view_sys(const struct view *v)
{
	bool is_off = CAGE_IS_OFF(v->cfg, PROCGUARD);
	int fd = view_tree("/sys", is_off ? 0 : QUIET | MOUNT_ATTR_RDONLY), r;

	if (fd < 0)
		return 0;	/* a machine without /sys: programs know how to do without */
	r = view_attach(v, fd, "/sys", true);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(covered) && v->cfg->uid == 0 && !is_off; i++)
		r = cover(v, covered[i]);
	return r;
}
