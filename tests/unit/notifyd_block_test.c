/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/notifyd_block_test.c - Path, argv and environment as an exec reads them from memory
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "notifyd/block.h"

#define TOP UINT64_C(0x7ffc00010008)

static const char *text_at(const struct block *b, uint64_t at)
{
	assert_true(at >= b->addr && at < b->addr + b->len);
	assert_non_null(memchr(b->data + (at - b->addr), '\0', b->len - (at - b->addr)));
	return b->data + (at - b->addr);
}

static uint64_t pointer_at(const struct block *b, uint64_t at)
{
	uint64_t p;

	assert_true(at >= b->addr && at + sizeof(p) <= b->addr + b->len);
	memcpy(&p, b->data + (at - b->addr), sizeof(p));
	return p;
}

static void test_words(void **state)
{
	const char *const argv[] = { "one", "", "three", NULL };
	char a[] = "A=1", c[] = "C=";
	char *const env[] = { a, c, NULL };
	struct block b;

	(void)state;
	assert_int_equal(block_build(&b, TOP, "/bin/x", argv, env, 0), 0);
	assert_int_equal(b.addr % 16, 0);
	assert_true(b.addr + b.len <= TOP && TOP - b.addr - b.len < 16);
	assert_string_equal(text_at(&b, b.path), "/bin/x");
	for (size_t i = 0; argv[i]; i++)
		assert_string_equal(text_at(&b, pointer_at(&b, b.argv + 8 * i)), argv[i]);
	assert_true(pointer_at(&b, b.argv + 8 * 3) == 0);
	assert_string_equal(text_at(&b, pointer_at(&b, b.envp)), "A=1");
	assert_string_equal(text_at(&b, pointer_at(&b, b.envp + 8)), "C=");
	assert_true(pointer_at(&b, b.envp + 16) == 0);
	block_free(&b);
}

static void test_old_environment(void **state)
{
	const char *const argv[] = { NULL };
	struct block b;

	(void)state;
	assert_int_equal(block_build(&b, TOP, "", argv, NULL, 0x1234), 0);
	assert_true(b.envp == 0x1234);
	assert_string_equal(text_at(&b, b.path), "");
	assert_true(pointer_at(&b, b.argv) == 0);
	assert_int_equal(b.len, 9);
	block_free(&b);
}

static void test_limits(void **state)
{
	char *big = malloc(BLOCK_MAX + 1);
	const char *argv[] = { big, NULL };
	struct block b;

	(void)state;
	assert_non_null(big);
	memset(big, 'x', BLOCK_MAX);
	big[BLOCK_MAX] = '\0';
	assert_int_equal(block_build(&b, TOP, "p", argv, NULL, 0), -E2BIG);
	big[BLOCK_MAX - 19] = '\0';	/* path 2, two pointers 16, its NUL 1 */
	assert_int_equal(block_build(&b, TOP, "p", argv, NULL, 0), 0);
	assert_int_equal(b.len, BLOCK_MAX);
	block_free(&b);
	/* no room below the stack */
	assert_int_equal(block_build(&b, BLOCK_MAX, "p", argv, NULL, 0), -E2BIG);
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_old_environment),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
