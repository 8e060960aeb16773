/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/file.c - Open files: open, create, and what is done by descriptor
 *
 * What a descriptor may do is judged when it is made. It is opened as asked,
 * but for O_APPEND, which is done for each write: the kernel writes back
 * mapped pages through any descriptor of the file, and pwrite() on one with
 * O_APPEND would add them at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fusefs/caller.h"
#include "fusefs/guard.h"
#include "fusefs/locks.h"
#include "fusefs/poke.h"
#include "fusefs/reply.h"

#define OPEN_FOR_EXEC	0x20	/* __FMODE_EXEC of the kernel, which it sends along */
#define BIT(op)		POLICY_OP_BIT(POLICY_OP_##op)

static struct handle *handle_of(const struct fuse_file_info *fi)
{
	return (struct handle *)(uintptr_t)fi->fh;
}

static bool is_writing(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);
}

static uint64_t open_ops(int flags)
{
	uint64_t ops = flags & O_TRUNC ? BIT(WRITE) | BIT(TRUNCATE) : 0;

	if ((flags & O_ACCMODE) != O_WRONLY)
		ops |= flags & OPEN_FOR_EXEC ? BIT(EXEC) : BIT(READ);
	if ((flags & O_ACCMODE) != O_RDONLY)
		ops |= BIT(WRITE);
	return ops;
}

static enum policy_op open_op(int flags)
{
	if (is_writing(flags))
		return POLICY_OP_WRITE;
	return flags & OPEN_FOR_EXEC ? POLICY_OP_EXEC : POLICY_OP_READ;
}

/*
 * What is opened is the file as it is now. If the host changed it within the
 * time that the kernel may believe its attributes, it must not go by the old
 * size: without an offset only those are dropped, and nothing is waited for.
 */
static void refresh(struct fusefs *fs, struct node *n, const struct seen *seen)
{
	if (!nodes_was_told(fs->nodes, n, fs_ns(&seen->st.st_mtim), seen->st.st_size))
		(void)fuse_lowlevel_notify_inval_inode(fs->session, (fuse_ino_t)(uintptr_t)n, -1, 0);	/* if not known: well */
}

/* From a descriptor to an open file of the kernel's; @fd is taken over on success */
static int opened(struct fusefs *fs, struct node *n, int fd, const struct seen *seen, struct fuse_file_info *fi)
{
	struct timespec now = { 0 };
	struct handle *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	if (!fs_may_open(fs)) {
		free(h);
		return -ENFILE;
	}
	(void)clock_gettime(CLOCK_REALTIME_COARSE, &now);	/* exists on every Linux */
	h->fd = fd;
	nodes_handle_add(fs->nodes, n, h);
	fi->fh = (uintptr_t)h;
	fi->keep_cache = nodes_content_is_known(fs->nodes, n, fs_ns(&seen->st.st_mtim), seen->st.st_size, fs_ns(&now)) &&
			 !(fi->flags & O_TRUNC);
	return 0;
}

static void close_handle(struct fusefs *fs, struct handle *h)
{
	nodes_handle_remove(fs->nodes, h);
	(void)close(h->fd);	/* the caller has its answer from write and fsync; RELEASE has no reader */
	free(h);
	fs_closed(fs);
	locks_released(fs->locks);
}

static int may_open(struct gate *g, struct node *n, int flags)
{
	if ((flags & OPEN_FOR_EXEC) && !caller_is_trusted(g->fs, g->tid)) {
		int r = gate_may_run(g, n);

		if (r < 0)
			return r;
	}
	/* Who may read needs not be asked whether it is one of ours */
	if (!is_writing(flags) && gate_may_node_quietly(g, n, open_ops(flags)))
		return 0;
	if (caller_is_trusted(g->fs, g->tid))
		return is_writing(flags) ? -EACCES : 0;
	return gate_may_node(g, n, open_ops(flags));
}

static int open_node(struct gate *g, struct node *n, struct fuse_file_info *fi)
{
	struct seen seen;
	int fd, r = may_open(g, n, fi->flags);

	if (r == 0)
		r = gate_note(g, open_op(fi->flags), n, NULL, EVENT_F_BATCH);
	if (fi->flags & O_TRUNC)
		poke_own_change(g->fs, n);
	if (r == 0)
		r = backing_open(g->fs, n, fi->flags, &fd, &seen);
	if (r < 0)
		return r;
	if (fi->flags & OPEN_FOR_EXEC)
		r = backing_access(fd, X_OK);
	if (r == 0)
		r = opened(g->fs, n, fd, &seen, fi);
	if (r < 0)
		(void)close(fd);	/* nothing was written */
	else
		refresh(g->fs, n, &seen);
	return r;
}

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fusefs *fs = fs_of(req);
	cleanup_caller struct caller c = caller_begin(fs, req, fs_node(fs, ino), NULL);
	struct gate g;
	int r;

	gate_begin(&g, req);
	r = open_node(&g, fs_node(fs, ino), fi);
	if (r < 0)
		reply_err(req, r);
	else if (fuse_reply_open(req, fi) < 0)
		close_handle(fs, handle_of(fi));
}

/* O_CREAT of a name that is there after all: the host made it, or the kernel did not know */
static int open_existing(struct gate *g, struct spot *s, struct fuse_file_info *fi, struct fuse_entry_param *e)
{
	struct policy_decision decision;
	enum gate_face face = gate_face(g, s, s->seen.st.st_mode, &decision);
	struct node *n;
	int r;

	/* What is absent by the policy cannot be made by it either: that refusal is the answer */
	if (face != GATE_SEEN) {
		r = gate_may(g, s, BIT(CREATE));
		return r < 0 ? r : -EACCES;
	}
	if (fi->flags & O_EXCL)
		return -EEXIST;
	if (!S_ISREG(s->seen.st.st_mode))
		return S_ISDIR(s->seen.st.st_mode) ? -EISDIR : -ESTALE;
	n = reply_entry_fill(g->fs, s, false, e);
	if (!n)
		return -ENOMEM;
	r = open_node(g, n, fi);
	if (r < 0)
		nodes_forget(g->fs->nodes, n, 1);
	return r;
}

static int create_absent(struct gate *g, const struct dirref *d, struct spot *s, mode_t mode,
			 struct fuse_file_info *fi, struct fuse_entry_param *e)
{
	bool writes = (fi->flags & O_ACCMODE) != O_RDONLY;
	struct node *n;
	int fd, r = gate_may(g, s, BIT(CREATE));

	if (r == 0 && writes)
		r = gate_may(g, s, BIT(WRITE));
	if (r == 0)
		r = gate_may_modes(g, s->dir, s->name, S_IFREG, mode);
	if (r == 0)
		r = gate_note_spot(g, POLICY_OP_CREATE, s);
	poke_own_name(g->fs, d->node, s->name);
	if (r == 0)
		r = backing_create(d, s->name, fi->flags, mode, &fd);
	if (r < 0)
		return r;
	r = backing_look_fd(fd, &s->seen);
	if (r == 0) {
		gate_born(g, s, &s->seen.id);
		n = reply_entry_fill(g->fs, s, false, e);
		r = n ? opened(g->fs, n, fd, &s->seen, fi) : -ENOMEM;
		if (n && r < 0)
			nodes_forget(g->fs->nodes, n, 1);
	}
	if (r < 0)
		(void)close(fd);	/* nothing was written */
	return r;
}

static int create(struct gate *g, struct node *parent, const char *name, mode_t mode,
		  struct fuse_file_info *fi, struct fuse_entry_param *e)
{
	cleanup_dir struct dirref d = BACKING_NO_DIR;
	struct spot s;
	int r = caller_is_trusted(g->fs, g->tid) ? -EACCES : backing_dir(g->fs, parent, &d);

	for (int tries = 0; r == 0 && tries < 3; tries++) {
		r = gate_spot(g, &d, name, &s);
		if (r < 0)
			return r;
		r = s.exists ? open_existing(g, &s, fi, e) : create_absent(g, &d, &s, mode, fi, e);
		if (r != -EEXIST || s.exists)
			return r;
		r = 0;		/* the host was faster: look again */
	}
	return r < 0 ? r : -EEXIST;
}

/* The file's only name is one that nobody can look up: what the directory says of any new name goes for it */
static int make_nameless(struct gate *g, struct node *parent, mode_t mode, struct fuse_file_info *fi,
			 struct fuse_entry_param *e)
{
	cleanup_dir struct dirref d = BACKING_NO_DIR;
	struct node *n = NULL;
	struct spot s;
	int fd = -1, r = caller_is_trusted(g->fs, g->tid) ? -EACCES : backing_dir(g->fs, parent, &d);

	if (r == 0)
		r = gate_spot(g, &d, "#tmpfile", &s);
	if (r == 0)
		r = gate_may(g, &s, BIT(CREATE) | BIT(WRITE));
	if (r == 0)
		r = gate_may_modes(g, s.dir, s.name, S_IFREG, mode);
	if (r == 0)
		r = gate_note_spot(g, POLICY_OP_CREATE, &s);
	if (r == 0)
		r = backing_create_nameless(&d, fi->flags, mode, &fd);
	if (r < 0)
		return r;
	r = backing_look_fd(fd, &s.seen);
	if (r == 0)
		n = reply_entry_fill(g->fs, &s, false, e);
	if (n) {
		nodes_unbind(g->fs->nodes, d.node, s.name, &s.seen.id, false);
		r = opened(g->fs, n, fd, &s.seen, fi);
		if (r < 0)
			nodes_forget(g->fs->nodes, n, 1);
	} else if (r == 0) {
		r = -ENOMEM;
	}
	if (r < 0)
		(void)close(fd);	/* nothing was written */
	return r;
}

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	struct fusefs *fs = fs_of(req);
	cleanup_caller struct caller c = caller_begin(fs, req, fs_node(fs, parent), name);
	cleanup_guard pthread_rwlock_t *guard = guard_shared(fs);
	struct fuse_entry_param e;
	struct gate g;
	int r;

	gate_begin(&g, req);
	if (strcmp(name, FS_NAMELESS) == 0)
		r = make_nameless(&g, fs_node(fs, parent), mode, fi, &e);
	else
		r = fs_is_name(name) ? create(&g, fs_node(fs, parent), name, mode, fi, &e) : -EINVAL;
	if (r < 0) {
		reply_err(req, r);
	} else if (fuse_reply_create(req, &e, fi) < 0) {
		close_handle(fs, handle_of(fi));
		nodes_forget(fs->nodes, fs_node(fs, e.ino), 1);
	}
}

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct fuse_bufvec data = FUSE_BUFVEC_INIT(size);

	(void)ino;	/* the descriptor says it all */
	data.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
	data.buf[0].fd = handle_of(fi)->fd;
	data.buf[0].pos = off;
	(void)fuse_reply_data(req, &data, (enum fuse_buf_copy_flags)0);	/* as reply_err() */
}

void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
	      struct fuse_file_info *fi)
{
	const struct iovec v = { .iov_base = (void *)(uintptr_t)buf, .iov_len = size };
	int flags = (fi->flags & O_APPEND) && !fi->writepage ? RWF_APPEND : 0;
	cleanup_caller struct caller c = caller_begin_data(fs_of(req), req);
	ssize_t n;

	(void)ino;	/* as above */
	poke_own_change(fs_of(req), handle_of(fi)->node);
	do
		n = pwritev2(handle_of(fi)->fd, &v, 1, off, flags);
	while (n < 0 && errno == EINTR);
	poke_own_change(fs_of(req), handle_of(fi)->node);	/* again: it may have taken long */
	if (n < 0)
		reply_err(req, -errno);
	else
		(void)fuse_reply_write(req, (size_t)n);	/* as reply_err() */
}

void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;	/* the handle knows it */
	if (is_writing(fi->flags))
		poke_own_change(fs_of(req), handle_of(fi)->node);	/* the real tree will tell of a close */
	close_handle(fs_of(req), handle_of(fi));
	reply_err(req, 0);
}

void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	int fd = handle_of(fi)->fd;

	(void)ino;	/* as above */
	reply_err(req, (datasync ? fdatasync(fd) : fsync(fd)) < 0 ? -errno : 0);
}

void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len, struct fuse_file_info *fi)
{
	cleanup_caller struct caller c = caller_begin_data(fs_of(req), req);

	(void)ino;	/* as above */
	poke_own_change(fs_of(req), handle_of(fi)->node);
	reply_err(req, fallocate(handle_of(fi)->fd, mode, off, len) < 0 ? -errno : 0);
}

void op_copy_file_range(fuse_req_t req, fuse_ino_t in, off_t off_in, struct fuse_file_info *fi_in,
			fuse_ino_t out, off_t off_out, struct fuse_file_info *fi_out, size_t len, int flags)
{
	cleanup_caller struct caller c = caller_begin_data(fs_of(req), req);
	ssize_t n;

	(void)in;	/* as above */
	(void)out;
	poke_own_change(fs_of(req), handle_of(fi_out)->node);
	n = copy_file_range(handle_of(fi_in)->fd, &off_in, handle_of(fi_out)->fd, &off_out, len,
			    (unsigned int)flags);
	if (n < 0)
		reply_err(req, -errno);
	else
		(void)fuse_reply_write(req, (size_t)n);	/* as reply_err() */
}

void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi)
{
	off_t at = lseek(handle_of(fi)->fd, off, whence);

	(void)ino;	/* as above */
	if (at < 0)
		reply_err(req, -errno);
	else
		(void)fuse_reply_lseek(req, at);	/* as reply_err() */
}
