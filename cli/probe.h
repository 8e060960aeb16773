/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/probe.h - Tries one mechanism of the kernel on this machine, for "agentsh doctor"
 */
#ifndef CLI_PROBE_H
#define CLI_PROBE_H

#include "common/base.h"

/** struct probe_result - What trying has shown. Crosses a pipe from the child that tried. */
struct probe_result {
	int err;		/* 0: it works; errno > 0 */
	int value;		/* a number where there is one: the Landlock ABI, a setting */
	char detail[160];	/* more than errno says, or "" */
	char next[200];		/* the command to type, or "" */
};

/**
 * probe_run() - Try in a forked child, which may do to itself what it likes
 * @try:	Fills @ret; a child that dies or hangs (5 s) counts as err = EIO
 */
void probe_run(void (*try)(struct probe_result *ret), struct probe_result *ret);

/**
 * doctor_lacking() - The optional things that this kernel lacks, by name: "Landlock: scopes, PIDFD_THREAD"
 *
 * Two system calls where it lacks nothing.
 *
 * Return: @buf, empty if there is nothing to say
 */
char *doctor_lacking(char *buf, size_t size);

/* Each is one mechanism; all but the settings change the process they run in */
void probe_kernel(struct probe_result *ret);
void probe_userns(struct probe_result *ret);
void probe_mntns(struct probe_result *ret);
void probe_netns(struct probe_result *ret);
void probe_ipcns(struct probe_result *ret);
void probe_pidns(struct probe_result *ret);
void probe_proc(struct probe_result *ret);
void probe_fuse(struct probe_result *ret);
void probe_notify(struct probe_result *ret);
void probe_sync_wake_up(struct probe_result *ret);
void probe_seize(struct probe_result *ret);
void probe_getfd(struct probe_result *ret);
void probe_openat2(struct probe_result *ret);
void probe_mount_setattr(struct probe_result *ret);
void probe_pidfd_thread(struct probe_result *ret);
void probe_landlock(struct probe_result *ret);
void probe_diag(struct probe_result *ret);
void probe_outside(struct probe_result *ret);
void probe_tiocsti(struct probe_result *ret);
void probe_hardlinks(struct probe_result *ret);
void probe_yama(struct probe_result *ret);

#endif /* CLI_PROBE_H */
