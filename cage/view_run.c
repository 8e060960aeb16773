/* SPDX-License-Identifier: Apache-2.0
 *
 * cage/view_run.c - Private /tmp, a named list of /run, ssh's configuration
 */
#include "cage/parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fdio.h"

#define PLAIN	(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

/* What resolvers and NixOS keep below /run; no sockets that do something for whoever asks */
static const char *const run_list[] = {
	"/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager/resolv.conf",
	"/run/NetworkManager/no-stub-resolv.conf", "/run/connman/resolv.conf",
	"/run/current-system", "/run/opengl-driver",
};

int view_tmp(const struct view *v)
{
	uint64_t attr = PLAIN | (v->cfg->plan->tmp == PLAN_WRITABLE ? 0 : MOUNT_ATTR_RDONLY);
	char path[4096];
	int tree;

	if (v->cfg->plan->tmp == PLAN_ABSENT)
		return 0;
	if (snprintf(path, sizeof(path), "%s/tmp", v->cfg->session_dir) >= (int)sizeof(path))
		return view_fail(v, ENAMETOOLONG, "/tmp", "the session directory");
	tree = view_tree(path, attr);
	if (tree < 0)
		return view_fail(v, -tree, "/tmp", "the session's own cannot be bound");
	return view_attach(v, tree, "/tmp", true);
}

static int attach_tmpfs(const struct view *v, const char *path, const char *mode, const char *size)
{
	const char *const options[] = { "mode", mode, "size", size, NULL };
	int fd = view_fs("tmpfs", options, PLAIN);

	return fd < 0 ? view_fail(v, -fd, path, "tmpfs") : view_attach(v, fd, path, true);
}

/* 0 also where the host has nothing at @host */
static int attach_if_there(const struct view *v, const char *host, const char *path, uint64_t attr)
{
	struct stat st;
	int tree;

	if (lstat(host, &st) < 0 || S_ISLNK(st.st_mode))
		return 0;
	tree = view_tree(host, attr);
	if (tree < 0)
		return view_fail(v, -tree, path, "bind");
	return view_attach(v, tree, path, S_ISDIR(st.st_mode));
}

/* The name of the socket that "agentsh why" asks. Only a name: the doorman knows it, and connects
 * to the real one, which the supervisor makes while we build. */
static int name_query_socket(const struct view *v)
{
	cleanup_fd int fd = -1;

	if (mkdirat(v->root_fd, "run/agentsh", 0755) < 0 && errno != EEXIST)
		return view_fail(v, errno, "/run/agentsh", "mkdir");
	fd = openat(v->root_fd, "run/agentsh/query.sock", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0400);
	return fd < 0 ? view_fail(v, errno, "/run/agentsh/query.sock", "create") : 0;
}

/* agentsh itself, for "agentsh why", and whom it asks */
static int attach_agentsh(const struct view *v)
{
	int r = 0;

	if (v->cfg->self_exe)
		r = attach_if_there(v, v->cfg->self_exe, "/run/agentsh/bin/agentsh", PLAIN | MOUNT_ATTR_RDONLY);
	return r == 0 && v->cfg->query_socket ? name_query_socket(v) : r;
}

int view_run(const struct view *v)
{
	char runtime[64];
	int r = attach_tmpfs(v, "/run", "0755", "1m");

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(run_list); i++)
		r = attach_if_there(v, run_list[i], run_list[i], PLAIN | MOUNT_ATTR_RDONLY);
	if (r == 0)
		r = attach_agentsh(v);
	(void)snprintf(runtime, sizeof(runtime), "/run/user/%u", v->cfg->uid);	/* always fits */
	if (r == 0)
		r = attach_tmpfs(v, runtime, "0700", "10%");
	return r;
}

/* ---- /etc/ssh: files of nobody are refused by ssh, so these are copies ---- */

#define SSH_FILE_MAX (1 << 20)

/* Files that cannot be read are left out: a host's private keys, for one */
static void copy_file(int from_dir, const char *name, int to_dir)
{
	cleanup_free char *text = NULL;
	cleanup_fd int to = -1;
	size_t len;

	if (fdio_read_file(from_dir, name, SSH_FILE_MAX, &text, &len) < 0)
		return;
	to = openat(to_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (to >= 0 && fdio_write_full(to, text, len) < 0)
		(void)unlinkat(to_dir, name, 0);	/* half a file is worse than none */
}

static bool is_client_config(const char *name)
{
	static const char *const names[] = { "ssh_config", "ssh_known_hosts", "ssh_known_hosts2" };
	size_t len = strlen(name);

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return len > 5 && strcmp(name + len - 5, ".conf") == 0;
}

static void copy_dir(const char *from, int to_dir)
{
	DIR *d = opendir(from);

	for (struct dirent *e; d && (e = readdir(d));)
		if (is_client_config(e->d_name))
			copy_file(dirfd(d), e->d_name, to_dir);
	if (d)
		(void)closedir(d);
}

int view_ssh(const struct view *v)
{
	static const char *const options[] = { "mode", "0755", "size", "4m", NULL };
	cleanup_fd int tree = -1, point = view_point(v, "/etc/ssh"), sub = -1;
	const struct plan_entry *e = plan_find(v->cfg->plan, "/etc/ssh");
	int r;

	/* Absent it stays absent; a served tree shows mapped owners by itself */
	if (point < 0 || !e || e->face != PLAN_READONLY)
		return 0;
	tree = view_fs("tmpfs", options, PLAIN | MOUNT_ATTR_NOEXEC);
	if (tree < 0)
		return view_fail(v, -tree, "/etc/ssh", "tmpfs");
	copy_dir("/etc/ssh", tree);
	if (mkdirat(tree, "ssh_config.d", 0755) < 0)
		return view_fail(v, errno, "/etc/ssh", "mkdir");
	sub = openat(tree, "ssh_config.d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	copy_dir("/etc/ssh/ssh_config.d", sub);
	r = view_protect(tree, MOUNT_ATTR_RDONLY, false);
	return r < 0 ? view_fail(v, -r, "/etc/ssh", "read-only") : view_attach(v, steal_fd(&tree), "/etc/ssh", true);
}
