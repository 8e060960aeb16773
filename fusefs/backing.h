/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/backing.h - The real tree
 *
 * backing.c alone touches it: always from the descriptor of a served root, one
 * component at a time, following nothing. A directory's descriptor and a name
 * are what everything starts from; what was found is compared with the node
 * (device, inode, birth time) before anything is done to it, and if the host
 * has put something else there the answer is ESTALE, which makes the kernel
 * look the name up again.
 *
 * Also the one place that would keep former contents: backing_truncate(),
 * backing_unlink(), backing_rename() and backing_open() for writing.
 */
#ifndef FUSEFS_BACKING_H
#define FUSEFS_BACKING_H

#include "fusefs/fs.h"

/** struct seen - What was found */
struct seen {
	struct stat st;
	struct node_id id;
};

/** struct dirref - A directory in use. Starts as BACKING_NO_DIR; cleanup_dir puts it back */
struct dirref {
	struct fusefs *fs;
	struct node *node;
	int fd;
};
#define BACKING_NO_DIR	{ .fd = -1 }

/** backing_dir() - Use a directory's descriptor. 0; -ESTALE, -ENOENT: not there any more; -errno */
int backing_dir(struct fusefs *fs, struct node *dir, struct dirref *ret) MUST_USE;
void backing_dir_put(struct dirref *d);
#define cleanup_dir	__attribute__((cleanup(backing_dir_put)))

/** backing_root() - Open a served root by its path, once, before anybody is inside */
int backing_root(const char *path, int *ret_fd, struct seen *ret) MUST_USE;

int backing_look(const struct dirref *d, const char *name, struct seen *ret) MUST_USE;
int backing_look_fd(int fd, struct seen *ret) MUST_USE;
/** backing_id() - Of what statx() has told */
struct node_id backing_id(const struct statx *x);

/** backing_pin() - O_PATH descriptor of a node, by any of its names or an open file */
int backing_pin(struct fusefs *fs, struct node *n, int *ret_fd, struct seen *ret) MUST_USE;
/** backing_stat() - The same without a descriptor */
int backing_stat(struct fusefs *fs, struct node *n, struct seen *ret) MUST_USE;

/** backing_open() - Open a regular file of a node. O_TRUNC is done after the comparison */
int backing_open(struct fusefs *fs, struct node *n, int flags, int *ret_fd, struct seen *ret) MUST_USE;
/** backing_open_dir() - For reading */
int backing_open_dir(const struct dirref *d, int *ret_fd) MUST_USE;
/** backing_enter() - Open directory @name of an open directory for reading, following nothing */
int backing_enter(int dir_fd, const char *name, int *ret_fd) MUST_USE;

int backing_create(const struct dirref *d, const char *name, int flags, mode_t mode, int *ret_fd) MUST_USE;
/** backing_create_nameless() - With O_TMPFILE */
int backing_create_nameless(const struct dirref *d, int flags, mode_t mode, int *ret_fd) MUST_USE;
int backing_mkdir(const struct dirref *d, const char *name, mode_t mode) MUST_USE;
int backing_mknod(const struct dirref *d, const char *name, mode_t mode) MUST_USE;
int backing_symlink(const struct dirref *d, const char *name, const char *target) MUST_USE;
int backing_link(int pin, const struct fusefs *fs, const struct dirref *d, const char *name) MUST_USE;
int backing_unlink(const struct dirref *d, const char *name, bool is_dir) MUST_USE;
int backing_rename(const struct dirref *d, const char *name, const struct dirref *new_d, const char *new_name,
		   unsigned int flags) MUST_USE;
/** backing_readlink() - Length, NUL-terminated; -ENAMETOOLONG */
ssize_t backing_readlink(int pin, char *buf, size_t size) MUST_USE;
/** backing_access() - As the user of this thread, effective */
int backing_access(int pin, int mask) MUST_USE;

int backing_chmod(const struct fusefs *fs, int pin, mode_t mode) MUST_USE;
int backing_chown(int pin, uid_t uid, gid_t gid) MUST_USE;
int backing_utimes(int pin, const struct timespec times[2]) MUST_USE;
int backing_truncate(const struct fusefs *fs, int pin, off_t size) MUST_USE;
/** backing_proc_path() - "/proc/self/fd/N" of a pin, for calls that take only paths */
#define BACKING_PROC_SIZE 32
void backing_proc_path(int pin, char buf[BACKING_PROC_SIZE]);

#endif /* FUSEFS_BACKING_H */
