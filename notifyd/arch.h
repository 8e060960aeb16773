/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/arch.h - Registers of a stopped task: one file for each kind of machine
 *
 * Each gives: struct arch_regs, ARCH_CODE (what a task runs to exec once more:
 * it loads the number of the call itself, because the kernel overwrites that
 * register on the way back from the first exec), arch_stack(), arch_where(),
 * arch_prepare() and arch_is_prepared().
 */
#ifndef NOTIFYD_ARCH_H
#define NOTIFYD_ARCH_H

#include <elf.h>
#include <errno.h>
#include <stdint.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "common/base.h"

#if defined(__x86_64__)
#include "notifyd/arch_x86_64.h"
#elif defined(__aarch64__)
#include "notifyd/arch_aarch64.h"
#else
#error "no register table for this machine"
#endif

/** arch_read() - 0; -ENOEXEC a 32-bit program; -errno */
static inline int arch_read(pid_t pid, struct arch_regs *ret)
{
	struct iovec iov = { ret, sizeof(*ret) };

	if (ptrace(PTRACE_GETREGSET, pid, (void *)(long)NT_PRSTATUS, &iov) < 0)
		return -errno;
	return iov.iov_len == sizeof(ret->r) ? 0 : -ENOEXEC;
}

/** arch_write() - 0; -errno */
static inline int arch_write(pid_t pid, struct arch_regs *regs)
{
	struct iovec iov = { &regs->r, sizeof(regs->r) };

	return ptrace(PTRACE_SETREGSET, pid, (void *)(long)NT_PRSTATUS, &iov) < 0 ? -errno : 0;
}

#endif /* NOTIFYD_ARCH_H */
