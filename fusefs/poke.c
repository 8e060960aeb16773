/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/poke.c - Requests that one thread of ours makes, so that the kernel tells those inside of a change outside
 */
#include "fusefs/poke.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "fusefs/caller.h"
#include "fusefs/reply.h"

/* ---- in the threads that serve ---- */

bool poke_is(const struct fusefs *fs, pid_t tid)
{
	return tid > 0 && tid == atomic_load_explicit(&fs->poker.tid, memory_order_relaxed);
}

void poke_saw(struct fusefs *fs, fuse_ino_t ino)
{
	atomic_store(&fs->poker.saw, ino);
}

void poke_lookup(fuse_req_t req, struct gate *g, struct spot *s)
{
	struct policy_decision d;
	mode_t type = atomic_load(&fs_of(req)->poker.removes);

	if (!type || gate_face(g, s, type, &d) != GATE_SEEN) {
		reply_err(req, -ENOENT);
		return;
	}
	/* No file system has a device 0; the serial makes it another object each time */
	s->seen = (struct seen){
		.st = { .st_mode = type | 0700, .st_nlink = S_ISDIR(type) ? 2 : 1, .st_uid = g->fs->uid, .st_gid = g->fs->gid },
		.id = { .ino = atomic_load(&g->fs->poker.serial) },
	};
	s->seen.st.st_ino = s->seen.id.ino;
	reply_entry(req, s, true);
}

void poke_remove(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fusefs *fs = fs_of(req);
	cleanup_dir struct dirref d = BACKING_NO_DIR;
	struct seen seen;
	int r = fs_is_name(name) ? backing_dir(fs, fs_node(fs, parent), &d) : -EINVAL;

	if (r == 0)
		r = backing_look(&d, name, &seen);
	reply_err(req, r == -ENOENT ? 0 : r == 0 ? -EBUSY : r);
}

void poke_setattr(fuse_req_t req, fuse_ino_t ino)
{
	struct fusefs *fs = fs_of(req);
	struct node *n = fs_node(fs, ino);
	struct seen seen;
	int r = node_is_ancestor(n) ? -EACCES : backing_stat(fs, n, &seen);

	if (r < 0)
		reply_err(req, r);
	else
		reply_node_attr(req, n, &seen);
}

void poke_own_change(struct fusefs *fs, const struct node *n)
{
	struct node_id id = node_id(n);

	recent_object(fs->recent, id.dev, id.ino);
}

void poke_own_name(struct fusefs *fs, const struct node *dir, const char *name)
{
	struct node_id id = node_id(dir);

	recent_name(fs->recent, id.dev, id.ino, name);
}

/* ---- in the poker ---- */

void fusefs_watch_begin(struct fusefs *fs)
{
	recent_begin(fs->recent);
}

bool fusefs_changed_recently(struct fusefs *fs, dev_t dev, ino_t ino, const char *name)
{
	return recent_has(fs->recent, dev, ino, name);
}

/* The number of what @at and @name lead to, if it is ours; the kernel's attributes and pages of it are fresh then. 0: not ours */
static fuse_ino_t ask(struct fusefs *fs, int at, const char *name, struct statx *ret)
{
	int flags = AT_STATX_FORCE_SYNC | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH;

	atomic_store(&fs->poker.saw, 0);
	if (statx(at, name, flags, STATX_BASIC_STATS, ret) < 0)
		return 0;
	return atomic_load(&fs->poker.saw);
}

/*
 * The directory, as those inside see it. Nothing is followed: what stands there
 * was put there by them. @ret_ino: its number
 */
static int enter(struct fusefs *fs, int view_root, const char *dir, int *ret_fd, fuse_ino_t *ret_ino)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
	};
	cleanup_fd int fd = (int)syscall(SYS_openat2, view_root, dir, &how, sizeof(how));
	struct statx st;

	atomic_store(&fs->poker.tid, (int)syscall(SYS_gettid));
	if (fd < 0)
		return -errno;
	*ret_ino = ask(fs, fd, "", &st);
	if (!*ret_ino)
		return -EXDEV;		/* bound from elsewhere: the kernel sees changes there by itself */
	*ret_fd = steal_fd(&fd);
	return 0;
}

/* The kernel may believe a name for a second: what comes next must look */
static void expire(struct fusefs *fs, fuse_ino_t dir, const char *name)
{
	/* Before 6.2 it cannot: then a replaced file is told of when the name has aged */
	(void)fuse_lowlevel_notify_expire_entry(fs->session, dir, name, strlen(name), FUSE_LL_EXPIRE_ONLY);
}

void fusefs_tell_changed(struct fusefs *fs, int view_root, const char *dir, const char *name)
{
	const struct timespec times[2] = { { .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW } };
	cleanup_fd int at = -1, pin = -1;
	char path[BACKING_PROC_SIZE];
	struct statx st;
	fuse_ino_t ino;

	if (enter(fs, view_root, dir, &at, &ino) < 0)
		return;
	expire(fs, ino, name);
	pin = openat(at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	/* Only what answers through us may be touched: elsewhere it would really be changed */
	if (pin < 0 || !ask(fs, pin, "", &st))
		return;
	backing_proc_path(pin, path);
	/* The size is what we just said, and our answer says it anew; a file that runs cannot be truncated */
	if (S_ISREG(st.stx_mode) && truncate(path, (off_t)st.stx_size) == 0)
		return;
	(void)utimensat(pin, "", times, AT_EMPTY_PATH);	/* the least: an event that is not raised */
}

void fusefs_tell_gone(struct fusefs *fs, int view_root, const char *dir, const char *name, bool is_dir)
{
	cleanup_fd int at = -1;
	fuse_ino_t ino;

	if (enter(fs, view_root, dir, &at, &ino) < 0)
		return;
	expire(fs, ino, name);
	atomic_fetch_add(&fs->poker.serial, 1);
	atomic_store(&fs->poker.removes, is_dir ? S_IFDIR : S_IFREG);
	(void)unlinkat(at, name, is_dir ? AT_REMOVEDIR : 0);	/* an event that is not raised */
	atomic_store(&fs->poker.removes, 0);
}

void fusefs_tell_replaced(struct fusefs *fs, int view_root, const char *dir, const char *name, const struct statx *real)
{
	struct node_id id = backing_id(real);
	cleanup_fd int at = -1;
	fuse_ino_t ino, old;

	if (enter(fs, view_root, dir, &at, &ino) < 0)
		return;
	/* The kernel drops the name if it still has it for this very file, and that file's watches with it */
	old = nodes_number_of(fs->nodes, &id, fs_node(fs, ino), name);
	if (old)
		(void)fuse_lowlevel_notify_delete(fs->session, ino, old, name, strlen(name));
}
