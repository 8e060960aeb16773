/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/arch_aarch64.h - Registers of a stopped task on 64-bit ARM
 */
#ifndef NOTIFYD_ARCH_AARCH64_H
#define NOTIFYD_ARCH_AARCH64_H

#ifdef __aarch64__
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/user.h>

#include "common/base.h"

/** struct arch_regs - A 32-bit task has the shorter set */
struct arch_regs {
	union {
		struct user_regs_struct r;
		uint32_t narrow[18];
	};
};

/* mov x0, x3 (x0 takes the result of the first exec); mov x8, #221; svc #0; brk #0 */
#define ARCH_CODE { 0xe0, 0x03, 0x03, 0xaa, 0xa8, 0x1b, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4, 0x00, 0x00, 0x20, 0xd4 }
#define ARCH_CODE_SIZE	16u		/* whole words */
#define ARCH_CODE_CALL	12u		/* where the call returns to */

static inline uint64_t arch_stack(const struct arch_regs *g, bool is_narrow)
{
	return is_narrow ? g->narrow[13] : g->r.sp;
}

static inline uint64_t arch_where(const struct arch_regs *g)
{
	return g->r.pc;
}

/** arch_prepare() - Arguments of the exec that ARCH_CODE at arch_where() makes */
static inline void arch_prepare(struct arch_regs *g, uint64_t stack, uint64_t path, uint64_t argv, uint64_t envp)
{
	g->r.sp = stack;
	g->r.regs[3] = path;
	g->r.regs[1] = argv;
	g->r.regs[2] = envp;
}

/** arch_is_prepared() - At the entry of a call: is it that exec, with these arguments? */
static inline bool arch_is_prepared(const struct arch_regs *g, uint64_t code, uint64_t path, uint64_t argv,
				    uint64_t envp)
{
	return g->r.regs[8] == SYS_execve && g->r.pc == code + ARCH_CODE_CALL && g->r.regs[0] == path &&
	       g->r.regs[1] == argv && g->r.regs[2] == envp;
}

#endif

#endif /* NOTIFYD_ARCH_AARCH64_H */
