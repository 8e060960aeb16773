/* SPDX-License-Identifier: Apache-2.0
 *
 * cage/landlock.c - The second lock on everything that changes things
 *
 * Rights that modify are handled, reading is not: the view carries reads, and
 * Landlock's read rights cost a third more on every open. Nor is TRUNCATE: the
 * kernel notes for each file that is opened whether it may be truncated, and
 * that walk up the path costs as much. What truncates without WRITE_FILE is
 * the doorman's (truncate(2), openat2(2), O_TRUNC on a descriptor that cannot
 * write), beside the read-only mounts. Only a session that was given a file to
 * read (its standard input) pays for it: that file is on the host's own mount,
 * and /proc/self/fd leads to it. Network rights and
 * scopes are handled and have no rule at all: what the policy allows there is
 * done by the doorman, outside.
 */
#include "cage/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/lacks.h"
#include "common/newer.h"

#define ABI_MIN 2	/* REFER: without it no rename between directories could be allowed */

/* struct landlock_ruleset_attr as of ABI 6; shorter ones are a prefix */
struct ruleset_attr {
	uint64_t fs, net, scoped;
};

#define TRUNCATE	(UINT64_C(1) << 14)	/* LANDLOCK_ACCESS_FS_TRUNCATE, ABI 3 */
#define FILE_RIGHTS	(LANDLOCK_ACCESS_FS_WRITE_FILE | TRUNCATE)	/* what is not handled needs no rule */
#define DIRECTORY_RIGHTS (LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
	LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | \
	LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | \
	LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER)

struct ruleset {
	int fd;
	uint64_t handled;
	struct cage_failure *reterr;
};

/* A file of the host's that the command may read, and could open anew to empty it */
static bool is_host_file(int fd)
{
	struct stat st;
	struct statvfs fs;
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && (flags & O_ACCMODE) == O_RDONLY && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       (fstatvfs(fd, &fs) < 0 || !(fs.f_flag & ST_RDONLY));
}

static bool has_host_files(const struct cage_config *cfg)
{
	for (int fd = 0; fd < 3; fd++)
		if (is_host_file(fd))
			return true;
	for (const int *p = cfg->pass_fds; p && *p >= 0; p++)
		if (is_host_file(*p))
			return true;
	return false;
}

static int ruleset_make(const struct cage_config *cfg, struct ruleset *ret, struct cage_failure *reterr)
{
	struct ruleset_attr attr = { .fs = (FILE_RIGHTS | DIRECTORY_RIGHTS) & ~TRUNCATE };
	size_t size = sizeof(attr.fs);
	long abi = lacks_abi(syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION));

	if (abi < ABI_MIN)
		return cage_fail(reterr, abi < 0 ? errno : ENOSYS, "Landlock",
				 "the kernel's Landlock is off or too old: 5.19 or newer with lsm=landlock,... is needed");
	if (abi >= 3 && has_host_files(cfg))
		attr.fs |= TRUNCATE;
	if (abi >= 4) {
		attr.net = LANDLOCK_ACCESS_NET_BIND_TCP | LANDLOCK_ACCESS_NET_CONNECT_TCP;
		size = offsetof(struct ruleset_attr, scoped);
	}
	if (abi >= 6) {
		attr.scoped = LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET | LANDLOCK_SCOPE_SIGNAL;
		size = sizeof(attr);
	}
	*ret = (struct ruleset){ .handled = attr.fs, .reterr = reterr };
	ret->fd = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	return ret->fd < 0 ? cage_fail(reterr, errno, "Landlock", "%s", strerror(errno)) : 0;
}

static int allow_fd(const struct ruleset *rs, int fd, uint64_t rights)
{
	struct landlock_path_beneath_attr attr = { .parent_fd = fd };
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	attr.allowed_access = rights & rs->handled & (S_ISDIR(st.st_mode) ? ~UINT64_C(0) : FILE_RIGHTS);
	if (!attr.allowed_access)
		return 0;
	return syscall(SYS_landlock_add_rule, rs->fd, LANDLOCK_RULE_PATH_BENEATH, &attr, 0) < 0 ? -errno : 0;
}

/* A path that is not there needs no rule */
static int allow_path(const struct ruleset *rs, const char *path, uint64_t rights)
{
	cleanup_fd int fd = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
	int r;

	if (fd < 0)
		return errno == ENOENT ? 0 : cage_fail(rs->reterr, errno, "Landlock", "%.150s: %s", path, strerror(errno));
	r = allow_fd(rs, fd, rights);
	return r < 0 ? cage_fail(rs->reterr, -r, "Landlock", "%.150s: %s", path, strerror(-r)) : 0;
}

static int allow_plan(const struct ruleset *rs, const struct plan *plan)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->entry_count; i++) {
		const struct plan_entry *e = &plan->entry[i];

		if (!e->link && (e->face == PLAN_SERVED || e->face == PLAN_WRITABLE))
			r = allow_path(rs, e->path, FILE_RIGHTS | DIRECTORY_RIGHTS);
	}
	return r;
}

static int allow_fixed(const struct ruleset *rs, const struct cage_config *cfg)
{
	bool is_tmp = cfg->plan->tmp == PLAN_WRITABLE;
	char runtime[64];
	const struct {
		const char *path;
		uint64_t rights;
	} fixed[] = {
		{ "/dev", FILE_RIGHTS },	/* the directory itself is a read-only mount */
		{ "/dev/mqueue", FILE_RIGHTS | DIRECTORY_RIGHTS },
		{ "/dev/shm", is_tmp ? FILE_RIGHTS | DIRECTORY_RIGHTS : 0 },
		{ "/tmp", is_tmp ? FILE_RIGHTS | DIRECTORY_RIGHTS : 0 },
		{ runtime, FILE_RIGHTS | DIRECTORY_RIGHTS },
		/* oom_score_adj, comm, …; and mem, which is why this goes with tracing */
		{ "/proc", cfg->tracing ? FILE_RIGHTS : 0 },
	};
	int r = 0;

	(void)snprintf(runtime, sizeof(runtime), "/run/user/%u", cfg->uid);	/* always fits */
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(fixed); i++)
		if (fixed[i].rights)
			r = allow_path(rs, fixed[i].path, fixed[i].rights);
	return r;
}

/* "echo >/dev/stderr" opens what the caller gave us once more. Pipes and sockets need no rule. */
static int allow_stdio(const struct ruleset *rs)
{
	for (int fd = 0; fd < 3; fd++) {
		struct stat st;
		int flags = fcntl(fd, F_GETFL), r;

		if (flags < 0 || (flags & O_PATH) || (flags & O_ACCMODE) == O_RDONLY)
			continue;
		if (fstat(fd, &st) < 0 || !(S_ISREG(st.st_mode) || S_ISCHR(st.st_mode)))
			continue;
		r = allow_fd(rs, fd, FILE_RIGHTS);
		if (r < 0 && r != -EBADFD)	/* EBADFD: a file that Landlock does not rule at all */
			return cage_fail(rs->reterr, -r, "Landlock", "descriptor %d: %s", fd, strerror(-r));
	}
	return 0;
}

int landlock_enter(const struct cage_config *cfg, struct cage_failure *reterr)
{
	struct ruleset rs;
	int r;

	if (CAGE_IS_OFF(cfg, LANDLOCK))
		return 0;
	r = ruleset_make(cfg, &rs, reterr);
	if (r < 0)
		return r;
	cleanup_fd int fd = rs.fd;

	r = allow_plan(&rs, cfg->plan);
	if (r == 0)
		r = allow_fixed(&rs, cfg);
	if (r == 0)
		r = allow_stdio(&rs);
	if (r < 0)
		return r;
	if (syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		return cage_fail(reterr, errno, "Landlock", "%s", strerror(errno));
	return 0;
}
