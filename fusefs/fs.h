/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/fs.h - What the files of this folder share; nobody else includes it
 *
 * DOC: Theory of operation
 *
 * Each request names a node, or a directory's node and a name. session.c reads
 * requests, the op_ functions (look.c, file.c, dir.c, attr.c, make.c, rename.c,
 * xattr.c) check arguments and answer, gate.c judges, backing.c does it on the
 * real tree, nodes.c remembers what the kernel knows.
 *
 * Locks, outer before inner: fusefs.names_lock (rename.c says why), then
 * nodes.lock or born.lock, which are never held over a system call that can
 * wait. A name in a directory cannot change from inside between the look at it
 * and the act on it: the kernel holds the directory meanwhile.
 */
#ifndef FUSEFS_FS_H
#define FUSEFS_FS_H

#define FUSE_USE_VERSION 312
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdatomic.h>

#include "fusefs/acting.h"
#include "fusefs/born.h"
#include "fusefs/fusefs.h"
#include "fusefs/nodes.h"
#include "fusefs/recent.h"

/* How long the kernel may believe a name and its attributes: so long does a
 * change made on the host stay unseen inside */
#define FS_TIMEOUT_S	1.0
#define FS_MAX_IO	(1024u * 1024u)
#define FS_NOBODY	65534	/* what the kernel shows of an owner without a number (overflowuid) */
#define FS_NAMELESS	"/"	/* what the kernel calls a file of O_TMPFILE (crew.c) */

struct crew;		/* crew.h */
struct locks;		/* locks.h */

/** struct poker - poke.h */
struct poker {
	atomic_int tid;			/* the one thread; 0: nobody has poked yet */
	atomic_uintptr_t saw;		/* the node it asked about last */
	atomic_uint removes;		/* S_IFMT bits: it removes a name that has gone */
	atomic_uint serial;		/* of that removal */
};

struct fusefs {
	struct fuse_session *session;
	const struct policy *policy;
	struct event_sink *sink;
	struct nodes *nodes;
	struct born *born;
	struct recent *recent;
	struct locks *locks;
	struct poker poker;
	struct acting acting;
	pthread_rwlock_t names_lock;	/* rename.c */
	char **mountpoints;		/* NULL-ended */
	pid_t trusted[8];		/* 0-ended */
	bool lacks_uids, lacks_gids;	/* a container's root: not every owner has a number here */
	bool is_alone;			/* root, and no other user inside: caller.h */
	bool is_all_home;		/* nothing but workspace and home is served */
	uint64_t powers;		/* with is_alone: the permitted capabilities */
	char *workspace, *home;		/* the same */
	uid_t uid;			/* the supervisor's; not 0: the only mapped ones */
	gid_t gid;
	gid_t *groups;
	size_t group_count;
	bool redirects;			/* some name is redirected (elsewhere.h) */
	bool has_by, is_conditional;	/* the policy has "by" rules; "by" or "stood" rules */
	int self_fds;			/* /proc/self/fd: the way from a pin to its file */
	struct crew *crew;
	int open_max;			/* files and listings open at a time: the doorman needs descriptors too */
	atomic_int open_count;
};

/** fs_of() - The file system of a request */
static inline struct fusefs *fs_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/** fs_node() - The node of a number that the kernel sent */
static inline struct node *fs_node(const struct fusefs *fs, fuse_ino_t ino)
{
	return ino == FUSE_ROOT_ID ? nodes_root(fs->nodes) : (struct node *)(uintptr_t)ino;
}

/** fs_is_name() - Is this one component? The kernel sends nothing else; believe it only so far */
bool fs_is_name(const char *name);

/** fs_attr() - Attributes as the cage sees them: owners without a mapping become mapped ones */
void fs_attr(const struct fusefs *fs, const struct stat *st, struct stat *ret);

/** fs_ns() - A time as one number: for comparison only, as file systems have years that do not fit */
static inline int64_t fs_ns(const struct timespec *t)
{
	return (int64_t)((uint64_t)t->tv_sec * UINT64_C(1000000000) + (uint64_t)t->tv_nsec);
}

/** fs_may_open() - One descriptor more; false when there are too many. Pair with fs_closed() */
static inline bool fs_may_open(struct fusefs *fs)
{
	if (atomic_fetch_add(&fs->open_count, 1) < fs->open_max)
		return true;
	atomic_fetch_sub(&fs->open_count, 1);
	return false;
}

static inline void fs_closed(struct fusefs *fs)
{
	atomic_fetch_sub(&fs->open_count, 1);
}

/* The operations, by file; session.c has the table of them */
void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count);
void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_readlink(fuse_req_t req, fuse_ino_t ino);
void op_access(fuse_req_t req, fuse_ino_t ino, int mask);
void op_statfs(fuse_req_t req, fuse_ino_t ino);

void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi);
void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags);
void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name);
void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	       const char *new_name, unsigned int flags);

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi);
void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
	      struct fuse_file_info *fi);
void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len, struct fuse_file_info *fi);
void op_copy_file_range(fuse_req_t req, fuse_ino_t in, off_t off_in, struct fuse_file_info *fi_in,
			fuse_ino_t out, off_t off_out, struct fuse_file_info *fi_out, size_t len, int flags);
void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi);

#endif /* FUSEFS_FS_H */
