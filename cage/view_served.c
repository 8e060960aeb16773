/* SPDX-License-Identifier: Apache-2.0
 *
 * cage/view_served.c - The file system of fusefs: mounted once, bound piece by piece
 *
 * Mounted before the pid namespace is made, so that its requests carry ids of
 * the supervisor's. The kernel wants the opener of /dev/fuse in the user
 * namespace that mounts: the builder, for an ordinary user. Package managers
 * change their user, so all users are let in, and then the kernel asks for the
 * user namespace instead of the user: root's supervisor would be shut out of
 * what it serves. It therefore mounts itself, before there is a cage; access
 * lists need that as well.
 */
#include "cage/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"

#define SERVED_ATTR	(MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

/* Where the whole of it is attached while pieces are cloned: made for it, or what init covers anyway */
static const char *parking(const struct cage_config *cfg)
{
	return CAGE_IS_OFF(cfg, VIEW) ? "/proc" : "/.served";
}

static bool is_needed(const struct cage_config *cfg)
{
	for (size_t i = 0; i < cfg->plan->entry_count; i++)
		if (cfg->plan->entry[i].face == PLAN_SERVED)
			return !CAGE_IS_OFF(cfg, FUSEFS);
	return false;
}

static int mount_fuse(const struct cage_config *cfg, int fuse_fd)
{
	char fd[16], uid[16], gid[16];
	const char *const options[] = {
		"source", "agentsh", "subtype", "agentsh", "fd", fd, "rootmode", "40000",
		"user_id", uid, "group_id", gid, NULL,
	};
	cleanup_fd int fs = fsopen("fuse", FSOPEN_CLOEXEC);
	int mnt;

	(void)snprintf(fd, sizeof(fd), "%d", fuse_fd);	/* these always fit */
	(void)snprintf(uid, sizeof(uid), "%u", cfg->uid);
	(void)snprintf(gid, sizeof(gid), "%u", cfg->gid);
	if (fs < 0)
		return -errno;
	for (const char *const *o = options; *o; o += 2)
		if (fsconfig(fs, FSCONFIG_SET_STRING, o[0], o[1], 0) < 0)
			return -errno;
	/*
	 * Where there are several users inside, the kernel checks the modes of what it remembers. It
	 * would refuse a lone root without capabilities what is root's everywhere else: fusefs judges.
	 */
	if (cfg->uid == 0 && cfg->package_manager &&
	    (fsconfig(fs, FSCONFIG_SET_FLAG, "allow_other", NULL, 0) < 0 ||
	     fsconfig(fs, FSCONFIG_SET_FLAG, "default_permissions", NULL, 0) < 0))
		return -errno;
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	mnt = fsmount(fs, FSMOUNT_CLOEXEC, SERVED_ATTR);
	return mnt < 0 ? -errno : mnt;
}

static int fail_fuse(const struct view *v, int err)
{
	const char *how = "";

	if (err == ENOENT || err == ENODEV || err == ENXIO)
		how = ": load the kernel module (modprobe fuse), or give the container the device";
	else if (err == EACCES)
		how = ": this user may not open it (chmod 666 /dev/fuse, or the fuse3 package's udev rule)";
	return cage_fail(v->reterr, err, "/dev/fuse", "the served trees need it%s: %s", how, strerror(err));
}

static int open_fuse(const struct cage_config *cfg, struct served_fuse *ret)
{
	*ret = (struct served_fuse){ -1, -1 };
	ret->dev = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (ret->dev < 0)
		return -errno;
	ret->mnt = mount_fuse(cfg, ret->dev);
	return ret->mnt < 0 ? ret->mnt : 0;
}

void view_served_drop(struct served_fuse *f)
{
	if (f->mnt >= 0)
		(void)close(f->mnt);	/* attached, or of no use */
	if (f->dev >= 0)
		(void)close(f->dev);
	*f = (struct served_fuse){ -1, -1 };
}

struct served_fuse view_served_early(const struct cage_config *cfg)
{
	struct served_fuse f = { -1, -1 };

	/* Root may lack the right to mount, as in a container: then the cage's own namespace gives it */
	if (cfg->uid == 0 && is_needed(cfg) && open_fuse(cfg, &f) < 0)
		view_served_drop(&f);
	return f;
}

int view_served_mount(struct view *v, int setup_sock)
{
	struct served_fuse *f = &v->fuse;
	int r, mnt;

	v->served_fd = -1;
	if (!is_needed(v->cfg))
		return 0;
	r = f->mnt < 0 ? open_fuse(v->cfg, f) : 0;
	if (r < 0) {
		view_served_drop(f);
		return fail_fuse(v, -r);
	}
	mnt = f->mnt;
	f->mnt = -1;	/* view_attach() closes it */
	r = view_attach(v, mnt, parking(v->cfg), true);
	if (r == 0) {
		r = cage_setup_say(setup_sock, CAGE_SETUP_FUSE, 0, f->dev);
		if (r < 0)
			r = cage_fail(v->reterr, -r, "served trees", "the supervisor is gone");
	}
	view_served_drop(f);	/* when the supervisor's is gone, the mount must be dead */
	v->is_serving = r == 0;
	return r;
}

int view_served_wait(struct view *v, int setup_sock)
{
	int r = v->is_serving ? cage_setup_wait(setup_sock) : 0;

	if (r < 0)
		return cage_fail(v->reterr, -r, "served trees", "the supervisor does not serve them");
	if (v->is_serving)
		v->served_fd = view_point(v, parking(v->cfg));
	return v->is_serving && v->served_fd < 0 ? view_fail(v, -v->served_fd, "served trees", "open") : 0;
}

int view_served_attach(const struct view *v, const struct plan_entry *e)
{
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};
	struct stat st;
	int tree;
	cleanup_fd int dir = (int)syscall(SYS_openat2, v->served_fd, e->path + 1, &how, sizeof(how));

	if (dir < 0 || fstat(dir, &st) < 0)
		return view_fail(v, errno, e->path, "the served tree does not answer");
	tree = open_tree(dir, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree < 0)
		return view_fail(v, errno, e->path, "the served tree cannot be bound");
	return view_attach(v, tree, e->path, S_ISDIR(st.st_mode));
}

void view_served_done(struct view *v)
{
	char path[64];

	if (v->served_fd < 0)
		return;
	(void)close(v->served_fd);
	v->served_fd = -1;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d%s", v->root_fd, parking(v->cfg));	/* always fits */
	(void)umount2(path, MNT_DETACH);	/* if it stays, it shows only what is served anyway */
	if (!CAGE_IS_OFF(v->cfg, VIEW))
		(void)unlinkat(v->root_fd, parking(v->cfg) + 1, AT_REMOVEDIR);	/* an empty directory at worst */
}
