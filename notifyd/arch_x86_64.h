/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/arch_x86_64.h - Registers of a stopped task on x86-64
 */
#ifndef NOTIFYD_ARCH_X86_64_H
#define NOTIFYD_ARCH_X86_64_H

#ifdef __x86_64__
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/user.h>

#include "common/base.h"

/** struct arch_regs - A 32-bit task has the shorter set */
struct arch_regs {
	union {
		struct user_regs_struct r;
		uint32_t narrow[17];
	};
};

/* mov $59,%eax; syscall; hlt */
#define ARCH_CODE	{ 0xb8, SYS_execve, 0, 0, 0, 0x0f, 0x05, 0xf4 }
#define ARCH_CODE_SIZE	8u		/* whole words */
#define ARCH_CODE_CALL	7u		/* where the call returns to */

static inline uint64_t arch_stack(const struct arch_regs *g, bool is_narrow)
{
	return is_narrow ? g->narrow[15] : g->r.rsp;
}

static inline uint64_t arch_where(const struct arch_regs *g)
{
	return g->r.rip;
}

/** arch_prepare() - Arguments of the exec that ARCH_CODE at arch_where() makes */
static inline void arch_prepare(struct arch_regs *g, uint64_t stack, uint64_t path, uint64_t argv, uint64_t envp)
{
	g->r.rsp = stack;
	g->r.rdi = path;
	g->r.rsi = argv;
	g->r.rdx = envp;
}

/** arch_is_prepared() - At the entry of a call: is it that exec, with these arguments? */
static inline bool arch_is_prepared(const struct arch_regs *g, uint64_t code, uint64_t path, uint64_t argv,
				    uint64_t envp)
{
	return g->r.orig_rax == SYS_execve && g->r.rip == code + ARCH_CODE_CALL && g->r.rdi == path &&
	       g->r.rsi == argv && g->r.rdx == envp;
}

#endif

#endif /* NOTIFYD_ARCH_X86_64_H */
