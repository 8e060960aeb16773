/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/table.c - System call -> handler
 *
 * What the filter notifies is in common/syscalls.def; a test compares.
 */
#include "notifyd/doorman.h"

#include <sys/syscall.h>

#include "common/newer.h"

static const struct handler handlers[] = {
	{ SYS_openat, false, handle_open },
	{ SYS_open, false, handle_open },
	{ SYS_execve, false, handle_execve },
	{ SYS_execveat, false, handle_execve },
	{ SYS_sendmsg, false, handle_sendmsg },
	{ SYS_connect, false, handle_connect },
	{ SYS_setsockopt, false, handle_setsockopt },
	{ SYS_socket, true, handle_socket },
	{ SYS_bind, false, handle_bind },
	{ SYS_listen, true, handle_listen },
	{ SYS_sendto, false, handle_sendto },
	{ SYS_sendmmsg, false, handle_sendmmsg },
	{ SYS_inotify_add_watch, false, handle_inotify_add_watch },
	{ SYS_openat2, false, handle_openat2 },
	{ SYS_seccomp, false, handle_filter },
	{ SYS_prctl, false, handle_filter },
	{ SYS_truncate, false, handle_truncate },
	{ SYS_creat, false, handle_open },
	{ SYS_chmod, false, handle_chmod },
	{ SYS_fchmod, false, handle_chmod },
	{ SYS_fchmodat, false, handle_chmod },
	{ SYS_fchmodat2, false, handle_chmod },
	{ SYS_setxattr, false, handle_setxattr },
	{ SYS_lsetxattr, false, handle_setxattr },
	{ SYS_fsetxattr, false, handle_setxattr },
};

const struct handler *handler_find(int nr)
{
	for (size_t i = 0; i < ARRAY_SIZE(handlers); i++)
		if (handlers[i].nr == nr && nr >= 0)	/* -1: a call that this architecture lacks */
			return &handlers[i];
	return NULL;
}
