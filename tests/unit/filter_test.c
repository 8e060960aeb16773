/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/filter_test.c - The seccomp program, run in an interpreter for every number there is
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "cage/parts.h"
#include "common/newer.h"

#ifdef __x86_64__
#define ARCH AUDIT_ARCH_X86_64
#else
#define ARCH AUDIT_ARCH_AARCH64
#endif

#define ALLOW	SECCOMP_RET_ALLOW
#define NOTIFY	SECCOMP_RET_USER_NOTIF
#define FAIL(e)	(SECCOMP_RET_ERRNO | (e))
#define GARBAGE	0x5a5a5a5a00000000ull
#define BROKEN	0xdeadbeefu	/* the program left its own bounds, or used what seccomp does not know */

struct program {
	struct sock_filter insn[FILTER_SIZE];
	int count;
};

static void build(struct program *p, bool tracing, bool nested)
{
	struct filter_options opt = { .tracing = tracing, .nested = nested };

	p->count = filter_build(p->insn, ARRAY_SIZE(p->insn), &opt);
	assert_true(p->count > 0);
}

static uint32_t load(const struct seccomp_data *d, uint32_t off)
{
	uint32_t v;

	assert_true(off % 4 == 0 && off + 4 <= sizeof(*d));
	memcpy(&v, (const char *)d + off, sizeof(v));
	return v;
}

static bool compare(const struct sock_filter *f, uint32_t a)
{
	switch (BPF_OP(f->code)) {
	case BPF_JEQ:
		return a == f->k;
	case BPF_JGE:
		return a >= f->k;
	case BPF_JSET:
		return (a & f->k) != 0;
	default:
		fail_msg("jump %#x", f->code);
		return false;
	}
}

static uint32_t run_data(const struct program *p, const struct seccomp_data *d)
{
	uint32_t a = 0;

	for (int pc = 0; pc < p->count; pc++) {
		const struct sock_filter *f = &p->insn[pc];

		if (f->code == (BPF_RET | BPF_K))
			return f->k;
		if (f->code == (BPF_LD | BPF_W | BPF_ABS))
			a = load(d, f->k);
		else if (f->code == (BPF_ALU | BPF_AND | BPF_K))
			a &= f->k;
		else if (f->code == (BPF_JMP | BPF_JA))
			pc += (int)f->k;
		else
			pc += compare(f, a) ? f->jt : f->jf;
	}
	return BROKEN;
}

static uint32_t run(const struct program *p, int nr, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4)
{
	struct seccomp_data d = { .nr = nr, .arch = ARCH, .args = { a0, a1, a2, a3, a4, 0 } };

	return run_data(p, &d);
}

struct call {
	const char *name;
	int nr;
	const char *treatment;
};
static const struct call calls[] = {
#define SYSCALL(name, treat) { #name, SYS_##name, #treat },
#include "common/syscalls.def"
#undef SYSCALL
};

static const struct call *find(int nr)
{
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].nr == nr)
			return &calls[i];
	return NULL;
}

static void every_number_is_treated_as_listed(void **state)
{
	struct program p;

	(void)state;
	build(&p, false, false);
	for (int nr = 0; nr < 2048; nr++) {
		const struct call *c = find(nr);
		uint32_t v = run(&p, nr, 0, 0, 0, 0, 0);

		if (!c || strcmp(c->treatment, "ENOSYS_") == 0)
			assert_int_equal(v, FAIL(ENOSYS));
		else if (strcmp(c->treatment, "ALLOW") == 0)
			assert_int_equal(v, ALLOW);
		else if (strcmp(c->treatment, "NOTIFY") == 0)
			assert_int_equal(v, NOTIFY);
		else if (strcmp(c->treatment, "EPERM_") == 0)
			assert_int_equal(v, FAIL(EPERM));
		else
			assert_string_equal(c->treatment, "PARTLY");
	}
}

static const uint64_t accesses[] = { O_RDONLY, O_WRONLY, O_RDWR, O_ACCMODE };

/* What truncates without a descriptor to write by is the doorman's always: Landlock does not see it */
static void truncation_unseen_by_landlock_is_notified(void **state)
{
	struct program p;

	(void)state;
	build(&p, false, false);
	for (size_t i = 0; i < ARRAY_SIZE(accesses); i++) {
		bool writes = accesses[i] == O_WRONLY || accesses[i] == O_RDWR;
		uint64_t flags = GARBAGE | O_CLOEXEC | O_CREAT | accesses[i];

		assert_int_equal(run(&p, SYS_openat, 0, 0, flags, 0, 0), ALLOW);
		assert_int_equal(run(&p, SYS_openat, 0, 0, flags | O_TRUNC, 0, 0), writes ? ALLOW : NOTIFY);
		if (SYS_open < 0)
			continue;
		assert_int_equal(run(&p, SYS_open, 0, flags, 0, 0, 0), ALLOW);
		assert_int_equal(run(&p, SYS_open, 0, flags | O_TRUNC, 0, 0, 0), writes ? ALLOW : NOTIFY);
	}
	if (SYS_creat >= 0)
		assert_int_equal(run(&p, SYS_creat, 0, 0, 0, 0, 0), ALLOW);
}

static void opens_that_change_something_are_notified_if_asked(void **state)
{
	static const uint64_t changing[] = { O_WRONLY, O_RDWR, O_ACCMODE, O_CREAT, O_TRUNC, O_TMPFILE };
	static const uint64_t looking[] = { 0, O_CLOEXEC, O_DIRECTORY, O_PATH, O_NOFOLLOW | O_NONBLOCK };
	struct filter_options opt = { .traps_opens = true };
	struct program p;

	(void)state;
	p.count = filter_build(p.insn, ARRAY_SIZE(p.insn), &opt);
	assert_true(p.count > 0);
	for (size_t i = 0; i < ARRAY_SIZE(changing); i++)
		assert_int_equal(run(&p, SYS_openat, 0, 0, GARBAGE | changing[i], 0, 0), NOTIFY);
	for (size_t i = 0; i < ARRAY_SIZE(looking); i++)
		assert_int_equal(run(&p, SYS_openat, 0, 0, GARBAGE | looking[i], 0, 0), ALLOW);
	if (SYS_open >= 0) {
		assert_int_equal(run(&p, SYS_open, 0, O_WRONLY, 0, 0, 0), NOTIFY);
		assert_int_equal(run(&p, SYS_open, 0, O_DIRECTORY, O_WRONLY, 0, 0), ALLOW);
		assert_int_equal(run(&p, SYS_creat, 0, 0, 0, 0, 0), NOTIFY);
	}
}

static void a_file_is_given_to_nobody_but_oneself(void **state)
{
	struct filter_options opt = { .uid = 1000, .gid = 1001 };
	struct program p;

	(void)state;
	p.count = filter_build(p.insn, ARRAY_SIZE(p.insn), &opt);
	assert_true(p.count > 0);
	assert_int_equal(run(&p, SYS_fchown, 0, GARBAGE | 1000, 1001, 0, 0), ALLOW);
	assert_int_equal(run(&p, SYS_fchown, 0, GARBAGE | 0xffffffff, UINT64_MAX, 0, 0), ALLOW);
	assert_int_equal(run(&p, SYS_fchown, 0, 1000, 1000, 0, 0), FAIL(EPERM));
	assert_int_equal(run(&p, SYS_fchown, 0, 0, 1001, 0, 0), FAIL(EPERM));
	assert_int_equal(run(&p, SYS_fchownat, 1, 2, 1000, GARBAGE | 1001, 0), ALLOW);
	assert_int_equal(run(&p, SYS_fchownat, 1, 1000, 0, 1001, 0), FAIL(EPERM));
	build(&p, false, false);	/* root's cage */
	assert_int_equal(run(&p, SYS_fchown, 0, 1, 2, 0, 0), ALLOW);
}

static void nobody_becomes_anybody_else(void **state)
{
	struct filter_options opt = { .uid = 1000, .gid = 1001 };
	struct program p;

	(void)state;
	p.count = filter_build(p.insn, ARRAY_SIZE(p.insn), &opt);
	assert_true(p.count > 0);
	assert_int_equal(run(&p, SYS_setuid, GARBAGE | 1000, 0, 0, 0, 0), ALLOW);
	assert_int_equal(run(&p, SYS_setuid, 1001, 0, 0, 0, 0), FAIL(EPERM));
	assert_int_equal(run(&p, SYS_setuid, UINT32_MAX, 0, 0, 0, 0), ALLOW);	/* the kernel's EINVAL */
	assert_int_equal(run(&p, SYS_setgid, 1001, 0, 0, 0, 0), ALLOW);
	assert_int_equal(run(&p, SYS_setgid, 1000, 0, 0, 0, 0), FAIL(EPERM));
	assert_int_equal(run(&p, SYS_setreuid, UINT32_MAX, 1000, 0, 0, 0), ALLOW);
	assert_int_equal(run(&p, SYS_setreuid, 1000, 0, 0, 0, 0), FAIL(EPERM));
	assert_int_equal(run(&p, SYS_setregid, 0, 1001, 0, 0, 0), FAIL(EPERM));
	assert_int_equal(run(&p, SYS_setresuid, 1000, UINT32_MAX, 1000, 0, 0), ALLOW);
	assert_int_equal(run(&p, SYS_setresuid, 1000, 1000, 0, 0, 0), FAIL(EPERM));
	assert_int_equal(run(&p, SYS_setresuid, 1000, 0, 1000, 0, 0), FAIL(EPERM));
	assert_int_equal(run(&p, SYS_setresgid, 1001, 1001, 1001, 0, 0), ALLOW);
	build(&p, false, false);	/* root's cage */
	assert_int_equal(run(&p, SYS_setuid, 33, 0, 0, 0, 0), ALLOW);
}

static void only_filters_are_the_doormans_of_prctl_and_seccomp(void **state)
{
	struct program p;

	(void)state;
	build(&p, false, false);
	assert_int_equal(run(&p, SYS_seccomp, GARBAGE | SECCOMP_SET_MODE_FILTER, 0, 0, 0, 0), NOTIFY);
	assert_int_equal(run(&p, SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, 0, 0, 0), ALLOW);
	assert_int_equal(run(&p, SYS_prctl, GARBAGE | PR_SET_SECCOMP, SECCOMP_MODE_FILTER, 0, 0, 0), NOTIFY);
	assert_int_equal(run(&p, SYS_prctl, PR_SET_NAME, PR_SET_SECCOMP, 0, 0, 0), ALLOW);
}

static void modes_of_programs_are_notified_in_a_cage_of_roots(void **state)
{
	static const struct { int nr; unsigned int arg; } calls_with_modes[] = {
		{ SYS_chmod, 1 }, { SYS_fchmod, 1 }, { SYS_fchmodat, 2 }, { SYS_fchmodat2, 2 },
	};
	struct filter_options opt = { .is_lone_root = true };
	struct program user, root;

	(void)state;
	build(&user, false, false);
	root.count = filter_build(root.insn, ARRAY_SIZE(root.insn), &opt);
	assert_true(root.count > 0);
	for (size_t i = 0; i < ARRAY_SIZE(calls_with_modes); i++) {
		int nr = calls_with_modes[i].nr;
		unsigned int arg = calls_with_modes[i].arg;

		if (nr < 0)
			continue;
		for (unsigned int mode = 0; mode <= 07777; mode++) {
			uint64_t a = GARBAGE | mode;
			uint32_t want = mode & 06000 ? NOTIFY : ALLOW;

			assert_int_equal(run(&root, nr, 0, arg == 1 ? a : 0, arg == 2 ? a : 0, 0, 0), want);
			assert_int_equal(run(&user, nr, 0, arg == 1 ? a : 0, arg == 2 ? a : 0, 0, 0), ALLOW);
		}
	}
	assert_int_equal(run(&root, SYS_fsetxattr, 0, 0, 0, 0, 0), NOTIFY);
	assert_int_equal(run(&user, SYS_fsetxattr, 0, 0, 0, 0, 0), ALLOW);
}

static void every_partly_call_has_its_block(void **state)
{
	struct filter_options opt = { .tracing = false };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		bool is_partly = strcmp(calls[i].treatment, "PARTLY") == 0;
		size_t count;

		assert_int_equal(filter_args(calls[i].nr, &opt, &count) != NULL, is_partly);
	}
}

static void no_number_is_listed_twice(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		for (size_t j = 0; j < i; j++)
			assert_false(calls[i].nr >= 0 && calls[i].nr == calls[j].nr);
}

static void names_have_the_numbers_of_libseccomp(void **state)
{
	size_t known = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		int nr = seccomp_syscall_resolve_name(calls[i].name);

		if (nr < 0)
			continue;	/* newer than libseccomp, or not of this architecture */
		assert_int_equal(nr, calls[i].nr);
		known++;
	}
	assert_true(known > 250);
}

static void other_interfaces_are_enosys(void **state)
{
	static const uint32_t archs[] = { AUDIT_ARCH_I386, AUDIT_ARCH_ARM, AUDIT_ARCH_PPC64LE, 0, ~0u };
	struct program p;

	(void)state;
	build(&p, true, true);
	for (size_t i = 0; i < ARRAY_SIZE(archs); i++) {
		for (int nr = 0; nr < 600; nr++) {
			struct seccomp_data d = { .nr = nr, .arch = archs[i] };

			assert_int_equal(run_data(&p, &d), FAIL(ENOSYS));
		}
	}
#ifdef __x86_64__
	for (int nr = 0; nr < 1024; nr++)	/* x32 */
		assert_int_equal(run(&p, nr | 0x40000000, 1, 1, 0, 0, 0), FAIL(ENOSYS));
#endif
	assert_int_equal(run(&p, -1, 0, 0, 0, 0, 0), FAIL(ENOSYS));
	assert_int_equal(run(&p, INT32_MIN, 0, 0, 0, 0, 0), FAIL(ENOSYS));
}

static uint32_t expected_socket(int domain, int type, int protocol)
{
	type &= 0xf;
	if (domain == AF_UNIX)
		return type == SOCK_STREAM || type == SOCK_DGRAM || type == SOCK_SEQPACKET ? ALLOW : FAIL(ESOCKTNOSUPPORT);
	if (domain == AF_NETLINK)
		return protocol == 0 ? ALLOW : FAIL(EPROTONOSUPPORT);
	if (domain != AF_INET && domain != AF_INET6)
		return FAIL(EAFNOSUPPORT);
	if (type == SOCK_STREAM)
		return NOTIFY;
	if (type != SOCK_DGRAM)
		return FAIL(EPERM);
	return protocol == 0 || protocol == 17 || protocol == 136 ? ALLOW : FAIL(EPROTONOSUPPORT);
}

static void sockets_are_of_known_kinds(void **state)
{
	static const int protocols[] = { 0, 1, 6, 17, 58, 132, 136, 255, 262, -1 };
	static const int flags[] = { 0, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_CLOEXEC | SOCK_NONBLOCK };
	struct program p;

	(void)state;
	build(&p, false, false);
	for (int domain = -1; domain < 70; domain++)
		for (int type = 0; type < 16; type++)
			for (size_t i = 0; i < ARRAY_SIZE(protocols) * ARRAY_SIZE(flags); i++) {
				int protocol = protocols[i / ARRAY_SIZE(flags)], full = type | flags[i % ARRAY_SIZE(flags)];
				uint32_t want = expected_socket(domain, full, protocol);

				assert_int_equal(run(&p, SYS_socket, (uint32_t)domain, (uint32_t)full, (uint32_t)protocol, 0, 0), want);
				assert_int_equal(run(&p, SYS_socket, GARBAGE | (uint32_t)domain, GARBAGE | (uint32_t)full,
						     GARBAGE | (uint32_t)protocol, 0, 0), want);
			}
}

static void pairs_are_unix(void **state)
{
	struct program p;

	(void)state;
	build(&p, false, false);
	for (int domain = 0; domain < 64; domain++) {
		for (int type = 0; type < 16; type++) {
			bool ok = type == SOCK_STREAM || type == SOCK_DGRAM || type == SOCK_SEQPACKET;
			uint32_t want = domain != AF_UNIX ? FAIL(EAFNOSUPPORT) : ok ? ALLOW : FAIL(ESOCKTNOSUPPORT);

			assert_int_equal(run(&p, SYS_socketpair, GARBAGE | (uint32_t)domain, (uint32_t)type | SOCK_CLOEXEC, 0, 0, 0), want);
		}
	}
}

static void sends_with_an_address_go_to_the_doorman(void **state)
{
	const uint64_t fastopen = 0x20000000;
	struct program p;

	(void)state;
	build(&p, false, false);
	assert_int_equal(run(&p, SYS_sendto, 3, 1, 1, MSG_NOSIGNAL, 0), ALLOW);
	assert_int_equal(run(&p, SYS_sendto, 3, 1, 1, GARBAGE, 0), ALLOW);
	assert_int_equal(run(&p, SYS_sendto, 3, 1, 1, 0, 0x7ffe12345678), NOTIFY);
	assert_int_equal(run(&p, SYS_sendto, 3, 1, 1, 0, 0x100000000), NOTIFY);
	assert_int_equal(run(&p, SYS_sendto, 3, 1, 1, 0, 1), NOTIFY);
	assert_int_equal(run(&p, SYS_sendto, 3, 1, 1, fastopen, 1), FAIL(EOPNOTSUPP));
	assert_int_equal(run(&p, SYS_sendto, 3, 1, 1, GARBAGE | fastopen | MSG_NOSIGNAL, 0), FAIL(EOPNOTSUPP));
	assert_int_equal(run(&p, SYS_sendmsg, 3, 1, GARBAGE, 0, 0), NOTIFY);
	assert_int_equal(run(&p, SYS_sendmsg, 3, 1, GARBAGE | fastopen, 0, 0), FAIL(EOPNOTSUPP));
	assert_int_equal(run(&p, SYS_sendmmsg, 3, 1, fastopen, GARBAGE, 0), NOTIFY);
	assert_int_equal(run(&p, SYS_sendmmsg, 3, 1, 1, GARBAGE | fastopen, 0), FAIL(EOPNOTSUPP));
}

static void terminals_cannot_be_typed_into(void **state)
{
	static const unsigned refused[] = { TIOCSTI, TIOCLINUX, TIOCSETD, TIOCCONS };
	static const unsigned allowed[] = { TCGETS, TCSETS, TIOCGWINSZ, TIOCSWINSZ, TIOCSPGRP, TIOCSCTTY, TIOCNOTTY, FIONREAD, FIONBIO, 0 };
	struct program p;

	(void)state;
	build(&p, false, false);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		assert_int_equal(run(&p, SYS_ioctl, 0, refused[i], 0, 0, 0), FAIL(EPERM));
		assert_int_equal(run(&p, SYS_ioctl, 0, refused[i] | 1ull << 32, 0, 0, 0), FAIL(EPERM));
	}
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++)
		assert_int_equal(run(&p, SYS_ioctl, 0, allowed[i], 0, 0, 0), ALLOW);
}

static void namespaces_only_where_nested(void **state)
{
	static const unsigned flags[] = {
		CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET, 0x80,
	};
	struct program p, nested;

	(void)state;
	build(&p, false, false);
	build(&nested, false, true);
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		assert_int_equal(run(&p, SYS_unshare, GARBAGE | CLONE_FILES | flags[i], 0, 0, 0, 0), FAIL(EPERM));
		assert_int_equal(run(&nested, SYS_unshare, flags[i], 0, 0, 0, 0), ALLOW);
	}
	assert_int_equal(run(&p, SYS_unshare, CLONE_FILES | CLONE_FS | CLONE_SYSVSEM, 0, 0, 0, 0), ALLOW);
	assert_int_equal(run(&p, SYS_chroot, 0, 0, 0, 0, 0), FAIL(EPERM));
	assert_int_equal(run(&nested, SYS_chroot, 0, 0, 0, 0, 0), ALLOW);
}

static void other_tasks_only_where_tracing(void **state)
{
	static const int numbers[] = { SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_pidfd_getfd, SYS_kcmp };
	struct program p, tracing;

	(void)state;
	build(&p, false, true);
	build(&tracing, true, false);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		assert_int_equal(run(&p, numbers[i], 0, 0, 0, 0, 0), FAIL(EPERM));
		assert_int_equal(run(&tracing, numbers[i], 0, 0, 0, 0, 0), ALLOW);
	}
}

static void every_path_ends_in_a_verdict(void **state)
{
	struct program p;

	(void)state;
	build(&p, true, true);
	assert_true(p.count < FILTER_SIZE / 2);
	for (int pc = 0; pc < p.count; pc++) {
		const struct sock_filter *f = &p.insn[pc];
		int furthest = pc + 1;

		if (f->code == (BPF_RET | BPF_K))
			continue;
		if (BPF_CLASS(f->code) == BPF_JMP)
			furthest += f->code == (BPF_JMP | BPF_JA) ? (int)f->k : f->jt > f->jf ? f->jt : f->jf;
		assert_true(furthest < p.count);
	}
}

static void a_small_buffer_is_refused(void **state)
{
	struct sock_filter insn[16];
	struct filter_options opt = { .tracing = true };

	(void)state;
	assert_int_equal(filter_build(insn, ARRAY_SIZE(insn), &opt), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_number_is_treated_as_listed),
		cmocka_unit_test(a_file_is_given_to_nobody_but_oneself),
		cmocka_unit_test(nobody_becomes_anybody_else),
		cmocka_unit_test(only_filters_are_the_doormans_of_prctl_and_seccomp),
		cmocka_unit_test(modes_of_programs_are_notified_in_a_cage_of_roots),
		cmocka_unit_test(every_partly_call_has_its_block),
		cmocka_unit_test(truncation_unseen_by_landlock_is_notified),
		cmocka_unit_test(opens_that_change_something_are_notified_if_asked),
		cmocka_unit_test(no_number_is_listed_twice),
		cmocka_unit_test(names_have_the_numbers_of_libseccomp),
		cmocka_unit_test(other_interfaces_are_enosys),
		cmocka_unit_test(sockets_are_of_known_kinds),
		cmocka_unit_test(pairs_are_unix),
		cmocka_unit_test(sends_with_an_address_go_to_the_doorman),
		cmocka_unit_test(terminals_cannot_be_typed_into),
		cmocka_unit_test(namespaces_only_where_nested),
		cmocka_unit_test(other_tasks_only_where_tracing),
		cmocka_unit_test(every_path_ends_in_a_verdict),
		cmocka_unit_test(a_small_buffer_is_refused),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
