/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/pins.c - The doorman's side of the resolver
 */
#include "notifyd/pins.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fdio.h"
#include "notifyd/chain.h"
#include "notifyd/target.h"

const char *pins_text(const struct resolver_reply *rep, uint32_t off)
{
	return off < rep->text_len ? rep->text + off : "";
}

/* ---- sockets: whoever needs one takes it; it stays greeted ---- */

static int socket_take(struct notifyd *n)
{
	int i;

	(void)pthread_mutex_lock(&n->resolver_lock);
	while (n->resolver_free_count == 0)
		(void)pthread_cond_wait(&n->resolver_wake, &n->resolver_lock);
	i = n->resolver_free[--n->resolver_free_count];
	(void)pthread_mutex_unlock(&n->resolver_lock);
	return i;
}

static void socket_give(struct notifyd *n, int i)
{
	(void)pthread_mutex_lock(&n->resolver_lock);
	n->resolver_free[n->resolver_free_count++] = i;
	(void)pthread_cond_signal(&n->resolver_wake);
	(void)pthread_mutex_unlock(&n->resolver_lock);
}

/* Request and reply on a socket that is ours for now. @ret_pin -1 if none came */
static int converse(int sock, const struct resolver_request *req, const int *fds, size_t fd_count,
		    struct resolver_reply *rep, int *ret_pin)
{
	size_t size = offsetof(struct resolver_request, path) + strlen(req->path) + 1;
	int got[FDIO_FDS_MAX];
	size_t got_count;
	ssize_t n;
	int r = fdio_send(sock, req, size, fds, fd_count);

	if (r < 0)
		return -EIO;
	n = fdio_recv(sock, rep, sizeof(*rep), got, &got_count);
	*ret_pin = got_count > 0 ? got[0] : -1;
	for (size_t i = 1; i < got_count; i++)
		(void)close(got[i]);	/* never sent */
	if (n < (ssize_t)offsetof(struct resolver_reply, text) ||
	    (size_t)n != offsetof(struct resolver_reply, text) + rep->text_len ||
	    rep->count > RESOLVER_OBJECTS_MAX) {
		if (*ret_pin >= 0)
			(void)close(*ret_pin);	/* O_PATH */
		*ret_pin = -1;
		return -EIO;
	}
	return 0;
}

/* What the resolver does in somebody's place is judged as that one's doing */
static int converse_for(struct notifyd *n, int i, pid_t tid, const struct resolver_request *req, const int *fds,
			size_t fd_count, struct resolver_reply *rep, int *ret_pin)
{
	int r;

	if (n->cfg.acting && !n->cfg.acting(n->cfg.acting_ctx, n->resolver_tid[i], tid))
		return -EAGAIN;
	r = converse(n->cfg.resolver_socks[i], req, fds, fd_count, rep, ret_pin);
	if (n->cfg.acting)
		(void)n->cfg.acting(n->cfg.acting_ctx, n->resolver_tid[i], 0);	/* an end is always taken */
	return r;
}

/* @tid: whom the resolver stands for in this; 0: nobody */
static int ask_for(struct notifyd *n, pid_t tid, const struct resolver_request *req, const int *fds, size_t fd_count,
		   struct resolver_reply *rep, int *ret_pin)
{
	struct resolver_request hello = { .op = RESOLVER_HELLO };
	int i = socket_take(n);
	int r = 0;

	*ret_pin = -1;
	if (!n->is_greeted[i]) {	/* only whoever has taken the socket looks */
		r = converse(n->cfg.resolver_socks[i], &hello, &n->proc_fd, 1, rep, ret_pin);
		n->is_greeted[i] = r == 0;
		n->resolver_tid[i] = r == 0 ? rep->tid : 0;
	}
	if (r == 0 && tid != 0)
		r = converse_for(n, i, tid, req, fds, fd_count, rep, ret_pin);
	else if (r == 0)
		r = converse(n->cfg.resolver_socks[i], req, fds, fd_count, rep, ret_pin);
	socket_give(n, i);
	return r;
}

static int ask(struct notifyd *n, const struct resolver_request *req, const int *fds, size_t fd_count,
	       struct resolver_reply *rep, int *ret_pin)
{
	return ask_for(n, 0, req, fds, fd_count, rep, ret_pin);
}

/* ---- what a request needs of the caller ---- */

struct places {
	int fd[3];
	size_t count;
};

static int add_place(const struct call *c, struct places *p, const char *what)
{
	int fd = target_open(c, what);

	if (fd < 0)
		return fd;
	p->fd[p->count++] = fd;
	return 0;
}

static int add_base(const struct call *c, const struct pin_request *q, struct resolver_request *req,
		    struct places *p)
{
	char what[32];
	int r;

	if (q->path[0] == '/')
		return 0;
	req->flags |= RESOLVER_HAS_BASE;
	if (q->dirfd == AT_FDCWD)
		return add_place(c, p, "cwd");
	if (q->dirfd < 0)
		return -EBADF;
	(void)snprintf(what, sizeof(what), "fd/%d", q->dirfd);	/* always fits */
	r = add_place(c, p, what);
	return r == -ENOENT ? -EBADF : r;
}

/*
 * Another root than the view's: only after a chroot, for which a caller needs a
 * user namespace of its own, so only with "nested".
 */
static int add_root(const struct call *c, struct resolver_request *req, struct places *p)
{
	if (!c->n->cfg.nested)
		return 0;
	req->flags |= RESOLVER_HAS_ROOT;
	return add_place(c, p, "root");
}

/* What the reply said it needs. 1: ask again */
static int add_needed(const struct call *c, const struct resolver_reply *rep, struct resolver_request *req,
		      struct places *p)
{
	struct target_ids ids;
	bool again = false;
	int r = 0;

	if ((rep->need & RESOLVER_NEED_IDS) && !(req->flags & RESOLVER_HAS_IDS)) {
		r = target_ids(c, &ids);
		req->inner_tgid = r < 0 ? 0 : ids.inner_tgid;
		req->inner_tid = r < 0 ? 0 : ids.inner_tid;
		req->flags |= RESOLVER_HAS_IDS;
		again = true;
	}
	if (r == 0 && (rep->need & RESOLVER_NEED_CWD) && !(req->flags & RESOLVER_HAS_CWD)) {
		r = add_place(c, p, "cwd");
		req->flags |= RESOLVER_HAS_CWD;
		again = true;
	}
	return r < 0 ? r : again;
}

static int resolve(const struct call *c, const struct pin_request *q, uint32_t op,
		   struct resolver_reply *rep, int *ret_pin)
{
	struct resolver_request *req = malloc(sizeof(*req));
	struct places p = { .count = 0 };
	int r;

	*ret_pin = -1;
	if (!req)
		return -ENOMEM;
	req->op = op;
	req->flags = (q->nofollow ? RESOLVER_NOFOLLOW : 0) | (q->empty ? RESOLVER_EMPTY : 0);
	req->inner_tgid = req->inner_tid = 0;
	(void)snprintf(req->path, sizeof(req->path), "%s", q->path);	/* read with PATH_MAX */
	r = add_base(c, q, req, &p);
	if (r == 0)
		r = add_root(c, req, &p);
	while (r == 0) {
		r = ask(c->n, req, p.fd, p.count, rep, ret_pin);
		if (r < 0 || rep->err != -EAGAIN)
			break;
		r = add_needed(c, rep, req, &p);
		if (r == 0)
			r = -EACCES;	/* it wants what it was given */
		else if (r == 1)
			r = 0;
	}
	for (size_t i = 0; i < p.count; i++)
		(void)close(p.fd[i]);	/* O_PATH */
	free(req);
	return r < 0 ? r : rep->err;
}

int pins_path(const struct call *c, const struct pin_request *q, struct resolver_reply *ret, int *ret_pin)
{
	int pin, r = resolve(c, q, RESOLVER_PIN, ret, &pin);

	if (r == 0 && (pin < 0 || ret->count != 1))
		r = -EIO;
	if (r < 0) {
		if (pin >= 0)
			(void)close(pin);	/* O_PATH */
		return r;
	}
	*ret_pin = pin;
	return 0;
}

int pins_diag(const struct call *c)
{
	struct pin_request q = { .dirfd = AT_FDCWD, .path = "/" };
	struct resolver_reply *rep = malloc(sizeof(*rep));
	int fd, r = rep ? resolve(c, &q, RESOLVER_DIAG, rep, &fd) : -ENOMEM;

	free(rep);
	return r < 0 ? r : fd >= 0 ? fd : -EIO;
}

/* The root of the view, from the first task that asks: nobody can have changed his without "nested" */
static int view_root(const struct call *c)
{
	struct notifyd *n = c->n;
	int fd;

	(void)pthread_mutex_lock(&n->resolver_lock);
	if (n->view_root < 0)
		n->view_root = target_open(c, "root");
	fd = n->view_root;
	(void)pthread_mutex_unlock(&n->resolver_lock);
	return fd;
}

/* With "nested" a caller may have another root: the resolver's own is the view's */
static int ask_view_root(struct notifyd *n)
{
	struct resolver_request *req = calloc(1, sizeof(*req));
	struct resolver_reply *rep = malloc(sizeof(*rep));
	int fd = -1, r = -ENOMEM;

	if (req && rep) {
		req->op = RESOLVER_PIN;
		req->path[0] = '/';
		r = ask(n, req, NULL, 0, rep, &fd);
		if (r == 0)
			r = rep->err ? rep->err : fd;
	}
	free(req);
	free(rep);
	return r;
}

int pins_view_root(const struct call *c)
{
	struct notifyd *n = c->n;
	int fd, old;

	if (!n->cfg.nested)
		return view_root(c);
	(void)pthread_mutex_lock(&n->resolver_lock);
	old = n->view_root;
	(void)pthread_mutex_unlock(&n->resolver_lock);
	if (old >= 0)
		return old;
	fd = ask_view_root(n);
	(void)pthread_mutex_lock(&n->resolver_lock);
	if (n->view_root < 0)
		n->view_root = fd;
	else if (fd >= 0)
		(void)close(fd);	/* another thread was faster; O_PATH */
	fd = n->view_root;
	(void)pthread_mutex_unlock(&n->resolver_lock);
	return fd;
}

/* The name itself: nothing on the way may be followed that we could not see through */
static bool is_absent(const struct call *c, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	const char *base = strrchr(path, '/');
	char dir[PATH_MAX];
	struct stat st;

	if (base[1] == '\0')
		return false;
	(void)snprintf(dir, sizeof(dir), "%.*s", (int)(base - path), path);	/* shorter than PATH_MAX */
	cleanup_fd int fd = (int)syscall(SYS_openat2, view_root(c), dir, &how, sizeof(how));

	/* a directory that was reached without magic, and a name that is not in it */
	return fd >= 0 && fstatat(fd, base + 1, &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

/* Base, root and cwd, then the socket; until the reply wants no more */
static int bind_asking(const struct call *c, struct resolver_request *req, struct resolver_reply *rep,
		       struct places *p, int sock)
{
	int fds[ARRAY_SIZE(p->fd) + 1], none, r;

	for (;;) {
		memcpy(fds, p->fd, sizeof(p->fd));
		fds[p->count] = sock;
		r = ask_for(c->n, c->tid, req, fds, p->count + 1, rep, &none);
		if (r < 0 || rep->err != -EAGAIN || !rep->need)
			return r < 0 ? r : rep->err;
		r = add_needed(c, rep, req, p);
		if (r <= 0)
			return r < 0 ? r : -EACCES;	/* it wants what it was given */
	}
}

int pins_bind(const struct call *c, const char *path, int sock)
{
	const struct pin_request q = { .dirfd = AT_FDCWD, .path = path };
	struct resolver_request *req = calloc(1, sizeof(*req));
	struct resolver_reply *rep = malloc(sizeof(*rep));
	struct places p = { .count = 0 };
	int r = req && rep ? actor_read(c->tid, c->n->cfg.nested, &req->actor) : -ENOMEM;

	if (r == 0)
		r = target_valid(c);	/* it was the caller that was read */
	if (r == 0) {
		req->op = RESOLVER_BIND;
		(void)snprintf(req->path, sizeof(req->path), "%s", path);	/* of an address: fits */
		r = add_base(c, &q, req, &p);
	}
	if (r == 0)
		r = add_root(c, req, &p);
	if (r == 0)
		r = bind_asking(c, req, rep, &p, sock);
	for (size_t i = 0; i < p.count; i++)
		(void)close(p.fd[i]);	/* O_PATH */
	free(req);
	free(rep);
	return r;
}

int pins_connect(const struct call *c, int pin, int sock)
{
	struct resolver_request *req = calloc(1, sizeof(*req));
	struct resolver_reply *rep = malloc(sizeof(*rep));
	int fds[] = { pin, sock }, none, r = -ENOMEM;

	if (req && rep) {
		req->op = RESOLVER_CONNECT;
		r = ask(c->n, req, fds, ARRAY_SIZE(fds), rep, &none);
		if (r == 0)
			r = rep->err;
	}
	free(req);
	free(rep);
	return r;
}

/* As the resolver, for a program of the system's that nobody remembers */
static int look_local(const struct call *c, const struct pin_request *q, struct resolver_reply *ret)
{
	struct walk w = { .host_proc = c->n->proc_fd, .base = -1, .is_local = true, .root = view_root(c) };
	struct chain *k = calloc(1, sizeof(*k));
	int r;

	if (!k)
		return -EAGAIN;
	k->host_proc = c->n->proc_fd;
	k->is_local = true;
	k->rep = ret;
	ret->count = ret->text_len = 0;
	r = chain_resolve(k, &w, q->path, -1);
	free(k);
	if (r == 0)
		memo_keep(&c->n->memo, q->path, ret);
	return r < 0 ? -EAGAIN : 0;
}

/*
 * Programs of the system need no resolver, and three quarters of a build's
 * execs, ENOENT along PATH, neither. Any doubt, and it is asked: -EAGAIN.
 */
static int exec_local(const struct call *c, const struct pin_request *q, struct resolver_reply *ret)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	struct stat st;
	int root;

	if (c->n->cfg.nested || q->nofollow || !walk_is_system(q->path))
		return -EAGAIN;
	root = view_root(c);
	if (root < 0)
		return -EAGAIN;
	cleanup_fd int fd = (int)syscall(SYS_openat2, root, q->path, &how, sizeof(how));

	if (fd < 0)
		return errno == ENOENT && is_absent(c, q->path) ? -ENOENT : -EAGAIN;
	if (fstat(fd, &st) == 0 && memo_find(&c->n->memo, q->path, &st, ret))
		return 0;
	return look_local(c, q, ret);
}

int pins_exec(const struct call *c, const struct pin_request *q, struct resolver_reply *ret)
{
	int pin, r = exec_local(c, q, ret);

	if (r != -EAGAIN)
		return r;
	r = resolve(c, q, RESOLVER_EXEC, ret, &pin);
	if (pin >= 0)
		(void)close(pin);	/* not asked for */
	return r < 0 ? r : ret->count > 0 ? 0 : -EIO;
}
