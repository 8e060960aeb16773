/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/caller.c - Acting as the user who asked
 */
#include "fusefs/caller.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fdio.h"
#include "fusefs/gate.h"

#define GROUPS_MAX	64
#define CAP(id)		(UINT64_C(1) << (id))

/* What root has over files that others lack; setfsuid(2) takes the same from another user */
#define FILE_POWERS	(CAP(CAP_CHOWN) | CAP(CAP_DAC_OVERRIDE) | CAP(CAP_DAC_READ_SEARCH) | CAP(CAP_FOWNER) | \
			 CAP(CAP_FSETID) | CAP(CAP_MKNOD) | CAP(CAP_LINUX_IMMUTABLE))

/* ---- credentials of this thread ---- */

/* The system calls and not glibc's functions, which change every thread */
static int set_groups(size_t count, const gid_t *groups)
{
	return (int)syscall(SYS_setgroups, count, groups);
}

/* The effective ones become those of the permitted that @without does not name */
static void set_powers(const struct fusefs *fs, uint64_t without)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	for (int i = 0; i < 2; i++)
		data[i] = (struct __user_cap_data_struct){
			.permitted = (uint32_t)(fs->powers >> 32 * i),
			.effective = (uint32_t)((fs->powers & ~without) >> 32 * i),
		};
	if (syscall(SYS_capset, &header, data) < 0)
		abort();	/* giving up what one has cannot fail; going on with it would grant */
}

/*
 * A write by root leaves setuid bits natively. Here they must go: the content
 * of a program that others run as root would be the cage's.
 */
static uint64_t never(const struct fusefs *fs)
{
	return fs->is_alone ? CAP(CAP_FSETID) : 0;
}

void caller_thread_init(const struct fusefs *fs)
{
	if (fs->is_alone)
		set_powers(fs, never(fs));
}

/* "Groups:\t4 24 27" */
static size_t read_groups(pid_t tid, gid_t groups[GROUPS_MAX])
{
	char path[40], line[1024];
	size_t count = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", tid);	/* always fits */
	f = fopen(path, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		char *p = line + 7, *end;

		if (strncmp(line, "Groups:", 7) != 0)
			continue;
		while (count < GROUPS_MAX) {
			unsigned long gid = strtoul(p, &end, 10);

			if (end == p)
				break;
			groups[count++] = (gid_t)gid;
			p = end;
		}
		break;
	}
	(void)fclose(f);	/* read only */
	return count;
}

/* ---- where root's powers are due ---- */

static bool is_at_or_beneath(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

/* In workspace or home? Unknown is not */
static bool is_home(const struct fusefs *fs, const struct node *n, const char *name)
{
	cleanup_free char *path = fs->is_all_home ? NULL : nodes_path(fs->nodes, n, name);

	return fs->is_all_home || (path && (is_at_or_beneath(path, fs->workspace) || is_at_or_beneath(path, fs->home)));
}

static bool is_due(const struct fusefs *fs, const struct node *n, const char *name)
{
	if (node_is_ancestor(n))
		return false;
	if (name && !fs_is_name(name))
		name = NULL;
	return is_home(fs, n, name) || gate_is_given(fs, n, name);
}

bool caller_crosses(const struct fusefs *fs, const struct node *n, const char *name, const struct node *dir,
		    const char *new_name)
{
	return fs->is_alone && !fs->is_all_home && is_home(fs, n, name) != is_home(fs, dir, new_name);
}

static struct caller become(const struct fusefs *fs, const struct fuse_ctx *ctx)
{
	gid_t groups[GROUPS_MAX];

	if (ctx->uid != 0)
		(void)set_groups(read_groups(ctx->pid, groups), groups);	/* fewer rights if it fails */
	(void)setfsgid(ctx->gid);	/* return the former id, never an error: with root's powers they work */
	(void)setfsuid(ctx->uid);
	return (struct caller){ .fs = fs, .is_other = true };
}

struct caller caller_begin_data(const struct fusefs *fs, fuse_req_t req)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);

	if (fs->uid != 0 || (ctx->uid == 0 && ctx->gid == fs->gid))
		return (struct caller){ .fs = fs };
	return become(fs, ctx);
}

struct caller caller_begin(const struct fusefs *fs, fuse_req_t req, const struct node *n, const char *name)
{
	struct caller c = caller_begin_data(fs, req);

	caller_also(&c, n, name);
	return c;
}

void caller_also(struct caller *c, const struct node *dir, const char *name)
{
	if (!c->fs->is_alone || c->is_bare || is_due(c->fs, dir, name))
		return;
	set_powers(c->fs, FILE_POWERS);
	c->is_bare = true;
}

void caller_set_modes(struct caller *c)
{
	if (!c->fs->is_alone || c->is_bare)
		return;
	set_powers(c->fs, 0);
	c->is_whole = true;
}

void caller_end(struct caller *c)
{
	if (c->is_other) {
		(void)setfsuid(0);
		(void)setfsgid(c->fs->gid);
		(void)set_groups(c->fs->group_count, c->fs->groups);
	}
	if (c->is_bare || c->is_whole)
		set_powers(c->fs, never(c->fs));
	*c = (struct caller){ .fs = c->fs };	/* it may come again */
}

/* A served root may hold more than workspace and home: then each request has to be looked at */
static bool are_all_home(const struct fusefs *fs, const char *const *served)
{
	for (; *served; served++)
		if (!is_at_or_beneath(*served, fs->workspace) && !is_at_or_beneath(*served, fs->home))
			return false;
	return true;
}

static bool is_any(const char *s)
{
	return s && *s;
}

/* "INSIDE OUTSIDE COUNT" lines: is nobody's number not one of them? Then it stands for all that have none */
static bool lacks(const char *path)
{
	cleanup_free char *text = NULL;
	uint64_t inside, count;
	size_t len;

	if (fdio_read_file(AT_FDCWD, path, 4096, &text, &len) < 0)
		return false;
	for (char *rest, *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (sscanf(line, "%" SCNu64 " %*u %" SCNu64, &inside, &count) == 2 && inside <= FS_NOBODY &&
		    FS_NOBODY < inside + count)
			return false;
	return true;
}

int caller_setup(struct fusefs *fs, const struct fusefs_config *cfg)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	fs->is_alone = fs->uid == 0 && !cfg->package_manager;
	fs->lacks_uids = fs->uid == 0 && lacks("/proc/self/uid_map");
	fs->lacks_gids = fs->uid == 0 && lacks("/proc/self/gid_map");
	if (!fs->is_alone)
		return 0;
	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	fs->powers = data[0].permitted | (uint64_t)data[1].permitted << 32;
	fs->workspace = strdup(is_any(cfg->workspace) ? cfg->workspace : "//");
	fs->home = strdup(is_any(cfg->home) ? cfg->home : "//");
	if (!fs->workspace || !fs->home)
		return -ENOMEM;
	fs->is_all_home = are_all_home(fs, cfg->served);
	return 0;
}

bool caller_is_trusted(const struct fusefs *fs, pid_t tid)
{
	if (tid <= 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(fs->trusted) && fs->trusted[i]; i++) {
		if (tid == fs->trusted[i])
			return true;
		/* No signal is sent. ESRCH: no such thread in that process; EPERM: there is one */
		if (syscall(SYS_tgkill, fs->trusted[i], tid, 0) == 0 || errno != ESRCH)
			return true;
	}
	return false;
}
