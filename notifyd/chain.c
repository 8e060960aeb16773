/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/chain.c - A program, the interpreters of its #! lines, and its ELF interpreter
 */
#include "notifyd/chain.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/cleanup.h"

#ifndef FUSE_SUPER_MAGIC	/* not in the headers of every kernel we build with */
#define FUSE_SUPER_MAGIC 0x65735546
#endif
#define SCRIPTS_MAX 5		/* fs/exec.c: more is ELOOP */

static uint32_t add_text(struct resolver_reply *rep, const char *s)
{
	size_t len = strlen(s) + 1;
	uint32_t off = rep->text_len;

	if (len > sizeof(rep->text) - off)
		return UINT32_MAX;
	memcpy(rep->text + off, s, len);
	rep->text_len += (uint32_t)len;
	return off;
}

/* The kernel's " (deleted)" behind a path, unless a file is really called so */
static bool is_deleted(const char *path, const struct stat *st)
{
	static const char mark[] = " (deleted)";
	size_t len = strlen(path), mark_len = sizeof(mark) - 1;
	struct stat named;

	if (len < mark_len || strcmp(path + len - mark_len, mark) != 0)
		return false;
	return stat(path, &named) < 0 || named.st_dev != st->st_dev || named.st_ino != st->st_ino;
}

/* In the doorman. -EAGAIN: fusefs would take us for one of the programs it serves, and judge */
static int look_at_mount(int fd, const char *path, uint32_t *flags)
{
	struct statfs st;

	if (fstatfs(fd, &st) < 0 || st.f_type == FUSE_SUPER_MAGIC)
		return -EAGAIN;
	if ((st.f_flags & ST_RDONLY) && walk_is_system(path))
		*flags |= RESOLVER_O_FIXED;
	return 0;
}

int chain_describe(struct chain *k, int pin, const char *asked)
{
	struct resolver_reply *rep = k->rep;
	struct resolver_object *o;
	uint32_t fixed = 0;
	char path[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (rep->count == RESOLVER_OBJECTS_MAX)
		return -ELOOP;
	if (fstat(pin, &st) < 0)
		return -errno;
	n = walk_path(k->host_proc, pin, path, sizeof(path));
	if (n < 0)
		return (int)n;
	if (k->is_local && look_at_mount(pin, path, &fixed) < 0)
		return -EAGAIN;
	o = &rep->object[rep->count++];
	*o = (struct resolver_object){
		.dev = st.st_dev, .ino = st.st_ino, .mode = st.st_mode, .size = (uint64_t)st.st_size,
		.ctime_sec = st.st_ctim.tv_sec, .ctime_nsec = st.st_ctim.tv_nsec,
		.flags = fixed | (st.st_nlink == 0 || path[0] != '/' || is_deleted(path, &st) ? RESOLVER_O_MEMORY : 0),
		.path_off = add_text(rep, path), .asked_off = add_text(rep, asked),
	};
	return o->path_off == UINT32_MAX || o->asked_off == UINT32_MAX ? -ENAMETOOLONG : 0;
}

/* The first bytes of a pinned file, read through our own /proc */
static int open_pinned(struct chain *k, int pin)
{
	char link[32];
	int fd;

	(void)snprintf(link, sizeof(link), "self/fd/%d", pin);	/* always fits */
	fd = openat(k->host_proc, link, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int look_into(struct chain *k, int pin, struct resolver_object *o)
{
	cleanup_fd int fd = -1;

	if (!S_ISREG(o->mode))
		return S_ISLNK(o->mode) ? -ELOOP : -EACCES;
	if (!(o->mode & 0111))
		return -EACCES;
	fd = open_pinned(k, pin);
	if (fd == -EACCES || fd == -EPERM) {
		o->flags |= RESOLVER_O_UNREADABLE;
		k->image.kind = IMAGE_OTHER;
		k->image.has_interp = k->image.is_loader = false;
		return 0;
	}
	return fd < 0 ? fd : image_read(fd, &k->image);
}

/* The ELF interpreter is code that runs, so it is named in the reply */
static int add_interp(struct chain *k, struct walk *w)
{
	char asked[PATH_MAX];
	cleanup_fd int pin = -1;
	int r;

	memcpy(asked, k->image.interp, sizeof(asked));
	pin = walk_pin(w, asked);
	if (pin < 0)
		return pin;
	r = chain_describe(k, pin, asked);
	if (r == 0)
		k->rep->object[k->rep->count - 1].flags |= RESOLVER_O_INTERP;
	return r;
}

static int pin_program(const struct chain *k, struct walk *w, const char *asked)
{
	int pin;

	if (!k->is_empty || asked[0] != '\0')
		return walk_pin(w, asked);
	pin = fcntl(w->base, F_DUPFD_CLOEXEC, 0);
	return pin < 0 ? -errno : pin;
}

/* One link of the chain; leaves the next interpreter in k->image. 1: it is a script */
static int add_program(struct chain *k, struct walk *w, const char *asked)
{
	struct resolver_object *o;
	cleanup_fd int pin = pin_program(k, w, asked);
	const char *base;
	int r;

	if (pin < 0)
		return pin;
	r = chain_describe(k, pin, asked);
	if (r < 0)
		return r;
	o = &k->rep->object[k->rep->count - 1];
	r = look_into(k, pin, o);
	if (r < 0)
		return r;
	if (k->image.kind == IMAGE_ELF)
		o->flags |= RESOLVER_O_ELF;
	base = strrchr(k->rep->text + o->path_off, '/');
	if (k->image.is_loader || (k->image.kind == IMAGE_ELF && !k->image.has_interp && base &&
				   image_is_loader_name(base + 1)))
		o->flags |= RESOLVER_O_LOADER;
	if (k->image.kind != IMAGE_SCRIPT)
		return 0;
	o->flags |= RESOLVER_O_SCRIPT;
	o->has_arg = k->image.has_arg;
	o->arg_off = k->image.has_arg ? add_text(k->rep, k->image.arg) : 0;
	return o->arg_off == UINT32_MAX ? -ENAMETOOLONG : 1;
}

int chain_resolve(struct chain *k, struct walk *w, const char *path, int cwd)
{
	char name[PATH_MAX];
	int r;

	(void)snprintf(name, sizeof(name), "%s", path);	/* at most PATH_MAX with its NUL */
	r = add_program(k, w, name);
	w->nofollow = false;
	for (int depth = 0; r == 1; depth++) {
		if (depth == SCRIPTS_MAX)
			return -ELOOP;
		memcpy(name, k->image.interp, sizeof(name));
		if (name[0] != '/') {
			if (cwd < 0) {
				w->need |= RESOLVER_NEED_CWD;
				return -EAGAIN;
			}
			w->base = cwd;
		}
		r = add_program(k, w, name);
	}
	if (r == 0 && k->image.kind == IMAGE_ELF && k->image.has_interp) {
		w->base = cwd;
		if (k->image.interp[0] != '/' && cwd < 0) {
			w->need |= RESOLVER_NEED_CWD;
			return -EAGAIN;
		}
		r = add_interp(k, w);
	}
	return r;
}
