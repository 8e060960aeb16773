/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/openfind.c - What an open would reach
 *
 * The doorman looks himself, from the root of the view, with magic links off.
 * What fails in that is left to the kernel, for what is let go on gets nothing
 * that the static layers do not give: at worst something is not handed in that
 * could have been. Only what truncates without Landlock's knowledge is looked
 * up by the resolver, who follows all that the caller could.
 */
#include "notifyd/open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "notifyd/pins.h"
#include "notifyd/target.h"
#include "notifyd/walk.h"
#include "policy/plan.h"

/* What the cage makes itself; the plan's own entries beneath them come on top */
static bool is_made_by_cage(const char *path)
{
	static const char *const places[] = { "/tmp", "/dev", "/proc", "/sys", "/run" };

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		size_t len = strlen(places[i]);

		if (strncmp(path, places[i], len) == 0 && (path[len] == '\0' || path[len] == '/'))
			return true;
	}
	return false;
}

static enum open_place place_of(const struct call *c, const char *path)
{
	const struct plan_entry *e = plan_find(c->n->cfg.plan, path);

	if (!e || e->face == PLAN_ABSENT || e->face == PLAN_WRITABLE)
		return OPEN_PLACE_NATIVE;
	if (e->face == PLAN_SERVED)
		return OPEN_PLACE_SERVED;
	return e->face == PLAN_SKELETON && is_made_by_cage(path) ? OPEN_PLACE_NATIVE : OPEN_PLACE_BOUND;
}

/* Is the last name itself meant, be it a link or not? */
static bool is_last_kept(const struct opening *o)
{
	return (o->flags & O_NOFOLLOW) || (o->flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
}

/* ---- by the doorman himself ---- */

/* What stands before a relative path */
static int base_path(const struct opening *o, char *buf, size_t size)
{
	char link[64];
	ssize_t n;

	if (o->asked[0] == '/') {
		buf[0] = '\0';
		return 0;
	}
	if (o->dirfd == AT_FDCWD)
		(void)snprintf(link, sizeof(link), "/proc/%d/cwd", o->c->tid);	/* always fits */
	else
		(void)snprintf(link, sizeof(link), "/proc/%d/fd/%d", o->c->tid, o->dirfd);	/* as above */
	n = readlink(link, buf, size - 1);
	if (n <= 0 || (size_t)n == size - 1 || buf[0] != '/' || target_valid(o->c) < 0)
		return -EAGAIN;
	buf[n] = '\0';
	return 0;
}

static int pin_path(int root, const char *path, bool nofollow, uint64_t resolve)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | (nofollow ? O_NOFOLLOW : 0),
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | resolve,
	};
	long fd = syscall(SYS_openat2, root, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

/* A name that is to be made: its folder. A link that leads nowhere is the kernel's */
static int pin_folder(struct opening *o, int root, char *path)
{
	char *slash = strrchr(path, '/');
	struct stat st;
	ssize_t n;

	if (!slash || slash[1] == '\0' || strcmp(slash + 1, ".") == 0 || strcmp(slash + 1, "..") == 0)
		return -EAGAIN;
	*slash = '\0';
	o->pin = pin_path(root, path[0] ? path : "/", false, o->resolve & RESOLVE_NO_SYMLINKS);
	*slash = '/';
	if (o->pin < 0 || fstatat(o->pin, slash + 1, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
		return -EAGAIN;
	n = walk_path(o->c->n->proc_fd, o->pin, o->resolved, sizeof(o->resolved));
	if (n < 0 || (size_t)n + strlen(slash) >= sizeof(o->resolved))
		return -EAGAIN;
	o->is_absent = true;
	memcpy(o->resolved + (n == 1 ? 0 : n), slash, strlen(slash) + 1);
	return 0;
}

static int follow(struct opening *o, int root, char *path, bool nofollow)
{
	o->pin = pin_path(root, path, nofollow, 0);
	if (o->pin == -ENOENT && (o->flags & O_CREAT))
		return pin_folder(o, root, path);
	if (o->pin < 0)
		return -EAGAIN;
	return walk_path(o->c->n->proc_fd, o->pin, o->resolved, sizeof(o->resolved)) < 0 ? -EAGAIN : 0;
}

/* Far cheaper than a pin, and enough where nothing is at stake: folders that are links are not looked for */
static bool is_link(int root, const char *path)
{
	char text[8];

	return readlinkat(root, path + 1, text, sizeof(text)) >= 0;
}

/* As the caller wrote it, behind where it starts from */
static int full_path(const struct opening *o, char *buf, size_t size)
{
	int r = base_path(o, buf, PATH_MAX);
	size_t len = r < 0 ? 0 : strlen(buf);

	if (r < 0)
		return r;
	return snprintf(buf + len, size - len, "%s%s", len ? "/" : "", o->asked) < (int)(size - len) ? 0 : -EAGAIN;
}

static int find_here(struct opening *o)
{
	bool nofollow = is_last_kept(o);
	char path[2 * PATH_MAX];
	int root = pins_view_root(o->c), r = full_path(o, path, sizeof(path));

	if (root < 0 || r < 0 ||
	    policy_path_join(o->resolved, sizeof(o->resolved), policy_str("/"), policy_str(path)) < 0)
		return -EAGAIN;
	o->place = place_of(o->c, o->resolved);
	if (o->place == OPEN_PLACE_SERVED)	/* fusefs judges it; should a link lead out of there, nothing is handed in */
		return -EAGAIN;
	if (o->place == OPEN_PLACE_NATIVE && !is_link(root, o->resolved))
		return 0;
	/* mostly there is no link on the way, and then the text says where it is */
	o->pin = pin_path(root, path, nofollow, RESOLVE_NO_SYMLINKS);
	if (o->pin == -ENOENT && (o->flags & O_CREAT))
		r = pin_folder(o, root, path);
	else if (o->pin == -ELOOP && !(o->resolve & RESOLVE_NO_SYMLINKS))
		r = follow(o, root, path, nofollow);
	else
		return o->pin < 0 ? -EAGAIN : 0;
	if (r == 0)
		o->place = place_of(o->c, o->resolved);
	return r;
}

/* ---- by the resolver ---- */

static int pin_there(struct opening *o, const char *path, bool nofollow)
{
	struct pin_request q = { .dirfd = o->dirfd, .path = path, .nofollow = nofollow };
	cleanup_free struct resolver_reply *rep = malloc(sizeof(*rep));
	const char *text;
	int r = rep ? pins_path(o->c, &q, rep, &o->pin) : -ENOMEM;

	if (r < 0)
		return r;
	text = pins_text(rep, rep->object[0].path_off);
	if ((rep->object[0].flags & RESOLVER_O_MEMORY) || text[0] != '/')
		return -EAGAIN;
	(void)snprintf(o->resolved, sizeof(o->resolved), "%s", text);	/* no longer than PATH_MAX */
	return 0;
}

static int folder_there(struct opening *o)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(o->asked, '/'), *name = slash ? slash + 1 : o->asked;
	struct stat st;
	size_t len;

	(void)snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - o->asked) : 1, slash ? o->asked : ".");	/* shorter */
	if (name[0] == '\0' || pin_there(o, folder[0] ? folder : "/", false) < 0 ||
	    fstatat(o->pin, name, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
		return -EAGAIN;
	len = strcmp(o->resolved, "/") == 0 ? 0 : strlen(o->resolved);
	if (snprintf(o->resolved + len, sizeof(o->resolved) - len, "/%s", name) >= (int)(sizeof(o->resolved) - len))
		return -EAGAIN;
	o->is_absent = true;
	return 0;
}

static int find_there(struct opening *o)
{
	int r = pin_there(o, o->asked, is_last_kept(o));

	if (r == -ENOENT && (o->flags & O_CREAT))
		r = folder_there(o);
	if (r == 0)
		o->place = place_of(o->c, o->resolved);
	return r < 0 ? -EAGAIN : 0;
}

int open_find(struct opening *o)
{
	int r;

	/* an O_PATH descriptor changes nothing, a folder cannot be opened for writing */
	if ((o->flags & O_PATH) || o->asked[0] == '\0' ||
	    ((o->flags & O_DIRECTORY) && !(o->flags & (O_TMPFILE & ~O_DIRECTORY))))
		return -EAGAIN;
	/* a walk that must not leave somewhere is the kernel's, and nothing is handed in */
	if (!o->is_rare && (o->resolve & ~OPEN_RESOLVE_KEPT))
		return -EAGAIN;
	/* with "nested" a caller may have a root of its own: the resolver knows */
	r = o->is_rare || o->c->n->cfg.nested ? find_there(o) : find_here(o);
	if (r < 0)
		return r;
	if (o->place == OPEN_PLACE_SERVED)
		return -EAGAIN;
	return o->place == OPEN_PLACE_BOUND && fstat(o->pin, &o->st) < 0 ? -EAGAIN : 0;
}

void open_release(struct opening *o)
{
	if (o->pin >= 0)
		(void)close(o->pin);	/* O_PATH */
}
