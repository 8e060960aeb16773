/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/dir.c - Listing: every name by its own right
 *
 * A name is listed if it would be found, or found and refused; what is absent
 * or hidden is not. An entry that the kernel's buffer has no room for is not
 * judged twice but read again: the offset after the last one that fitted is
 * where the next call begins.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "fusefs/caller.h"
#include "fusefs/reply.h"
#include "fusefs/walk.h"

/** struct listing - An open directory of the kernel's */
struct listing {
	struct node *node;
	bool is_fixed;			/* an ancestor: its children are in the node table */
	bool is_trusted;		/* opened by the builder */
	struct walk walk;
	off_t at;			/* where @walk stands */
	struct walk_entry ahead;	/* read, and not fitted */
	bool has_ahead;
	pthread_mutex_t lock;		/* two readers of one descriptor */
};

/** struct page - One reply being filled */
struct page {
	fuse_req_t req;
	struct gate *g;
	struct listing *l;
	struct dirref dir;
	char *buf;
	size_t size, used;
	bool plus;
};

static struct listing *listing_of(const struct fuse_file_info *fi)
{
	return (struct listing *)(uintptr_t)fi->fh;
}

static void listing_free(struct fusefs *fs, struct listing *l)
{
	fs_closed(fs);
	walk_end(&l->walk);
	(void)pthread_mutex_destroy(&l->lock);	/* released: nobody reads */
	free(l);
}

static int listing_new(struct fusefs *fs, struct node *n, struct listing **ret, struct seen *seen)
{
	cleanup_dir struct dirref d = BACKING_NO_DIR;
	struct listing *l = calloc(1, sizeof(*l));
	int fd, r = 0;

	if (!l)
		return -ENOMEM;
	if (!fs_may_open(fs)) {
		free(l);
		return -ENFILE;
	}
	l->node = n;
	l->walk.fd = -1;
	l->is_fixed = node_is_ancestor(n);
	(void)pthread_mutex_init(&l->lock, NULL);	/* default attributes: cannot fail */
	if (!l->is_fixed) {
		r = backing_dir(fs, n, &d);
		if (r == 0)
			r = backing_open_dir(&d, &fd);
		if (r == 0)
			r = walk_begin(&l->walk, fd);
		if (r == 0)
			r = backing_look_fd(l->walk.fd, seen);
	}
	if (r < 0)
		listing_free(fs, l);
	else
		*ret = l;
	return r;
}

/* May the kernel go on using what it has listed before? It checks the time of the directory as well */
static bool is_cacheable(struct fusefs *fs, struct node *n, const struct seen *seen)
{
	struct timespec now = { 0 };
	int64_t mtime = fs_ns(&seen->st.st_mtim);

	(void)clock_gettime(CLOCK_REALTIME_COARSE, &now);	/* exists on every Linux */
	/* A rename above changes which names are shown: it counts as another size */
	return nodes_content_is_known(fs->nodes, n, mtime, nodes_epoch(fs->nodes), fs_ns(&now));
}

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fusefs *fs = fs_of(req);
	cleanup_caller struct caller c = caller_begin(fs, req, fs_node(fs, ino), NULL);
	struct node *n = fs_node(fs, ino);
	struct listing *l = NULL;
	struct seen seen;
	struct gate g;
	int r;

	gate_begin(&g, req);
	r = node_is_ancestor(n) ? 0 : gate_may_list(&g, n);
	if (r == 0)
		r = listing_new(fs, n, &l, &seen);
	if (r < 0) {
		reply_err(req, r);
		return;
	}
	l->is_trusted = caller_is_trusted(fs, g.tid);
	if (!l->is_fixed && !l->is_trusted) {
		fi->keep_cache = is_cacheable(fs, n, &seen);
		fi->cache_readdir = 1;
	}
	fi->fh = (uintptr_t)l;
	if (fuse_reply_open(req, fi) < 0)
		listing_free(fs, l);
}

/* Room for one more? Without attributes the kernel only takes name, number and type */
static bool put(struct page *p, const char *name, const struct fuse_entry_param *e, off_t next_off)
{
	size_t n = p->plus ? fuse_add_direntry_plus(p->req, p->buf + p->used, p->size - p->used, name, e, next_off) :
			     fuse_add_direntry(p->req, p->buf + p->used, p->size - p->used, name, &e->attr, next_off);

	if (n > p->size - p->used)
		return false;
	p->used += n;
	return true;
}

/* The position, the traits and, where they matter, the type of one entry */
static int spot_of(struct page *p, const struct walk_entry *w, struct spot *s)
{
	struct fusefs *fs = p->g->fs;
	struct node_id id = node_id(p->dir.node);

	if (p->plus || !w->type)
		return gate_spot(p->g, &p->dir, w->name, s);
	*s = (struct spot){ .dir = p->dir.node, .name = w->name, .exists = true };
	nodes_state(fs->nodes, p->dir.node, &s->state);
	policy_state_step(fs->policy, &s->state, policy_str(w->name), &s->state);
	id.ino = w->ino;
	s->traits = fs->is_conditional ? gate_traits(fs, &id) : POLICY_T_UNKNOWN;
	s->seen.st.st_mode = w->type;
	s->seen.st.st_ino = w->ino;
	return 0;
}

/* false: no room */
static bool put_entry(struct page *p, const struct walk_entry *w)
{
	struct fuse_entry_param e = { .attr = { .st_ino = w->ino, .st_mode = w->type } };
	struct policy_decision d;
	enum gate_face face;
	struct node *n = NULL;
	struct spot s;

	if (walk_is_dot(w->name))
		return put(p, w->name, &e, w->next_off);
	if (spot_of(p, w, &s) < 0 || !s.exists)
		return true;	/* gone meanwhile */
	e.attr.st_mode = s.seen.st.st_mode;
	e.attr.st_ino = s.seen.st.st_ino;
	face = p->l->is_trusted ? GATE_REFUSED : gate_face(p->g, &s, s.seen.st.st_mode, &d);
	if (face == GATE_ABSENT || face == GATE_HIDDEN)
		return true;
	if (p->plus && face != GATE_REFUSED)
		n = reply_entry_fill(p->g->fs, &s, false, &e);
	if (put(p, w->name, &e, w->next_off))
		return true;
	if (n)
		nodes_forget(p->g->fs->nodes, n, 1);
	return false;
}

static int fill(struct page *p, off_t off)
{
	struct listing *l = p->l;
	int r = 1;

	if (off != l->at) {
		l->has_ahead = false;
		r = walk_seek(&l->walk, off);
		if (r < 0)
			return r;
		l->at = off;
	}
	for (;;) {
		if (!l->has_ahead) {
			r = walk_next(&l->walk, &l->ahead);
			if (r <= 0)
				return p->used ? 0 : r;
		}
		l->has_ahead = !put_entry(p, &l->ahead);
		if (l->has_ahead)
			return p->used ? 0 : -EINVAL;
		l->at = l->ahead.next_off;
	}
}

static int fill_fixed(struct page *p, off_t off)
{
	const char *name;
	struct node *n;

	while ((n = nodes_nth_child(p->g->fs->nodes, p->l->node, (size_t)off, &name))) {
		struct fuse_entry_param e = { .attr = { .st_ino = node_ino(n), .st_mode = S_IFDIR } };

		if (!put(p, name, &e, ++off))
			return 0;
	}
	return 0;
}

static void list(fuse_req_t req, size_t size, off_t off, struct fuse_file_info *fi, bool plus)
{
	struct fusefs *fs = fs_of(req);
	cleanup_caller struct caller c = caller_begin(fs, req, listing_of(fi)->node, NULL);
	struct listing *l = listing_of(fi);
	cleanup_free char *buf = malloc(size);
	cleanup_dir struct dirref d = BACKING_NO_DIR;
	struct gate g;
	struct page p = { .req = req, .g = &g, .l = l, .buf = buf, .size = size, .plus = plus };
	int r;

	gate_begin(&g, req);
	r = !buf ? -ENOMEM : l->is_fixed ? 0 : backing_dir(fs, l->node, &d);
	if (r == 0) {
		p.dir = d;
		(void)pthread_mutex_lock(&l->lock);	/* initialised with the listing */
		r = l->is_fixed ? fill_fixed(&p, off) : fill(&p, off);
		(void)pthread_mutex_unlock(&l->lock);	/* ours */
	}
	if (r < 0)
		reply_err(req, r);
	else
		(void)fuse_reply_buf(req, buf, p.used);	/* as reply_err() */
}

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	(void)ino;	/* the listing knows it */
	list(req, size, off, fi, false);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	(void)ino;	/* as above */
	list(req, size, off, fi, true);
}

void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;	/* as above */
	listing_free(fs_of(req), listing_of(fi));
	reply_err(req, 0);
}

void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	int fd = listing_of(fi)->walk.fd;

	(void)ino;	/* as above */
	if (fd < 0)
		reply_err(req, 0);
	else
		reply_err(req, (datasync ? fdatasync(fd) : fsync(fd)) < 0 ? -errno : 0);
}
