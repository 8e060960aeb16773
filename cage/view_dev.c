/* SPDX-License-Identifier: Apache-2.0
 *
 * cage/view_dev.c - A /dev of one's own: what every program needs, and the session's terminal
 *
 * Not the host's: its devpts would let the cage write to the user's other
 * terminals, and groups such as kvm, disk and docker survive the id maps.
 */
#include "cage/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "common/cleanup.h"

#define DEV_ATTR (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC)

static const char *const nodes[] = {
	"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty",
};

static const struct {
	const char *path, *target;
} links[] = {
	{ "dev/fd", "/proc/self/fd" }, { "dev/stdin", "/proc/self/fd/0" },
	{ "dev/stdout", "/proc/self/fd/1" }, { "dev/stderr", "/proc/self/fd/2" },
	{ "dev/ptmx", "pts/ptmx" },
};

static int attach_node(const struct view *v, const char *host, const char *path)
{
	int tree = view_tree(host, DEV_ATTR);

	if (tree == -ENOENT)
		return 0;	/* some containers lack some: what the host does without, the cage does without */
	if (tree < 0)
		return view_fail(v, -tree, path, "the host's device cannot be bound");
	return view_attach(v, tree, path, false);
}

static int attach_fs(const struct view *v, const char *type, const char *const *options,
		     uint64_t attr, const char *path)
{
	int fd = view_fs(type, options, attr);

	if (fd < 0)
		return view_fail(v, -fd, path, "the file system cannot be made");
	return view_attach(v, fd, path, true);
}

/* The terminal of the session: in the devpts of the cage it has no name, so ttyname() would find none */
static int attach_terminal(const struct view *v)
{
	for (int fd = 0; fd < 3; fd++) {
		char link[32], path[64];
		struct stat st, named;
		ssize_t n;

		if (!isatty(fd) || fstat(fd, &st) < 0)
			continue;
		(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);	/* always fits */
		n = readlink(link, path, sizeof(path) - 1);
		if (n <= 0)
			continue;
		path[n] = '\0';
		if (stat(path, &named) < 0 || named.st_rdev != st.st_rdev || !S_ISCHR(named.st_mode))
			continue;	/* of another namespace: it stays without a name */
		return attach_node(v, path, "/dev/console");
	}
	return 0;
}

static int attach_shm(const struct view *v)
{
	static const char *const options[] = { "mode", "1777", NULL };
	uint64_t attr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

	if (v->cfg->plan->tmp != PLAN_WRITABLE)
		attr |= MOUNT_ATTR_RDONLY;
	return v->cfg->plan->tmp == PLAN_ABSENT ? 0 : attach_fs(v, "tmpfs", options, attr, "/dev/shm");
}

static int fill(const struct view *v)
{
	static const char *const pts[] = { "ptmxmode", "0666", "mode", "0620", NULL };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(nodes); i++)
		r = attach_node(v, nodes[i], nodes[i]);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(links); i++)
		if (symlinkat(links[i].target, v->root_fd, links[i].path) < 0)
			r = view_fail(v, errno, links[i].path, "link");
	if (r == 0)
		r = attach_fs(v, "devpts", pts, DEV_ATTR, "/dev/pts");
	if (r == 0)	/* of the cage's own ipc namespace; mq_open() needs it to be somewhere Landlock can name */
		r = attach_fs(v, "mqueue", NULL, DEV_ATTR, "/dev/mqueue");
	if (r == 0)
		r = attach_shm(v);
	return r == 0 ? attach_terminal(v) : r;
}

int view_dev(const struct view *v)
{
	static const char *const options[] = { "mode", "0755", "size", "64k", NULL };
	int fd, r;

	if (CAGE_IS_OFF(v->cfg, DEV)) {
		fd = view_tree("/dev", 0);
		return fd < 0 ? view_fail(v, -fd, "/dev", "bind") : view_attach(v, fd, "/dev", true);
	}
	r = attach_fs(v, "tmpfs", options, DEV_ATTR, "/dev");
	if (r == 0)
		r = fill(v);
	if (r < 0)
		return r;
	fd = view_point(v, "/dev");
	r = fd < 0 ? fd : view_protect(fd, MOUNT_ATTR_RDONLY, false);
	if (fd >= 0)
		(void)close(fd);
	return r < 0 ? view_fail(v, -r, "/dev", "read-only") : 0;
}
