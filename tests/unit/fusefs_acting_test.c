/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/fusefs_acting_test.c - For whom a thread of the resolver's makes its requests
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fusefs/acting.h"
#include "fusefs/fs.h"

static int set_up(void **state)
{
	*state = calloc(1, sizeof(struct fusefs));
	return *state ? 0 : -1;
}

static int tear_down(void **state)
{
	free(*state);
	return 0;
}

static void test_for_itself(void **state)
{
	struct fusefs *fs = *state;

	assert_int_equal(acting_caller(&fs->acting, 7), 7);
	assert_int_equal(acting_caller(&fs->acting, 0), 0);
	assert_false(fusefs_act_for(fs, 0, 5));
	assert_false(fusefs_act_for(fs, -1, 5));
	assert_int_equal(acting_caller(&fs->acting, 0), 0);
}

static void test_for_another(void **state)
{
	struct fusefs *fs = *state;

	assert_true(fusefs_act_for(fs, 7, 100));
	assert_true(fusefs_act_for(fs, 8, 100));
	assert_int_equal(acting_caller(&fs->acting, 7), 100);
	assert_int_equal(acting_caller(&fs->acting, 8), 100);
	assert_int_equal(acting_caller(&fs->acting, 9), 9);
	assert_int_equal(acting_caller(&fs->acting, 0), 0);	/* a free place is nobody's */
	assert_false(fusefs_act_for(fs, 7, 101));		/* for one at a time */
	assert_int_equal(acting_caller(&fs->acting, 7), 100);
	assert_true(fusefs_act_for(fs, 7, 0));
	assert_int_equal(acting_caller(&fs->acting, 7), 7);
	assert_int_equal(acting_caller(&fs->acting, 8), 100);
	assert_int_equal(acting_caller(&fs->acting, 0), 0);	/* the kernel itself; that place was 7's */
	assert_true(fusefs_act_for(fs, 7, 101));
	assert_int_equal(acting_caller(&fs->acting, 7), 101);
}

static void test_too_many(void **state)
{
	struct fusefs *fs = *state;

	for (int i = 1; i <= ACTING_MAX; i++)
		assert_true(fusefs_act_for(fs, i, 1000 + i));
	assert_false(fusefs_act_for(fs, ACTING_MAX + 1, 5));
	assert_true(fusefs_act_for(fs, ACTING_MAX + 1, 0));	/* an end is always taken */
	for (int i = 1; i <= ACTING_MAX; i++) {
		assert_int_equal(acting_caller(&fs->acting, i), 1000 + i);
		assert_true(fusefs_act_for(fs, i, 0));
		assert_int_equal(acting_caller(&fs->acting, i), i);
	}
	assert_true(fusefs_act_for(fs, ACTING_MAX + 1, 5));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_for_itself, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_for_another, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_too_many, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
