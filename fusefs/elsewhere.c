/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/elsewhere.c - Names whose file a redirect has put somewhere else
 *
 * In served trees a name is redirected altogether, so it has one file and one
 * page cache: looked at, opened and made is the target. It stands for a file
 * and for nothing else, and can be neither removed nor replaced (gate.c). What
 * leads to the target is the policy's word, but the last steps may lie where
 * the cage can plant links: none is followed.
 */
#include "fusefs/elsewhere.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

bool elsewhere_is(const struct fusefs *fs, const struct policy_state *st, struct policy_decision *ret)
{
	if (!fs->redirects)
		return false;
	policy_eval_state(fs->policy, st, POLICY_OP_READ, POLICY_T_UNKNOWN, NULL, ret);
	return ret->verdict == POLICY_REDIRECT;
}

static int open_folder(const char *path, size_t len)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	char folder[PATH_MAX];
	long fd;

	if (len >= sizeof(folder))
		return -ENAMETOOLONG;
	memcpy(folder, path, len);
	folder[len] = '\0';
	fd = syscall(SYS_openat2, AT_FDCWD, len ? folder : "/", &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

static int find_target(struct policy_str target, struct elsewhere *ret)
{
	const char *slash = memrchr(target.s, '/', target.len);
	size_t folder_len = slash ? (size_t)(slash - target.s) : 0, base_len = target.len - folder_len - 1;
	struct stat st;
	int fd;

	if (!slash || base_len == 0 || base_len > NAME_MAX)
		return -ENOENT;
	fd = open_folder(target.s, folder_len);
	if (fd < 0)
		return fd;
	memcpy(ret->base, slash + 1, base_len);
	ret->base[base_len] = '\0';
	if (fstatat(fd, ret->base, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(st.st_mode)) {
		(void)close(fd);	/* O_PATH */
		return -EACCES;
	}
	ret->fd = fd;
	ret->name = ret->base;
	ret->is_own = true;
	return 0;
}

int elsewhere_find(const struct dirref *d, const char *name, struct elsewhere *ret)
{
	struct policy_decision decision;
	struct policy_state st;

	if (d->fs->redirects) {
		nodes_state(d->fs->nodes, d->node, &st);
		policy_state_step(d->fs->policy, &st, policy_str(name), &st);
		if (elsewhere_is(d->fs, &st, &decision))
			return find_target(decision.target, ret);
	}
	ret->fd = d->fd;
	ret->name = name;
	ret->is_own = false;
	return 0;
}

void elsewhere_put(struct elsewhere *e)
{
	if (e->is_own && e->fd >= 0)
		(void)close(e->fd);	/* O_PATH */
}
