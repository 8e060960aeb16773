/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/notifyd_exec_test.c - The new stack at the exec stop; the table of handlers against the list of calls
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "common/newer.h"
#include "notifyd/exec.h"

#define SP UINT64_C(0x7ffc00001000)

/* A stack as fs/binfmt_elf.c lays it out: two arguments, one variable, AT_BASE, AT_EXECFN */
struct stack {
	uint64_t argc, argv[3], envp[2], auxv[6];
	char text[64];
};

static struct stack make_stack(void)
{
	uint64_t at = SP + offsetof(struct stack, text);
	struct stack s = {
		.argc = 2, .argv = { at, at + 3 }, .envp = { at + 7 },
		.auxv = { AT_BASE, 0x7f0000000000, AT_EXECFN, at + 11, AT_NULL, 0 },
	};

	memcpy(s.text, "ls\0-la\0A=1\0/bin/ls", 19);
	return s;
}

static int parse(const struct stack *s, size_t len, struct new_image *m, uint64_t *base)
{
	memset(m, 0, sizeof(*m));
	return new_image_parse((const void *)s, len, SP, sizeof(uint64_t), m, base);
}

static void test_stack(void **state)
{
	struct stack s = make_stack();
	struct new_image m;
	uint64_t base;

	(void)state;
	assert_int_equal(parse(&s, sizeof(s), &m, &base), 0);
	assert_int_equal(m.argv.argc, 2);
	assert_string_equal(m.argv.v[0], "ls");
	assert_string_equal(m.argv.v[1], "-la");
	assert_string_equal(m.execfn, "/bin/ls");
	assert_true(base == 0x7f0000000000);
	argv_free(&m.argv);
}

static void test_stack_environment(void **state)
{
	struct stack s = make_stack();
	struct new_image *m = calloc(1, sizeof(*m));
	uint64_t base;

	(void)state;
	assert_non_null(m);
	m->wants_env = true;
	assert_int_equal(new_image_parse((const void *)&s, sizeof(s), SP, sizeof(uint64_t), m, &base), 0);
	assert_int_equal(m->env.argc, 1);
	assert_string_equal(m->env.v[0], "A=1");
	assert_true(m->envp == SP + offsetof(struct stack, envp));
	/* a variable that lies outside of the stack cannot be judged */
	s.envp[0] = 0x1000;
	assert_int_equal(new_image_parse((const void *)&s, sizeof(s), SP, sizeof(uint64_t), m, &base), -EBADMSG);
	new_image_free(m);
}

static void test_stack_cut(void **state)
{
	struct stack s = make_stack();
	struct new_image m;
	uint64_t base;

	(void)state;
	/* every shorter copy wants more, and none is taken for the whole */
	for (size_t len = 0; len < offsetof(struct stack, text) + 18; len++) {
		assert_int_equal(parse(&s, len, &m, &base), -ENODATA);
		argv_free(&m.argv);
	}
}

static void test_stack_lies(void **state)
{
	struct stack s = make_stack();
	struct new_image m;
	uint64_t base;

	(void)state;
	s.argc = UINT64_MAX;
	assert_int_equal(parse(&s, sizeof(s), &m, &base), -EBADMSG);
	argv_free(&m.argv);
	s = make_stack();
	s.argv[1] = SP - 8;		/* below the stack pointer */
	assert_int_equal(parse(&s, sizeof(s), &m, &base), -EBADMSG);
	argv_free(&m.argv);
	s = make_stack();
	s.auxv[2] = AT_NULL;		/* no name: nothing to compare with */
	assert_int_equal(parse(&s, sizeof(s), &m, &base), -EBADMSG);
	argv_free(&m.argv);
}

/* ---- the table ---- */

enum treatment { ALLOW, NOTIFY, PARTLY, EPERM_, ENOSYS_ };

static const struct {
	int nr;
	const char *name;
	enum treatment treatment;
} calls[] = {
#define SYSCALL(name, treatment) { SYS_##name, #name, treatment },
#include "common/syscalls.def"
#undef SYSCALL
};

static bool is_partly_ours(const char *name)
{
	static const char *const ours[] = {
		"socket", "sendto", "sendmsg", "sendmmsg", "setxattr", "lsetxattr", "fsetxattr", "seccomp", "prctl",
		"open", "openat", "creat", "chmod", "fchmod", "fchmodat", "fchmodat2",
	};

	for (size_t i = 0; i < ARRAY_SIZE(ours); i++)
		if (strcmp(ours[i], name) == 0)
			return true;
	return false;
}

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		bool is_ours = calls[i].treatment == NOTIFY ||
			       (calls[i].treatment == PARTLY && is_partly_ours(calls[i].name));

		if ((handler_find(calls[i].nr) != NULL) != is_ours)
			fail_msg("%s", calls[i].name);
	}
	assert_null(handler_find(-1));
}

static void test_verdicts(void **state)
{
	struct policy_decision d = { .verdict = POLICY_ASK };

	(void)state;
	assert_int_equal(verdict_errno(&d), EACCES);	/* nobody turns ask into allow */
	d.verdict = POLICY_REDIRECT;
	assert_int_equal(verdict_errno(&d), EACCES);
	d = (struct policy_decision){ .verdict = POLICY_DENY, .err = ENOENT };
	assert_int_equal(verdict_errno(&d), ENOENT);
	d.verdict = POLICY_ALLOW;
	assert_int_equal(verdict_errno(&d), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stack), cmocka_unit_test(test_stack_environment),
		cmocka_unit_test(test_stack_cut), cmocka_unit_test(test_stack_lies),
		cmocka_unit_test(test_table), cmocka_unit_test(test_verdicts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
