/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/resolver.c - The process in the cage's own view that turns paths into pins
 *
 * It changes nothing and decides nothing. A socket's thread starts with the
 * first message on it: most sessions need one or two of them.
 */
#include "notifyd/resolver.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fdio.h"
#include "notifyd/chain.h"
#include "notifyd/walk.h"
#include "notifyd/wire.h"

/** struct seat - One socket's thread. Its buffers are too large for a stack */
struct seat {
	int sock;
	int host_proc;
	struct resolver_request req;
	struct resolver_reply rep;
	struct chain chain;
};

static int resolve_exec(struct seat *s, struct walk *w, int cwd)
{
	s->chain.host_proc = s->host_proc;
	s->chain.rep = &s->rep;
	s->chain.is_local = false;
	s->chain.is_empty = s->req.flags & RESOLVER_EMPTY;
	return chain_resolve(&s->chain, w, s->req.path, cwd);
}

static int resolve_pin(struct seat *s, struct walk *w, int *ret_pin)
{
	int pin = walk_pin(w, s->req.path);
	int r;

	if (pin < 0)
		return pin;
	s->chain = (struct chain){ .host_proc = s->host_proc, .rep = &s->rep };
	r = chain_describe(&s->chain, pin, s->req.path);
	if (r < 0) {
		(void)close(pin);	/* O_PATH */
		return r;
	}
	*ret_pin = pin;
	return 0;
}

static int open_diag(int *ret_fd)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

static void do_nothing(int signo)
{
	(void)signo;	/* its only purpose is the EINTR */
}

/*
 * A full backlog blocks, and whose O_NONBLOCK that is we may not touch: after
 * 20 ms the doorman gets EINTR, looks at the caller, and asks again.
 */
static int connect_within(int sock, const struct sockaddr_un *a)
{
	struct sigaction sa = { .sa_handler = do_nothing };
	struct itimerspec every = { .it_value.tv_nsec = 20000000, .it_interval.tv_nsec = 20000000 };
	struct sigevent ev;
	timer_t timer;
	int r;

	memset(&ev, 0, sizeof(ev));
	ev.sigev_notify = SIGEV_THREAD_ID;
	ev.sigev_signo = SIGALRM;
	ev._sigev_un._tid = (pid_t)syscall(SYS_gettid);	/* glibc 2.36 has no name for the field */
	if (sigaction(SIGALRM, &sa, NULL) < 0 || timer_create(CLOCK_MONOTONIC, &ev, &timer) < 0)
		return -errno;
	(void)timer_settime(timer, 0, &every, NULL);	/* valid: cannot fail */
	r = connect(sock, (const struct sockaddr *)a, sizeof(*a)) < 0 ? -errno : 0;
	(void)timer_delete(timer);	/* valid */
	return r;
}

/* Our /proc is not in the view: reached from the working directory, which nothing else here uses */
static int connect_pinned(struct seat *s, int pin, int sock)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "self/fd/%d", pin);	/* always fits */
	return fchdir(s->host_proc) < 0 ? -errno : connect_within(sock, &a);
}

#define SUN_PATH_SIZE	sizeof(((struct sockaddr_un *)0)->sun_path)

/* 108 bytes, which need no NUL then */
static int bind_name(int sock, const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t len = strlen(name);

	if (len == 0 || len > sizeof(a.sun_path))
		return len == 0 ? -ENOENT : -ENAMETOOLONG;
	memcpy(a.sun_path, name, len);
	len += offsetof(struct sockaddr_un, sun_path) + (len < sizeof(a.sun_path));
	return bind(sock, (struct sockaddr *)&a, (socklen_t)len) < 0 ? -errno : 0;
}

static int bind_in(const struct seat *s, int dir, const char *name, int sock)
{
	int r = actor_begin(&s->req.actor);

	if (r < 0)
		return r;
	r = dir >= 0 && fchdir(dir) < 0 ? -errno : bind_name(sock, name);
	actor_end();
	return r;
}

/* /proc/self/fd/N/NAME, for which our own view has no meaning, or a caller with another root: by the directory */
static int bind_beneath(const struct seat *s, struct walk *w, int sock)
{
	const char *slash = strrchr(s->req.path, '/');
	const char *name = slash ? slash + 1 : s->req.path;
	char dir[PATH_MAX], whole[PATH_MAX];
	ssize_t len = -1;
	int pin, r;

	(void)snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - s->req.path) + 1 : 1,
		       slash ? s->req.path : ".");	/* shorter than the path, which fits */
	pin = walk_pin(w, dir);
	if (pin < 0)
		return pin;
	/* the whole path, for getsockname(): not with another root, and not where it is too long */
	if (w->root < 0)
		len = walk_path(s->host_proc, pin, whole, SUN_PATH_SIZE);
	if (len > 0 && (size_t)len + 1 + strlen(name) < SUN_PATH_SIZE) {
		(void)snprintf(whole + len, sizeof(whole) - (size_t)len, "/%s", name);	/* as just seen */
		name = whole;
	}
	r = bind_in(s, pin, name, sock);
	(void)close(pin);	/* O_PATH */
	return r;
}

/*
 * By the name that the caller gave, from its own directory: that name is what
 * getsockname() tells, and Go removes. Which file it leads to is decided where
 * the name is made, by the mounts and by fusefs.
 */
static int bind_path(const struct seat *s, struct walk *w, int sock)
{
	int own = w->root < 0 ? -1 : open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), r;
	bool is_ours = w->root < 0 || (own >= 0 && walk_same_place(own, w->root));

	if (own >= 0)
		(void)close(own);	/* O_PATH */
	if (!is_ours)
		return bind_beneath(s, w, sock);
	r = bind_in(s, s->req.path[0] == '/' ? -1 : w->base, s->req.path, sock);
	return (r == -ENOENT || r == -EACCES) && strncmp(s->req.path, "/proc/", 6) == 0 ?
		bind_beneath(s, w, sock) : r;
}

/* Takes the request's descriptors over, in the order the flags give */
static int take(const int *fds, size_t count, size_t *next, bool wanted)
{
	if (!wanted || *next >= count)
		return -1;
	return fds[(*next)++];
}

static void answer(struct seat *s, const int *fds, size_t fd_count, int *ret_pin)
{
	size_t next = 0;
	struct walk w = { .host_proc = s->host_proc };
	int cwd;

	w.base = take(fds, fd_count, &next, s->req.flags & RESOLVER_HAS_BASE);
	w.root = take(fds, fd_count, &next, s->req.flags & RESOLVER_HAS_ROOT);
	cwd = take(fds, fd_count, &next, s->req.flags & RESOLVER_HAS_CWD);
	if (s->req.flags & RESOLVER_HAS_IDS) {
		w.inner_tgid = s->req.inner_tgid;
		w.inner_tid = s->req.inner_tid;
	}
	w.nofollow = s->req.flags & RESOLVER_NOFOLLOW;
	if (s->req.op == RESOLVER_EXEC && !((s->req.flags & RESOLVER_EMPTY) && w.base < 0))
		s->rep.err = resolve_exec(s, &w, cwd);
	else if (s->req.op == RESOLVER_PIN)
		s->rep.err = resolve_pin(s, &w, ret_pin);
	else if (s->req.op == RESOLVER_CONNECT && fd_count == 2)
		s->rep.err = connect_pinned(s, fds[0], fds[1]);
	else if (s->req.op == RESOLVER_BIND && next < fd_count)
		s->rep.err = bind_path(s, &w, fds[next]);
	else if (s->req.op == RESOLVER_DIAG)
		s->rep.err = open_diag(ret_pin);
	else
		s->rep.err = -EINVAL;
	s->rep.need = w.need;
}

static bool is_request(const struct seat *s, ssize_t n)
{
	size_t head = offsetof(struct resolver_request, path);

	return n > (ssize_t)head && memchr(s->req.path, '\0', (size_t)n - head);
}

/* One request; false when the doorman's end is gone */
static bool serve_once(struct seat *s)
{
	int fds[FDIO_FDS_MAX], pin = -1, r;
	size_t fd_count;
	ssize_t n = fdio_recv(s->sock, &s->req, sizeof(s->req), fds, &fd_count);

	if (n <= 0 && n != -EMSGSIZE)
		return false;
	s->rep.err = -EINVAL;
	s->rep.need = s->rep.count = s->rep.text_len = 0;
	if (is_request(s, n) && s->req.op == RESOLVER_HELLO && fd_count == 1) {
		s->host_proc = fds[0];
		fd_count = 0;
		s->rep.err = 0;
		s->rep.tid = (int32_t)syscall(SYS_gettid);
	} else if (is_request(s, n) && s->host_proc >= 0) {
		answer(s, fds, fd_count, &pin);
	}
	for (size_t i = 0; i < fd_count; i++)
		(void)close(fds[i]);	/* O_PATH, or a duplicate */
	r = fdio_send(s->sock, &s->rep, offsetof(struct resolver_reply, text) + s->rep.text_len,
		      &pin, pin >= 0);
	if (pin >= 0)
		(void)close(pin);	/* the doorman has its own */
	return r == 0;
}

static void *serve_seat(void *arg)
{
	while (serve_once(arg))
		;
	return NULL;
}

/* ---- seats: a thread for each that is used, where threads can be had ---- */

static struct seat *seat_new(int sock)
{
	struct seat *s = calloc(1, sizeof(*s));

	if (s) {
		s->sock = sock;
		s->host_proc = -1;
	}
	return s;
}

static void seat_free(struct seat *s)
{
	if (!s)
		return;
	(void)close(s->sock);	/* a doorman that still waits refuses by it */
	if (s->host_proc >= 0)
		(void)close(s->host_proc);	/* O_PATH */
	free(s);
}

struct room {
	struct pollfd p[RESOLVER_SOCKETS];
	struct seat *seat[RESOLVER_SOCKETS];
	pthread_t thread[RESOLVER_SOCKETS];
	bool has_thread[RESOLVER_SOCKETS];
	size_t waiting;
};

/*
 * After unshare(CLONE_NEWPID) the kernel gives a process no more threads
 * (EINVAL, copy_process): then its only one serves every socket.
 */
static void attend(struct room *m, size_t i)
{
	if (!m->seat[i] && (m->p[i].revents & POLLIN)) {
		m->seat[i] = seat_new(m->p[i].fd);
		if (m->seat[i] && pthread_create(&m->thread[i], NULL, serve_seat, m->seat[i]) == 0) {
			m->has_thread[i] = true;
			m->p[i].fd = -1;	/* poll leaves it out */
			m->waiting--;
			return;
		}
	}
	if (m->seat[i] && serve_once(m->seat[i]))
		return;
	if (!m->seat[i])
		(void)close(m->p[i].fd);
	m->p[i].fd = -1;
	m->waiting--;
}

void resolver_serve(const int socks[RESOLVER_SOCKETS])
{
	struct room m = { .waiting = RESOLVER_SOCKETS };

	for (size_t i = 0; i < RESOLVER_SOCKETS; i++)
		m.p[i] = (struct pollfd){ .fd = socks[i], .events = POLLIN };
	while (m.waiting > 0) {
		if (poll(m.p, RESOLVER_SOCKETS, -1) < 0 && errno != EINTR)
			break;
		for (size_t i = 0; i < RESOLVER_SOCKETS; i++)
			if (m.p[i].fd >= 0 && m.p[i].revents)
				attend(&m, i);
	}
	for (size_t i = 0; i < RESOLVER_SOCKETS; i++) {
		if (m.has_thread[i])
			(void)pthread_join(m.thread[i], NULL);
		seat_free(m.seat[i]);
	}
}
