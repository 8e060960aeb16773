/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/backing.c - The real tree: the only file that touches it by name
 */
#include "fusefs/backing.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "fusefs/elsewhere.h"

#define NS_PER_S	INT64_C(1000000000)
#define STALE_TRIES	2

static int open_beneath(int dir_fd, const char *name, uint64_t flags, mode_t mode)
{
	struct open_how how = {
		.flags = flags | O_CLOEXEC | O_NOFOLLOW, .mode = mode,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
	};
	long fd;

	fd = syscall(SYS_openat2, dir_fd, name, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

struct node_id backing_id(const struct statx *x)
{
	return (struct node_id){
		.dev = makedev(x->stx_dev_major, x->stx_dev_minor), .ino = x->stx_ino,
		.birth_ns = x->stx_mask & STATX_BTIME ? x->stx_btime.tv_sec * NS_PER_S + x->stx_btime.tv_nsec : 0,
	};
}

static void from_statx(const struct statx *x, struct seen *ret)
{
	*ret = (struct seen){
		.st = {
			.st_dev = makedev(x->stx_dev_major, x->stx_dev_minor),
			.st_ino = x->stx_ino, .st_mode = x->stx_mode, .st_nlink = x->stx_nlink,
			.st_uid = x->stx_uid, .st_gid = x->stx_gid,
			.st_rdev = makedev(x->stx_rdev_major, x->stx_rdev_minor),
			.st_size = (off_t)x->stx_size, .st_blksize = (blksize_t)x->stx_blksize,
			.st_blocks = (blkcnt_t)x->stx_blocks,
			.st_atim = { x->stx_atime.tv_sec, x->stx_atime.tv_nsec },
			.st_mtim = { x->stx_mtime.tv_sec, x->stx_mtime.tv_nsec },
			.st_ctim = { x->stx_ctime.tv_sec, x->stx_ctime.tv_nsec },
		},
	};
	ret->id = backing_id(x);
}

static int look(int fd, const char *name, int flags, struct seen *ret)
{
	struct statx x;

	if (statx(fd, name, flags | AT_NO_AUTOMOUNT, STATX_BASIC_STATS | STATX_BTIME, &x) < 0)
		return -errno;
	from_statx(&x, ret);
	return 0;
}

int backing_look(const struct dirref *d, const char *name, struct seen *ret)
{
	cleanup_elsewhere struct elsewhere e = ELSEWHERE_NOWHERE;
	int r = elsewhere_find(d, name, &e);

	return r < 0 ? r : look(e.fd, e.name, AT_SYMLINK_NOFOLLOW, ret);
}

int backing_look_fd(int fd, struct seen *ret)
{
	return look(fd, "", AT_EMPTY_PATH, ret);
}

int backing_root(const char *path, int *ret_fd, struct seen *ret)
{
	cleanup_fd int fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -errno;
	r = backing_look_fd(fd, ret);
	if (r < 0)
		return r;
	*ret_fd = steal_fd(&fd);
	return 0;
}

static bool is_id(const struct seen *s, const struct node *n)
{
	struct node_id id = node_id(n);

	return s->id.ino == id.ino && s->id.dev == id.dev && s->id.birth_ns == id.birth_ns;
}

/* One level: the parent's descriptor is at hand */
static int dir_from(struct fusefs *fs, int parent_fd, const struct place *p, struct node *dir)
{
	cleanup_fd int fd = open_beneath(parent_fd, p->name, O_PATH | O_DIRECTORY, 0);
	struct seen s;
	int r;

	if (fd < 0)
		return fd == -ENOTDIR || fd == -ELOOP ? -ESTALE : fd;
	r = backing_look_fd(fd, &s);
	if (r < 0)
		return r;
	if (!is_id(&s, dir))
		return -ESTALE;
	return nodes_fd_keep(fs->nodes, dir, steal_fd(&fd));
}

/* The lowest directory on the way to @dir that has a descriptor gives one to its child */
static int dir_step(struct fusefs *fs, struct node *dir)
{
	struct place p, below = { .dir = NULL };	/* @p.dir holds the child, @below the child itself */
	struct node *child = dir;
	int parent_fd = -1, r = 0;

	if (!nodes_place(fs->nodes, child, 0, &p))
		return -ENOENT;
	while (r == 0 && (parent_fd = nodes_fd_get(fs->nodes, p.dir)) < 0) {
		struct place up;

		if (!nodes_place(fs->nodes, p.dir, 0, &up)) {
			r = -ENOENT;
			break;
		}
		if (below.dir)
			nodes_place_put(fs->nodes, &below);
		child = p.dir;
		below = p;
		p = up;
	}
	if (r == 0) {
		r = dir_from(fs, parent_fd, &p, child);
		nodes_fd_put(fs->nodes, p.dir);
		if (r >= 0)
			nodes_fd_put(fs->nodes, child);
	}
	nodes_place_put(fs->nodes, &p);
	if (below.dir)
		nodes_place_put(fs->nodes, &below);
	return r < 0 ? r : 0;
}

int backing_dir(struct fusefs *fs, struct node *dir, struct dirref *ret)
{
	int fd, r, tries = 0;

	if (node_is_ancestor(dir))
		return -EACCES;
	while ((fd = nodes_fd_get(fs->nodes, dir)) < 0) {
		r = dir_step(fs, dir);
		if (r < 0 && ((r != -ESTALE && r != -ENOENT) || tries++ == STALE_TRIES))
			return r;
		if (r < 0)
			(void)sched_yield();	/* as by_name() */
	}
	*ret = (struct dirref){ .fs = fs, .node = dir, .fd = fd };
	return 0;
}

void backing_dir_put(struct dirref *d)
{
	if (d->fd >= 0)
		nodes_fd_put(d->fs->nodes, d->node);
	d->fd = -1;
}

/* What to do with one name of a node: 0 done; -ESTALE: try the next */
typedef int (*place_fn)(struct fusefs *fs, struct node *n, const struct dirref *d, const char *name,
			int flags, int *ret_fd, struct seen *ret);

static int try_stat(struct fusefs *fs, struct node *n, const struct dirref *d, const char *name,
		    int flags, int *ret_fd, struct seen *ret)
{
	int r = backing_look(d, name, ret);

	(void)fs;	/* the same for all three */
	(void)flags;
	(void)ret_fd;
	return r < 0 ? r : is_id(ret, n) ? 0 : -ESTALE;
}

static int try_open(struct fusefs *fs, struct node *n, const struct dirref *d, const char *name,
		    int flags, int *ret_fd, struct seen *ret)
{
	cleanup_elsewhere struct elsewhere e = ELSEWHERE_NOWHERE;
	int r = elsewhere_find(d, name, &e);
	cleanup_fd int fd = r < 0 ? r : open_beneath(e.fd, e.name, (uint64_t)flags, 0);

	(void)fs;
	if (fd < 0)
		return fd == -ELOOP || fd == -ENXIO ? -ESTALE : fd;
	r = backing_look_fd(fd, ret);
	if (r < 0)
		return r;
	if (!is_id(ret, n))
		return -ESTALE;
	*ret_fd = steal_fd(&fd);
	return 0;
}

/* The first of its names that still is this object */
static int by_any_name(struct fusefs *fs, struct node *n, place_fn try, int flags, int *ret_fd, struct seen *ret)
{
	struct place p;
	int r = -ESTALE;

	for (size_t i = 0; r == -ESTALE && nodes_place(fs->nodes, n, i, &p); i++) {
		cleanup_dir struct dirref d = BACKING_NO_DIR;

		r = backing_dir(fs, p.dir, &d);
		if (r == 0)
			r = try(fs, n, &d, p.name, flags, ret_fd, ret);
		if (r == -ENOENT)
			r = -ESTALE;
		nodes_place_put(fs->nodes, &p);
	}
	return r;
}

/* A rename is done on the real tree a moment before the node learns of it: look again */
static int by_name(struct fusefs *fs, struct node *n, place_fn try, int flags, int *ret_fd, struct seen *ret)
{
	int r = by_any_name(fs, n, try, flags, ret_fd, ret);

	for (int tries = 0; r == -ESTALE && tries < STALE_TRIES; tries++) {
		(void)sched_yield();	/* to whoever is renaming */
		r = by_any_name(fs, n, try, flags, ret_fd, ret);
	}
	return r;
}

static int of_dir(struct fusefs *fs, struct node *n, int *ret_fd, struct seen *ret)
{
	cleanup_dir struct dirref d = BACKING_NO_DIR;
	int r = backing_dir(fs, n, &d);

	if (r == 0)
		r = backing_look_fd(d.fd, ret);
	if (r < 0 || !ret_fd)
		return r;
	*ret_fd = fcntl(d.fd, F_DUPFD_CLOEXEC, 0);
	return *ret_fd < 0 ? -errno : 0;
}

int backing_stat(struct fusefs *fs, struct node *n, struct seen *ret)
{
	int r, fd;

	if (S_ISDIR(node_type(n)))
		return of_dir(fs, n, NULL, ret);
	r = by_name(fs, n, try_stat, 0, NULL, ret);
	if (r != -ESTALE)
		return r;
	fd = nodes_handle_dup(fs->nodes, n);	/* open, and without a name */
	if (fd < 0)
		return -ESTALE;
	r = backing_look_fd(fd, ret);
	(void)close(fd);	/* a duplicate */
	return r;
}

int backing_pin(struct fusefs *fs, struct node *n, int *ret_fd, struct seen *ret)
{
	int r, fd;

	if (S_ISDIR(node_type(n)))
		return of_dir(fs, n, ret_fd, ret);
	r = by_name(fs, n, try_open, O_PATH, ret_fd, ret);
	if (r != -ESTALE)
		return r;
	fd = nodes_handle_dup(fs->nodes, n);
	if (fd < 0)
		return -ESTALE;
	r = backing_look_fd(fd, ret);
	if (r < 0)
		(void)close(fd);	/* a duplicate */
	else
		*ret_fd = fd;
	return r;
}

void backing_proc_path(int pin, char buf[BACKING_PROC_SIZE])
{
	(void)snprintf(buf, BACKING_PROC_SIZE, "/proc/self/fd/%d", pin);	/* always fits */
}

static int reopen(const struct fusefs *fs, int pin, int flags)
{
	char name[16];
	int fd;

	(void)snprintf(name, sizeof(name), "%d", pin);	/* always fits */
	fd = openat(fs->self_fds, name, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int backing_open(struct fusefs *fs, struct node *n, int flags, int *ret_fd, struct seen *ret)
{
	int want = flags & (O_ACCMODE | O_SYNC | O_DSYNC | O_NOATIME);
	int r, fd;

	if (!S_ISREG(node_type(n)))
		return -ENXIO;
	/* O_RDONLY|O_TRUNC truncates, and asks for the right to write as well */
	if ((flags & O_TRUNC) && (flags & O_ACCMODE) == O_RDONLY)
		want = (want & ~O_ACCMODE) | O_RDWR;
	/* Never wait, whatever has been put there: a FIFO, a file with a lease */
	r = by_name(fs, n, try_open, want | O_NONBLOCK | O_NOCTTY, &fd, ret);
	if (r == -ESTALE) {
		int pin = nodes_handle_dup(fs->nodes, n);

		if (pin < 0)
			return -ESTALE;
		r = fd = reopen(fs, pin, want | O_NONBLOCK);
		(void)close(pin);	/* a duplicate */
		if (r >= 0)
			r = backing_look_fd(fd, ret);
	}
	if (r < 0)
		return r;
	if ((flags & O_TRUNC) && ftruncate(fd, 0) < 0) {
		r = -errno;
		(void)close(fd);	/* nothing was written */
		return r;
	}
	(void)fcntl(fd, F_SETFL, want & O_NOATIME);	/* if it stays non-blocking: that means nothing to a regular file */
	*ret_fd = fd;
	return 0;
}

int backing_open_dir(const struct dirref *d, int *ret_fd)
{
	return backing_enter(d->fd, ".", ret_fd);
}

int backing_enter(int dir_fd, const char *name, int *ret_fd)
{
	int fd = open_beneath(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NONBLOCK, 0);

	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}

int backing_create(const struct dirref *d, const char *name, int flags, mode_t mode, int *ret_fd)
{
	int want = flags & (O_ACCMODE | O_SYNC | O_DSYNC | O_NOATIME);
	cleanup_elsewhere struct elsewhere e = ELSEWHERE_NOWHERE;
	int r = elsewhere_find(d, name, &e);
	int fd = r < 0 ? r : open_beneath(e.fd, e.name, (uint64_t)(want | O_CREAT | O_EXCL | O_NOCTTY), mode & 07777);

	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}

int backing_create_nameless(const struct dirref *d, int flags, mode_t mode, int *ret_fd)
{
	int want = flags & (O_ACCMODE | O_EXCL | O_SYNC | O_DSYNC | O_NOATIME);
	int fd = open_beneath(d->fd, ".", (uint64_t)(want | O_TMPFILE), mode & 07777);

	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}

static int done(int r)
{
	return r < 0 ? -errno : 0;
}

int backing_mkdir(const struct dirref *d, const char *name, mode_t mode)
{
	return done(mkdirat(d->fd, name, mode & 07777));
}

/* No devices: root's supervisor could make what root in the cage may not */
int backing_mknod(const struct dirref *d, const char *name, mode_t mode)
{
	if (!S_ISREG(mode) && !S_ISFIFO(mode) && !S_ISSOCK(mode))
		return -EPERM;
	return done(mknodat(d->fd, name, mode, 0));
}

int backing_symlink(const struct dirref *d, const char *name, const char *target)
{
	return done(symlinkat(target, d->fd, name));
}

/* AT_EMPTY_PATH wants CAP_DAC_READ_SEARCH before 6.10 */
int backing_link(int pin, const struct fusefs *fs, const struct dirref *d, const char *name)
{
	char number[16];

	if (linkat(pin, "", d->fd, name, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno != ENOENT && errno != EPERM)
		return -errno;
	(void)snprintf(number, sizeof(number), "%d", pin);	/* always fits */
	return done(linkat(fs->self_fds, number, d->fd, name, AT_SYMLINK_FOLLOW));
}

int backing_unlink(const struct dirref *d, const char *name, bool is_dir)
{
	return done(unlinkat(d->fd, name, is_dir ? AT_REMOVEDIR : 0));
}

int backing_rename(const struct dirref *d, const char *name, const struct dirref *new_d, const char *new_name,
		   unsigned int flags)
{
	return done(renameat2(d->fd, name, new_d->fd, new_name, flags));
}

ssize_t backing_readlink(int pin, char *buf, size_t size)
{
	ssize_t n = readlinkat(pin, "", buf, size);

	if (n < 0)
		return -errno;
	if ((size_t)n >= size)
		return -ENAMETOOLONG;
	buf[n] = '\0';
	return n;
}

int backing_access(int pin, int mask)
{
	return done((int)syscall(SYS_faccessat2, pin, "", mask, AT_EMPTY_PATH | AT_EACCESS));
}

int backing_chmod(const struct fusefs *fs, int pin, mode_t mode)
{
	char number[16];

	(void)snprintf(number, sizeof(number), "%d", pin);	/* always fits */
	return done(fchmodat(fs->self_fds, number, mode & 07777, 0));
}

int backing_chown(int pin, uid_t uid, gid_t gid)
{
	return done(fchownat(pin, "", uid, gid, AT_EMPTY_PATH));
}

int backing_utimes(int pin, const struct timespec times[2])
{
	return done(utimensat(pin, "", times, AT_EMPTY_PATH));
}

int backing_truncate(const struct fusefs *fs, int pin, off_t size)
{
	cleanup_fd int fd = reopen(fs, pin, O_WRONLY | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? fd : done(ftruncate(fd, size));
}
