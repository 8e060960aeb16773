/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/borrow.c - Root's doorman opens as the one who asks, and with no more powers
 *
 * An ordinary user's doorman already is everybody inside. Root's takes user,
 * group, supplementary groups and the powers over files that the caller has in
 * effect, for this thread and for one open.
 */
#include "notifyd/open.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fdio.h"
#include "notifyd/target.h"

#define GROUPS_MAX	64
#define BIT(cap)	(UINT64_C(1) << (cap))
#define FILE_POWERS	(BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | \
			 BIT(CAP_FOWNER) | BIT(CAP_FSETID))

/** struct identity - Of a task, on file systems */
struct identity {
	uid_t uid;
	gid_t gid, group[GROUPS_MAX];
	size_t group_count;
	uint64_t powers;
};

/* The system calls and not glibc's functions, which change every thread */
static int set_groups(size_t count, const gid_t *groups)
{
	return (int)syscall(SYS_setgroups, count, groups);
}

/* @powers: of FILE_POWERS, what is to be in effect; the rest stays as it is permitted */
static int set_powers(uint64_t powers)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];

	if (syscall(SYS_capget, &head, d) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		uint32_t of_files = (uint32_t)(FILE_POWERS >> (32 * i));

		d[i].effective = d[i].permitted & (~of_files | (uint32_t)(powers >> (32 * i)));
	}
	return syscall(SYS_capset, &head, d) < 0 ? -errno : 0;
}

/* The n-th number behind @key; UINT64_MAX if there is none */
static uint64_t number(const char *text, const char *key, int n, int base)
{
	const char *p = strstr(text, key);
	char *end;

	if (!p)
		return UINT64_MAX;
	p += strlen(key);
	for (int i = 0;; i++) {
		uint64_t v;

		p += strspn(p, " \t");
		if (*p == '\n' || *p == '\0')
			return UINT64_MAX;
		v = strtoull(p, &end, base);
		if (end == p)
			return UINT64_MAX;
		if (i == n)
			return v;
		p = end;
	}
}

static int read_identity(const struct call *c, struct identity *ret)
{
	char path[64];
	cleanup_free char *text = NULL;
	uint64_t uid, gid, group;
	size_t len;
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", c->tid);	/* always fits */
	r = fdio_read_file(AT_FDCWD, path, 1 << 16, &text, &len);
	if (target_valid(c) < 0)
		return -ESRCH;
	if (r < 0)
		return r;
	uid = number(text, "\nUid:", 3, 10);
	gid = number(text, "\nGid:", 3, 10);
	ret->powers = number(text, "\nCapEff:", 0, 16);
	if (uid > UINT32_MAX || gid > UINT32_MAX || ret->powers == UINT64_MAX)
		return -EIO;
	ret->uid = (uid_t)uid;
	ret->gid = (gid_t)gid;
	ret->group_count = 0;
	while (ret->group_count < GROUPS_MAX &&
	       (group = number(text, "\nGroups:", (int)ret->group_count, 10)) <= UINT32_MAX)
		ret->group[ret->group_count++] = (gid_t)group;
	return 0;
}

int borrow_begin(const struct call *c)
{
	struct identity id;
	int r;

	if (geteuid() != 0)
		return 0;
	r = read_identity(c, &id);
	if (r == 0 && set_groups(id.group_count, id.group) < 0)
		r = -errno;
	if (r == 0) {
		(void)setfsgid(id.gid);		/* tell the former id, never an error: asked below */
		(void)setfsuid(id.uid);
		r = set_powers(id.powers & FILE_POWERS);
	}
	if (r == 0 && ((uid_t)setfsuid((uid_t)-1) != id.uid || (gid_t)setfsgid((gid_t)-1) != id.gid))
		r = -EPERM;
	if (r < 0)
		borrow_end();
	return r;
}

void borrow_end(void)
{
	if (geteuid() != 0)
		return;
	(void)setfsuid(0);	/* euid is 0: always allowed */
	(void)set_powers(FILE_POWERS);	/* what is permitted may always be in effect */
	(void)setfsgid(0);
	(void)set_groups(0, NULL);
}
