/* SPDX-License-Identifier: Apache-2.0
 *
 * cage/view_mount.c - Mounts by descriptor: cloned or made, restricted, then attached
 *
 * Flags are set while a tree is attached nowhere, so no moment exists in which
 * it can be seen without them. Names of the view are resolved in the view
 * (RESOLVE_IN_ROOT): an absolute link in a bound directory leads nowhere else.
 */
#include "cage/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"

int view_protect(int fd, uint64_t attr, bool is_recursive)
{
	struct mount_attr a = { .attr_set = attr };
	unsigned flags = AT_EMPTY_PATH | (is_recursive ? AT_RECURSIVE : 0u);

	return mount_setattr(fd, "", flags, &a, sizeof(a)) < 0 ? -errno : 0;
}

int view_tree(const char *path, uint64_t attr)
{
	cleanup_fd int fd = open_tree(AT_FDCWD, path,
				      OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW);
	int r;

	if (fd < 0)
		return -errno;
	r = view_protect(fd, attr, true);
	return r < 0 ? r : steal_fd(&fd);
}

int view_fs(const char *type, const char *const *options, uint64_t attr)
{
	cleanup_fd int fs = fsopen(type, FSOPEN_CLOEXEC);
	int fd;

	if (fs < 0)
		return -errno;
	for (; options && options[0]; options += 2)
		if (fsconfig(fs, FSCONFIG_SET_STRING, options[0], options[1], 0) < 0)
			return -errno;
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	fd = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)attr);
	return fd < 0 ? -errno : fd;
}

int view_fail(const struct view *v, int err, const char *path, const char *what)
{
	char step[sizeof(v->reterr->step)];

	(void)snprintf(step, sizeof(step), "view: %s", path);	/* may be cut */
	return cage_fail(v->reterr, err, step, "%s: %s", what, strerror(err));
}

static int open_in_view(const struct view *v, const char *path, uint64_t flags)
{
	struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	long fd = syscall(SYS_openat2, v->root_fd, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

int view_point(const struct view *v, const char *path)
{
	return open_in_view(v, path, O_PATH | O_NOFOLLOW);
}

/* The directory that holds @path, made where missing */
static int make_parent(const struct view *v, const char *path)
{
	char parent[4096];
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	if (len >= sizeof(parent))
		return -ENAMETOOLONG;
	memcpy(parent, path, len);
	parent[len] = '\0';
	if (len == 0) {
		int fd = fcntl(v->root_fd, F_DUPFD_CLOEXEC, 0);

		return fd < 0 ? -errno : fd;
	}
	return view_make(v, parent, true);
}

int view_make(const struct view *v, const char *path, bool is_directory)
{
	int fd = view_point(v, path);
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	if (fd != -ENOENT)
		return fd;
	cleanup_fd int parent = make_parent(v, path);

	if (parent < 0)
		return parent;
	if (is_directory && mkdirat(parent, name, 0755) < 0)
		return -errno;
	if (!is_directory && mknodat(parent, name, S_IFREG | 0644, 0) < 0)
		return -errno;
	return view_point(v, path);
}

int view_attach(const struct view *v, int tree_fd, const char *path, bool is_directory)
{
	cleanup_fd int tree = tree_fd;
	const char *name = strrchr(path, '/') + 1;
	cleanup_fd int parent = make_parent(v, path);
	unsigned int flags = MOVE_MOUNT_F_EMPTY_PATH | (name[0] ? 0 : MOVE_MOUNT_T_EMPTY_PATH);
	int r = parent;

	if (r >= 0 && name[0])
		r = is_directory ? mkdirat(parent, name, 0755) : mknodat(parent, name, S_IFREG | 0644, 0);
	if (parent < 0 || (r < 0 && errno != EEXIST))
		return view_fail(v, parent < 0 ? -parent : errno, path, "the mount point cannot be made");
	/* A name without a slash, and a link at its end is not followed: it does not leave the parent */
	if (move_mount(tree, "", parent, name, flags) < 0)
		return view_fail(v, errno, path, "mount");
	return 0;
}
