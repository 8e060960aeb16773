/* SPDX-License-Identifier: Apache-2.0
 *
 * cage/filter.c - The seccomp program: known system calls, everything else ENOSYS
 *
 * DOC: Theory of operation
 *
 * common/syscalls.def is sorted by number and cut into ranges that are treated
 * alike; gaps are ENOSYS. The program is a prologue (architecture, x32), then
 * a balanced tree of comparisons over the starts of the ranges: about seven
 * for any number. What is allowed without a look at its arguments does not
 * even cost that: since 5.11 the kernel finds it out once, and keeps a bitmap.
 *
 * Why not libseccomp: it needs 2 to 2.6 ms for this list, more than all
 * namespaces together, and each start of a cage would pay them; this takes
 * microseconds. And it has one default for the whole filter, whereas the
 * default of socket(2) is EAFNOSUPPORT. A test compares names and numbers with
 * libseccomp's, and runs the program in an interpreter.
 */
#include "cage/parts.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/newer.h"

#if defined(__x86_64__)
#define NATIVE_ARCH	AUDIT_ARCH_X86_64
#define X32_BIT		0x40000000u
#elif defined(__aarch64__)
#define NATIVE_ARCH	AUDIT_ARCH_AARCH64
#else
#error "cage/filter.c does not know this architecture"
#endif

enum treatment { ENOSYS_ = 0, ALLOW, NOTIFY, PARTLY, EPERM_ };

struct call {
	int nr;
	enum treatment treatment;
};

static const struct call calls[] = {
#define SYSCALL(name, treat) { SYS_##name, treat },
#include "common/syscalls.def"
#undef SYSCALL
};

static const uint32_t verdicts[] = {
	[ENOSYS_] = SECCOMP_RET_ERRNO | ENOSYS,
	[ALLOW] = SECCOMP_RET_ALLOW,
	[NOTIFY] = SECCOMP_RET_USER_NOTIF,
	[EPERM_] = SECCOMP_RET_ERRNO | EPERM,
};

/* Numbers from @from up to the next range's: one leaf of the tree */
struct range {
	uint32_t from;
	enum treatment treatment;	/* PARTLY: of exactly one number */
};
#define RANGES_MAX (2 * ARRAY_SIZE(calls) + 1)

struct program {
	struct sock_filter *insn;
	size_t size, count;
	const struct filter_options *opt;
	struct range range[RANGES_MAX];
	size_t range_count;
};

static int by_number(const void *a, const void *b)
{
	const struct call *x = a, *y = b;

	return (x->nr > y->nr) - (x->nr < y->nr);
}

static void range_add(struct program *p, uint32_t from, enum treatment t)
{
	if (p->range_count > 0 && t != PARTLY && p->range[p->range_count - 1].treatment == t)
		return;
	p->range[p->range_count++] = (struct range){ from, t };
}

static void ranges_make(struct program *p)
{
	struct call sorted[ARRAY_SIZE(calls)];
	uint32_t next = 0;

	memcpy(sorted, calls, sizeof(sorted));
	qsort(sorted, ARRAY_SIZE(sorted), sizeof(sorted[0]), by_number);
	range_add(p, 0, ENOSYS_);
	for (size_t i = 0; i < ARRAY_SIZE(sorted); i++) {
		uint32_t nr = (uint32_t)sorted[i].nr;

		if (sorted[i].nr < 0)
			continue;	/* not on this architecture */
		if (nr > next)
			range_add(p, next, ENOSYS_);
		if (nr == 0)
			p->range_count = 0;
		range_add(p, nr, sorted[i].treatment);
		next = nr + 1;
	}
	range_add(p, next, ENOSYS_);
}

static void put(struct program *p, struct sock_filter insn)
{
	if (p->count < p->size)
		p->insn[p->count] = insn;
	p->count++;
}

static struct sock_filter with_ids(struct sock_filter insn, const struct filter_options *opt)
{
	if (insn.code == (BPF_JMP | BPF_JEQ | BPF_K) && insn.k == FILTER_OWN_UID)
		insn.k = opt->uid;
	else if (insn.code == (BPF_JMP | BPF_JEQ | BPF_K) && insn.k == FILTER_OWN_GID)
		insn.k = opt->gid;
	return insn;
}

static void put_leaf(struct program *p, const struct range *r)
{
	const struct sock_filter *block;
	size_t count;

	if (r->treatment != PARTLY) {
		put(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, verdicts[r->treatment]));
		return;
	}
	block = filter_args((int)r->from, p->opt, &count);
	if (!block) {	/* a line in syscalls.def without its block: shut */
		put(p, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
		return;
	}
	for (size_t i = 0; i < count; i++)
		put(p, with_ids(block[i], p->opt));
}

/* A conditional jump reaches 255 instructions, an unconditional one any: so each node has both */
static void put_tree(struct program *p, size_t first, size_t end)
{
	size_t middle = first + (end - first) / 2, jump;

	if (end - first == 1) {
		put_leaf(p, &p->range[first]);
		return;
	}
	put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, p->range[middle].from, 0, 1));
	jump = p->count;
	put(p, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0));
	put_tree(p, first, middle);
	if (jump < p->size)
		p->insn[jump].k = (uint32_t)(p->count - jump - 1);
	put_tree(p, middle, end);
}

static void put_prologue(struct program *p)
{
	const struct sock_filter refuse =
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS);

	put(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
	put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0));
	put(p, refuse);
	put(p, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
#ifdef X32_BIT
	put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1));
	put(p, refuse);
#endif
}

/* The one call whose arguments are looked at all the time does not go down the tree */
static void put_openat(struct program *p)
{
	const struct sock_filter *block;
	size_t count;

	block = filter_args(SYS_openat, p->opt, &count);
	if (!block || count > UINT8_MAX)
		return;		/* the tree has it too */
	put(p, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, (uint8_t)count));
	for (size_t i = 0; i < count; i++)
		put(p, block[i]);
}

/* MODE=teeth: a layer that is off refuses, or asks, nothing */
static void weaken(struct program *p)
{
	for (size_t i = 0; i < p->count; i++) {
		struct sock_filter *f = &p->insn[i];
		bool is_errno = (f->k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO;

		if (f->code != (BPF_RET | BPF_K))
			continue;
		if ((is_errno && p->opt->no_refusals) ||
		    (f->k == SECCOMP_RET_USER_NOTIF && p->opt->no_notify))
			f->k = SECCOMP_RET_ALLOW;
	}
}

int filter_build(struct sock_filter *insn, size_t size, const struct filter_options *opt)
{
	struct program p = { .insn = insn, .size = size, .opt = opt };

	ranges_make(&p);
	put_prologue(&p);
	put_openat(&p);
	put_tree(&p, 0, p.range_count);
	if (p.count > size)
		return -E2BIG;
	weaken(&p);
	return (int)p.count;
}

int filter_install(const struct filter_options *opt, int *ret_listener)
{
	struct sock_filter insn[FILTER_SIZE];
	int count = filter_build(insn, ARRAY_SIZE(insn), opt);
	struct sock_fprog prog = { .len = (unsigned short)count, .filter = insn };
	unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	long r;

	if (count < 0)
		return count;
	/* The listener exists even where nothing notifies: the supervisor waits for it */
	r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
	if (r < 0)
		return -errno;
	*ret_listener = (int)r;
	return 0;
}
