/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/caller.c - Acting as the user who asked
 */
#include "fusefs/caller.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#define GROUPS_MAX 64

/* The system call and not glibc's function, which changes every thread */
static int set_groups(size_t count, const gid_t *groups)
{
	return (int)syscall(SYS_setgroups, count, groups);
}

void caller_thread_init(const struct fusefs *fs)
{
	if (fs->uid == 0)
		(void)set_groups(0, NULL);	/* without CAP_SETGID nobody else can be taken on either */
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

struct caller caller_begin(const struct fusefs *fs, fuse_req_t req)
{
	const struct fuse_ctx *ctx = fuse_req_ctx(req);
	gid_t groups[GROUPS_MAX];

	if (fs->uid != 0 || (ctx->uid == 0 && ctx->gid == 0))
		return (struct caller){ false };
	if (ctx->uid != 0)
		(void)set_groups(read_groups(ctx->pid, groups), groups);	/* fewer rights if it fails */
	(void)setfsgid(ctx->gid);	/* return the former id, never an error: with root's powers they work */
	(void)setfsuid(ctx->uid);
	return (struct caller){ true };
}

void caller_end(struct caller *c)
{
	if (!c->is_other)
		return;
	(void)setfsuid(0);
	(void)setfsgid(0);
	(void)set_groups(0, NULL);	/* capabilities of the effective set are back */
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
