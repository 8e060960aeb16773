/* SPDX-License-Identifier: Apache-2.0
 *
 * cage/view.c - The file tree of the cage, from the plan
 *
 * DOC: Theory of operation
 *
 * The view starts from nothing: an empty tmpfs, on which only what the plan
 * names is put. What is not named is not there, whether it exists yet or not.
 *
 * While it is built it is attached below the host's /proc (in our own mount
 * namespace): the one place that is never bound into a view, so no recursive
 * clone can meet the half-built tree, and nothing is left on a disk. The host's
 * /proc has to stay visible until init has mounted its own: the kernel refuses
 * a fresh one where none is.
 *
 * The builder does everything but /proc. Init, in the pid namespace, adds that
 * and swaps the roots; the swap moves the builder too, as one of the tasks
 * whose root is the old one.
 */
#include "cage/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"

#define STAGING	"/proc/sys"	/* exists wherever there is a /proc; see above */
#define PLAIN	(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

static int stage_root(struct view *v)
{
	static const char *const options[] = { "mode", "0755", "size", "16m", NULL };
	/* MODE=teeth without "view": the host's tree as it is */
	int fd = CAGE_IS_OFF(v->cfg, VIEW) ? view_tree("/", 0) : view_fs("tmpfs", options, PLAIN);

	if (fd < 0)
		return view_fail(v, -fd, "/", "the root of the view cannot be made");
	if (move_mount(fd, "", AT_FDCWD, STAGING, MOVE_MOUNT_F_EMPTY_PATH) < 0) {
		int r = view_fail(v, errno, "/", "the root of the view cannot be attached");

		(void)close(fd);
		return r;
	}
	v->root_fd = fd;
	return 0;
}

static int attach_link(const struct view *v, const struct plan_entry *e)
{
	const char *slash = strrchr(e->path, '/');
	char parent_path[4096];
	size_t len = (size_t)(slash - e->path);

	if (len >= sizeof(parent_path))
		return view_fail(v, ENAMETOOLONG, e->path, "link");
	memcpy(parent_path, e->path, len);
	parent_path[len] = '\0';
	cleanup_fd int parent = view_make(v, len ? parent_path : "/", true);

	if (parent < 0 || symlinkat(e->link, parent, slash + 1) < 0)
		return view_fail(v, parent < 0 ? -parent : errno, e->path, "link");
	return 0;
}

static int attach_bind(const struct view *v, const struct plan_entry *e, uint64_t attr)
{
	struct stat st;
	int tree = view_tree(e->path, PLAIN | attr);

	if (tree == -ENOENT || tree == -EACCES)
		return 0;	/* gone since the plan was made, or beyond our reach anyway: absent is the stricter face */
	if (tree < 0)
		return view_fail(v, -tree, e->path, "bind");
	if (fstat(tree, &st) < 0) {
		(void)close(tree);
		return view_fail(v, errno, e->path, "bind");
	}
	return view_attach(v, tree, e->path, S_ISDIR(st.st_mode));
}

static int attach_skeleton(const struct view *v, const struct plan_entry *e)
{
	cleanup_fd int fd = view_make(v, e->path, true);

	return fd < 0 ? view_fail(v, -fd, e->path, "directory") : 0;
}

static int attach_entry(const struct view *v, const struct plan_entry *e)
{
	bool is_off = CAGE_IS_OFF(v->cfg, VIEW);
	enum plan_face face = e->face;

	if (is_off && face != PLAN_SERVED)
		return 0;
	if (face == PLAN_SERVED && CAGE_IS_OFF(v->cfg, FUSEFS))
		face = PLAN_WRITABLE;
	if (e->link)
		return attach_link(v, e);
	switch (face) {
	case PLAN_SKELETON:
		return attach_skeleton(v, e);
	case PLAN_READONLY:
		return attach_bind(v, e, MOUNT_ATTR_RDONLY);
	case PLAN_WRITABLE:
		return attach_bind(v, e, 0);
	case PLAN_SERVED:
		return view_served_attach(v, e);
	case PLAN_ABSENT:
	case PLAN_FACE_COUNT:
		break;
	}
	return 0;	/* absent: nothing to do */
}

/* These have a face of their own; the plan's entries beneath them come on top */
static int attach_fixed(const struct view *v)
{
	static int (*const parts[])(const struct view *v) = { view_dev, view_sys, view_tmp, view_run };
	cleanup_fd int proc = view_make(v, "/proc", true);
	int r = proc < 0 ? view_fail(v, -proc, "/proc", "directory") : 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(parts); i++)
		r = parts[i](v);
	return r;
}

/* Skeletons and mount points cannot be written to from now on */
static int lock_root(const struct view *v)
{
	static const char *const paths[] = { "/", "/run" };

	for (size_t i = 0; i < ARRAY_SIZE(paths) && !CAGE_IS_OFF(v->cfg, VIEW); i++) {
		cleanup_fd int fd = view_point(v, paths[i]);
		int r = fd < 0 ? fd : view_protect(fd, MOUNT_ATTR_RDONLY, false);

		if (r < 0)
			return view_fail(v, -r, paths[i], "read-only");
	}
	return 0;
}

int view_build(struct view *v, const struct cage_config *cfg, struct served_fuse fuse, int setup_sock,
	       struct cage_failure *reterr)
{
	int r;

	*v = (struct view){ .cfg = cfg, .root_fd = -1, .served_fd = -1, .fuse = fuse, .reterr = reterr };
	r = stage_root(v);
	if (r == 0)
		r = view_served_mount(v, setup_sock);
	if (r == 0)
		r = attach_fixed(v);
	if (r == 0)
		r = view_served_wait(v, setup_sock);
	for (size_t i = 0; r == 0 && i < cfg->plan->entry_count; i++)
		r = attach_entry(v, &cfg->plan->entry[i]);
	if (r == 0)
		r = view_ssh(v);
	view_served_done(v);
	return r == 0 ? lock_root(v) : r;
}

int view_enter(struct view *v)
{
	int r = view_proc(v);

	if (r < 0)
		return r;
	/* The old root ends up on top of the new one, at ".": see pivot_root(2), "pivot_root(".", ".")" */
	if (fchdir(v->root_fd) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 || umount2(".", MNT_DETACH) < 0)
		return view_fail(v, errno, "/", "the root cannot be changed");
	if (chdir("/") < 0)
		return view_fail(v, errno, "/", "chdir");
	if (chdir(v->cfg->cwd) < 0)
		return cage_fail(v->reterr, errno, "working directory",
				 "%.120s is not in the view of this policy: start in the workspace", v->cfg->cwd);
	return 0;
}
