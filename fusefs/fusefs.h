/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/fusefs.h - The served trees: every operation judged on the path that was used
 *
 * One FUSE session whose root stands for "/" of the host; only the served
 * roots and their ancestors exist in it. The cage binds SESSION/home/u onto
 * /home/u of the view, and so on for each served root; so a node's path in the
 * session is its real path, and rules on absolute paths apply as written.
 */
#ifndef FUSEFS_FUSEFS_H
#define FUSEFS_FUSEFS_H

#include <sys/stat.h>
#include <sys/types.h>

#include "common/event.h"
#include "policy/policy.h"

struct fusefs;

/** struct fusefs_config - Everything is borrowed until fusefs_stop() */
struct fusefs_config {
	int fuse_fd;			/* mounted /dev/fuse, from the cage; taken over */
	const struct policy *policy;
	bool redirects;				/* the policy has names in the served trees redirected */
	struct event_sink *sink;
	const char *const *served;	/* NULL-ended absolute paths, none beneath another */
	/* Mount points of the view inside the served trees (bulk binds): must exist as looked up */
	const char *const *mountpoints;	/* NULL-ended absolute paths */
	/* Of root: where it has root's powers over files (caller.h) */
	const char *workspace, *home;
	bool package_manager;		/* root has capabilities inside, and may become others */
	pid_t trusted[8];		/* 0-ended: cage builder / resolver tgids; they may look everywhere (stat, lookup, read, list) but change nothing */
};

/** fusefs_start() - Handshake is done by the threads it starts. 0; -errno */
int fusefs_start(struct fusefs **ret, const struct fusefs_config *cfg) MUST_USE;

/**
 * fusefs_is_born() - Was this inode of a served tree made in this session?
 * @dev, @ino: of the backing file
 */
bool fusefs_is_born(struct fusefs *fs, dev_t dev, ino_t ino);

/**
 * fusefs_act_for() - What thread @agent does from now on is judged and recorded as @caller's doing
 * @agent, @caller:	As the supervisor sees them; @caller 0 ends it
 *
 * Return: false: it stands for somebody else already, or too many do
 */
bool fusefs_act_for(struct fusefs *fs, pid_t agent, pid_t caller);

/* ---- poke.c: changes that were made outside, told to those inside. All from one thread of its own ---- */

/** fusefs_watch_begin() - Somebody watches the real tree from now on */
void fusefs_watch_begin(struct fusefs *fs);
/**
 * fusefs_changed_recently() - Was it changed from inside in the last moments?
 * @dev, @ino: of the backing object; @name: of a name in that directory, or NULL
 */
bool fusefs_changed_recently(struct fusefs *fs, dev_t dev, ino_t ino, const char *name);
/**
 * fusefs_tell_changed() - A name is there: raise IN_MODIFY for a regular file, IN_ATTRIB for others
 * @view_root:	O_PATH descriptor of the root of the view
 * @dir:	Absolute path in the view; touched only if it is served
 *
 * Context: goes through the mount, so never in a thread that serves
 */
void fusefs_tell_changed(struct fusefs *fs, int view_root, const char *dir, const char *name);
/** fusefs_tell_gone() - A name has gone: raise IN_DELETE. As above */
void fusefs_tell_gone(struct fusefs *fs, int view_root, const char *dir, const char *name, bool is_dir);
/**
 * fusefs_tell_replaced() - A file that had this name has it no more: raise its own IN_DELETE_SELF. As above
 * @real: Of the file, from when it had the name; with STATX_INO and STATX_BTIME
 */
void fusefs_tell_replaced(struct fusefs *fs, int view_root, const char *dir, const char *name, const struct statx *real);

/** fusefs_watch_fd() - Readable: call fusefs_watch(), from one thread always */
int fusefs_watch_fd(const struct fusefs *fs);
/**
 * fusefs_watch() - Let another thread serve if the one that does hangs. Does not wait
 *
 * Return: ms after which it wants to be called again; -1: when the descriptor says so
 */
int fusefs_watch(struct fusefs *fs);

/** fusefs_stop() - After the mount is gone (cage ended): join the threads, free */
void fusefs_stop(struct fusefs *fs);

#endif /* FUSEFS_FUSEFS_H */
