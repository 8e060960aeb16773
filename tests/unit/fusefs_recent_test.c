/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/fusefs_recent_test.c - What was changed from inside in the last moments
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "fusefs/recent.h"

static struct recent *watched(void)
{
	struct recent *r = recent_new();

	assert_non_null(r);
	recent_begin(r);
	return r;
}

static void test_nobody_watches(void **state)
{
	struct recent *r = recent_new();

	(void)state;
	recent_object(r, 1, 2);
	assert_false(recent_has(r, 1, 2, NULL));
	recent_begin(r);
	recent_object(r, 1, 2);
	assert_true(recent_has(r, 1, 2, NULL));
	recent_free(r);
}

static void test_told_apart(void **state)
{
	struct recent *r = watched();

	(void)state;
	recent_object(r, 1, 2);
	recent_name(r, 1, 3, "name");
	assert_true(recent_has(r, 1, 2, NULL));
	assert_true(recent_has(r, 1, 3, "name"));
	assert_false(recent_has(r, 2, 1, NULL));
	assert_false(recent_has(r, 1, 3, NULL));
	assert_false(recent_has(r, 1, 2, "name"));
	assert_false(recent_has(r, 1, 3, "nam"));
	assert_false(recent_has(r, 1, 3, "names"));
	recent_free(r);
}

static void test_ages(void **state)
{
	const struct timespec long_after = { .tv_nsec = 400000000 };
	struct recent *r = watched();

	(void)state;
	recent_object(r, 1, 2);
	(void)nanosleep(&long_after, NULL);
	assert_false(recent_has(r, 1, 2, NULL));
	recent_object(r, 1, 2);
	assert_true(recent_has(r, 1, 2, NULL));
	recent_free(r);
}

/* As many as a checkout changes within a moment */
static void test_many(void **state)
{
	struct recent *r = watched();
	unsigned int lost = 0;

	(void)state;
	for (uint64_t i = 1; i <= 1000; i++)
		recent_object(r, 1, i);
	for (uint64_t i = 1; i <= 1000; i++)
		lost += !recent_has(r, 1, i, NULL);
	assert_in_range(lost, 0, 20);
	for (uint64_t i = 1; i <= 100000; i++) {
		char name[24];

		(void)snprintf(name, sizeof(name), "%u", (unsigned int)i);
		recent_name(r, 1, 7, name);
		assert_true(recent_has(r, 1, 7, name));
	}
	recent_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody_watches), cmocka_unit_test(test_told_apart),
		cmocka_unit_test(test_ages), cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
