/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/actor.c - A thread of ours does something as its caller would
 *
 * System calls and not glibc's functions, which would change every thread. The
 * resolver has capabilities of the cage's user namespace, root's doorman those of
 * the machine; without them the thread may no more than the caller, look into
 * init's /proc included.
 */
#include "notifyd/actor.h"

#include <errno.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/proc.h"

static uint32_t read_groups(const char *p, uint32_t groups[ACTOR_GROUPS_MAX])
{
	uint32_t count = 0;

	while (count < ACTOR_GROUPS_MAX) {
		char *end;
		unsigned long gid = strtoul(p, &end, 10);

		/* strtoul also steps over the end of the line */
		if (end == p || memchr(p, '\n', (size_t)(end - p)))
			break;
		groups[count++] = (uint32_t)gid;
		p = end;
	}
	return count;
}

int actor_read(pid_t tid, bool is_nested, struct actor *ret)
{
	struct proc_status st;
	char path[40], line[1024];
	int r = proc_status(tid, &st);
	FILE *f;

	if (r < 0)
		return r;
	*ret = (struct actor){ .umask = st.umask & 0777, .uid = st.fsuid, .gid = st.fsgid };
	(void)snprintf(path, sizeof(path), "/proc/%d/status", tid);	/* always fits */
	f = fopen(path, "re");
	if (!f)
		return -ESRCH;
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, "Groups:", 7) == 0)
			ret->group_count = read_groups(line + 7, ret->groups);
		if (strncmp(line, "CapEff:", 7) == 0 && !is_nested)
			ret->caps = strtoull(line + 7, NULL, 16);
	}
	(void)fclose(f);	/* read only */
	return 0;
}

/* Of what is permitted, @caps */
static int set_effective(uint64_t caps)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &head, data) < 0)
		return -errno;
	for (size_t i = 0; i < ARRAY_SIZE(data); i++)
		data[i].effective = data[i].permitted & (uint32_t)(caps >> (32 * i));
	return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

/* Root's sessions: several users inside. An ordinary user's has one, and that is who we are */
static int become(const struct actor *a)
{
	if (geteuid() != 0)
		return a->uid == geteuid() && a->gid == getegid() ? 0 : -EPERM;
	if (syscall(SYS_setgroups, (size_t)a->group_count, a->groups) < 0 && errno != EPERM)
		return -errno;	/* EPERM: a namespace without that, in which nobody has changed them either */
	(void)setfsgid(a->gid);	/* these tell the former one, never an error: ask again */
	(void)setfsuid(a->uid);
	return (gid_t)setfsgid((gid_t)-1) == a->gid && (uid_t)setfsuid((uid_t)-1) == a->uid ? 0 : -EPERM;
}

int actor_become(const struct actor *a)
{
	int r = become(a);

	if (r == 0)
		r = set_effective(a->caps);
	if (r < 0)
		actor_return();
	return r;
}

void actor_return(void)
{
	if (geteuid() == 0) {
		(void)set_effective(UINT64_MAX);	/* of the permitted ones: always allowed */
		(void)setfsuid(0);	/* as in become(); less power if it failed */
		(void)setfsgid(0);
		(void)syscall(SYS_setgroups, (size_t)0, NULL);
	}
	(void)set_effective(UINT64_MAX);	/* as above; the change of user had a say too */
}

int actor_begin(const struct actor *a)
{
	int r = unshare(CLONE_FS) < 0 ? -errno : actor_become(a);

	if (r < 0)
		actor_end();
	else
		(void)umask((mode_t)a->umask);
	return r;
}

void actor_end(void)
{
	if (chdir("/") < 0)	/* keeps a directory busy if it fails */
		(void)umask(0);
	actor_return();
}
