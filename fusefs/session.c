/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/session.c - Start and stop
 */
#include "fusefs/fusefs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "fusefs/backing.h"
#include "fusefs/caller.h"
#include "fusefs/crew.h"
#include "fusefs/locks.h"

#define DIR_FDS_MAX 1024

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	conn->max_write = FS_MAX_IO;
	conn->max_background = 64;
	conn->congestion_threshold = 48;
	conn->want |= conn->capable & (FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE);
	/* Small requests would be read through a pipe, which costs each of them a system call more */
	conn->want &= ~(unsigned int)FUSE_CAP_SPLICE_READ;
	/* It hides what editors outside change */
	conn->want &= ~(unsigned int)FUSE_CAP_WRITEBACK_CACHE;
}

/* fcntl locks are the kernel's own (locks.c). Flush has nothing to do: ENOSYS, asked once */
static const struct fuse_lowlevel_ops operations = {
	.init = op_init,
	.lookup = op_lookup, .forget = op_forget, .forget_multi = op_forget_multi, .getattr = op_getattr,
	.readlink = op_readlink, .access = op_access, .statfs = op_statfs,
	.setattr = op_setattr, .setxattr = op_setxattr, .getxattr = op_getxattr, .listxattr = op_listxattr,
	.removexattr = op_removexattr,
	.mkdir = op_mkdir, .mknod = op_mknod, .symlink = op_symlink, .link = op_link, .unlink = op_unlink,
	.rmdir = op_rmdir, .rename = op_rename,
	.opendir = op_opendir, .readdir = op_readdir, .readdirplus = op_readdirplus, .releasedir = op_releasedir,
	.fsyncdir = op_fsyncdir,
	.open = op_open, .create = op_create, .read = op_read, .write = op_write, .release = op_release,
	.fsync = op_fsync, .fallocate = op_fallocate, .copy_file_range = op_copy_file_range, .lseek = op_lseek,
	.flock = op_flock,
};

static int open_session(struct fusefs *fs, int fuse_fd)
{
	char name[] = "agentsh", where[32];
	char *argv[] = { name, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);

	fs->session = fuse_session_new(&args, &operations, sizeof(operations), fs);
	fuse_opt_free_args(&args);
	if (!fs->session)
		return -ENOMEM;
	(void)snprintf(where, sizeof(where), "/dev/fd/%d", fuse_fd);	/* always fits; libfuse's name for a ready one */
	return fuse_session_mount(fs->session, where) < 0 ? -EINVAL : 0;
}

/* The directories above a served root, made as they are needed; then itself */
static int add_served(struct fusefs *fs, const char *path)
{
	struct node *dir = nodes_root(fs->nodes);
	char name[NAME_MAX + 1];
	const char *p = path;
	struct seen seen;
	int fd, r;

	if (path[0] != '/' || !path[1])
		return -EINVAL;
	r = backing_root(path, &fd, &seen);
	while (r == 0 && dir) {
		size_t len = strcspn(++p, "/");

		if (len == 0 || len >= sizeof(name)) {
			r = -EINVAL;
			break;
		}
		memcpy(name, p, len);
		name[len] = '\0';
		p += len;
		if (!*p) {
			dir = nodes_child(fs->nodes, dir, name) ? NULL :
			      nodes_add_root(fs->nodes, dir, name, &seen.id, fd);
			if (dir)
				return 0;
			r = -EINVAL;
		} else {
			dir = nodes_add_ancestor(fs->nodes, dir, name);
		}
	}
	if (r == 0)
		r = -ENOMEM;
	else if (r != -EINVAL)
		return r;
	(void)close(fd);	/* O_PATH */
	return r;
}

static int copy_config(struct fusefs *fs, const struct fusefs_config *cfg)
{
	struct policy_beneath below;
	struct policy_state root;
	size_t count = 0;
	int n;

	fs->policy = cfg->policy;
	fs->sink = cfg->sink;
	memcpy(fs->trusted, cfg->trusted, sizeof(fs->trusted));
	fs->uid = getuid();
	fs->gid = getgid();
	fs->redirects = cfg->redirects;
	fs->has_by = policy_has_by(cfg->policy, POLICY_SECTION_FILES);
	policy_state_root(cfg->policy, &root);
	policy_state_beneath(cfg->policy, &root, &below);
	fs->is_conditional = below.conditional;
	n = getgroups(0, NULL);
	fs->groups = n > 0 ? calloc((size_t)n, sizeof(*fs->groups)) : NULL;
	if (fs->groups && (n = getgroups(n, fs->groups)) > 0)
		fs->group_count = (size_t)n;
	while (cfg->mountpoints && cfg->mountpoints[count])
		count++;
	fs->mountpoints = calloc(count + 1, sizeof(*fs->mountpoints));
	for (size_t i = 0; fs->mountpoints && i < count; i++) {
		fs->mountpoints[i] = strdup(cfg->mountpoints[i]);
		if (!fs->mountpoints[i])
			return -ENOMEM;
	}
	return fs->mountpoints ? 0 : -ENOMEM;
}

/* One descriptor for each file that is open inside, one for each directory in use: as many as may be had */
static size_t share_descriptors(struct fusefs *fs)
{
	struct rlimit l;
	rlim_t most;

	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return 0;
	l.rlim_cur = l.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &l);	/* with fewer the cage gets ENFILE sooner */
	if (getrlimit(RLIMIT_NOFILE, &l) < 0)
		return 0;
	most = l.rlim_cur < INT_MAX ? l.rlim_cur : INT_MAX;
	fs->open_max = (int)(most / 2);
	return most / 4 < DIR_FDS_MAX ? most / 4 : DIR_FDS_MAX;
}

static void free_all(struct fusefs *fs)
{
	fs->locks = locks_free(fs->locks);
	if (fs->session)
		fuse_session_destroy(fs->session);	/* closes /dev/fuse */
	fs->nodes = nodes_free(fs->nodes);
	fs->born = born_free(fs->born);
	fs->recent = recent_free(fs->recent);
	if (fs->self_fds >= 0)
		(void)close(fs->self_fds);	/* O_PATH */
	for (char **m = fs->mountpoints; m && *m; m++)
		free(*m);
	free(fs->mountpoints);
	free(fs->groups);
	free(fs->workspace);
	free(fs->home);
	(void)pthread_rwlock_destroy(&fs->names_lock);	/* no thread is left */
	free(fs);
}

static int prepare(struct fusefs *fs, const struct fusefs_config *cfg)
{
	int r = copy_config(fs, cfg);

	if (r == 0)
		r = caller_setup(fs, cfg);
	if (r < 0)
		return r;
	fs->self_fds = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fs->self_fds < 0)
		return -errno;
	fs->nodes = nodes_new(cfg->policy, share_descriptors(fs));
	fs->born = born_new();
	fs->recent = recent_new();
	fs->locks = locks_new();
	if (!fs->nodes || !fs->born || !fs->recent || !fs->locks)
		return -ENOMEM;
	for (const char *const *p = cfg->served; r == 0 && *p; p++)
		r = add_served(fs, *p);
	return r;
}

int fusefs_start(struct fusefs **ret, const struct fusefs_config *cfg)
{
	struct fusefs *fs = calloc(1, sizeof(*fs));
	pthread_rwlockattr_t attr;
	int r;

	if (!fs)
		return -ENOMEM;
	fs->self_fds = -1;
	(void)pthread_rwlockattr_init(&attr);	/* this and the next cannot fail with valid arguments */
	(void)pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	(void)pthread_rwlock_init(&fs->names_lock, &attr);
	(void)pthread_rwlockattr_destroy(&attr);
	r = prepare(fs, cfg);
	if (r == 0)
		r = open_session(fs, cfg->fuse_fd);
	if (r == 0)
		r = crew_start(&fs->crew, fs);
	if (r < 0) {
		if (!fs->session)
			(void)close(cfg->fuse_fd);	/* taken over; else the session has it */
		free_all(fs);
		return r;
	}
	*ret = fs;
	return 0;
}

int fusefs_watch_fd(const struct fusefs *fs)
{
	return crew_watch_fd(fs->crew);
}

int fusefs_watch(struct fusefs *fs)
{
	return crew_watch(fs->crew);
}

bool fusefs_is_born(struct fusefs *fs, dev_t dev, ino_t ino)
{
	return born_has(fs->born, dev, ino);
}

void fusefs_stop(struct fusefs *fs)
{
	if (!fs)
		return;
	crew_stop(fs->crew);
	free_all(fs);
}
