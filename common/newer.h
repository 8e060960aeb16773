/* SPDX-License-Identifier: Apache-2.0
 *
 * common/newer.h - Kernel constants newer than the oldest headers we build with (6.1)
 *
 * Numbers are of the kernel's user interface and never change. Include after
 * the system's headers.
 */
#ifndef COMMON_NEWER_H
#define COMMON_NEWER_H

#include <sys/syscall.h>

/* System calls: one number on all architectures */
#ifndef SYS_cachestat
#define SYS_cachestat	451
#endif
#ifndef SYS_fchmodat2
#define SYS_fchmodat2	452
#endif
#ifndef SYS_map_shadow_stack
#define SYS_map_shadow_stack	453
#endif
#ifndef SYS_futex_wake
#define SYS_futex_wake	454
#endif
#ifndef SYS_futex_wait
#define SYS_futex_wait	455
#endif
#ifndef SYS_futex_requeue
#define SYS_futex_requeue	456
#endif
#ifndef SYS_mseal
#define SYS_mseal	462
#endif
#ifndef SYS_open_tree_attr
#define SYS_open_tree_attr	467
#endif

/* 5.14; not in every architecture's headers */
#ifndef SYS_memfd_secret
#define SYS_memfd_secret	447
#endif

#ifndef PIDFD_THREAD			/* 6.9, pidfd_open */
#define PIDFD_THREAD		00000200
#endif

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV	/* 5.19 */
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV	(1UL << 5)
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS		/* 6.6 */
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS		SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP	(1UL << 0)
#endif

/* Landlock: rights by ABI, and the attribute as of ABI 6 (<linux/landlock.h> may have a shorter one) */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE		/* ABI 3 */
#define LANDLOCK_ACCESS_FS_TRUNCATE		(1ULL << 14)
#endif
#ifndef LANDLOCK_ACCESS_NET_BIND_TCP		/* ABI 4 */
#define LANDLOCK_ACCESS_NET_BIND_TCP		(1ULL << 0)
#define LANDLOCK_ACCESS_NET_CONNECT_TCP		(1ULL << 1)
#endif
#ifndef LANDLOCK_SCOPE_SIGNAL			/* ABI 6 */
#define LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET	(1ULL << 0)
#define LANDLOCK_SCOPE_SIGNAL			(1ULL << 1)
#endif

/* Calls of x86-64 that younger architectures never had: -1, and the filter leaves them out */
#ifndef __x86_64__
#ifndef SYS_access
#define SYS_access	(-1)
#endif
#ifndef SYS_alarm
#define SYS_alarm	(-1)
#endif
#ifndef SYS_arch_prctl
#define SYS_arch_prctl	(-1)
#endif
#ifndef SYS_chmod
#define SYS_chmod	(-1)
#endif
#ifndef SYS_chown
#define SYS_chown	(-1)
#endif
#ifndef SYS_creat
#define SYS_creat	(-1)
#endif
#ifndef SYS_dup2
#define SYS_dup2	(-1)
#endif
#ifndef SYS_epoll_create
#define SYS_epoll_create	(-1)
#endif
#ifndef SYS_epoll_wait
#define SYS_epoll_wait	(-1)
#endif
#ifndef SYS_eventfd
#define SYS_eventfd	(-1)
#endif
#ifndef SYS_fork
#define SYS_fork	(-1)
#endif
#ifndef SYS_futimesat
#define SYS_futimesat	(-1)
#endif
#ifndef SYS_getdents
#define SYS_getdents	(-1)
#endif
#ifndef SYS_getpgrp
#define SYS_getpgrp	(-1)
#endif
#ifndef SYS_inotify_init
#define SYS_inotify_init	(-1)
#endif
#ifndef SYS_ioperm
#define SYS_ioperm	(-1)
#endif
#ifndef SYS_iopl
#define SYS_iopl	(-1)
#endif
#ifndef SYS_lchown
#define SYS_lchown	(-1)
#endif
#ifndef SYS_lstat
#define SYS_lstat	(-1)
#endif
#ifndef SYS_link
#define SYS_link	(-1)
#endif
#ifndef SYS_mkdir
#define SYS_mkdir	(-1)
#endif
#ifndef SYS_mknod
#define SYS_mknod	(-1)
#endif
#ifndef SYS_modify_ldt
#define SYS_modify_ldt	(-1)
#endif
#ifndef SYS_open
#define SYS_open	(-1)
#endif
#ifndef SYS_pause
#define SYS_pause	(-1)
#endif
#ifndef SYS_pipe
#define SYS_pipe	(-1)
#endif
#ifndef SYS_poll
#define SYS_poll	(-1)
#endif
#ifndef SYS_readlink
#define SYS_readlink	(-1)
#endif
#ifndef SYS_rename
#define SYS_rename	(-1)
#endif
#ifndef SYS_rmdir
#define SYS_rmdir	(-1)
#endif
#ifndef SYS_select
#define SYS_select	(-1)
#endif
#ifndef SYS_signalfd
#define SYS_signalfd	(-1)
#endif
#ifndef SYS_stat
#define SYS_stat	(-1)
#endif
#ifndef SYS_symlink
#define SYS_symlink	(-1)
#endif
#ifndef SYS_time
#define SYS_time	(-1)
#endif
#ifndef SYS_unlink
#define SYS_unlink	(-1)
#endif
#ifndef SYS_utime
#define SYS_utime	(-1)
#endif
#ifndef SYS_utimes
#define SYS_utimes	(-1)
#endif
#ifndef SYS_vfork
#define SYS_vfork	(-1)
#endif
#endif /* !__x86_64__ */

#endif /* COMMON_NEWER_H */
