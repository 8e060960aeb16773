/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/policy_env_test.c - The environment of the session's start, and of every program
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "policy/load.h"

static struct policy_env_rule rules[] = {
	{ POLICY_ENV_REMOVE, "START_*", NULL, false }, { POLICY_ENV_REMOVE, "EACH_*", NULL, true },
	{ POLICY_ENV_KEEP, "EACH_KEPT", NULL, false }, { POLICY_ENV_STRIP, "EACH_GONE", NULL, true },
	{ POLICY_ENV_KEEP, "EACH_GONE", NULL, true }, { POLICY_ENV_SET, "SET_START", "s", false },
	{ POLICY_ENV_SET, "SET_EACH", "e", true },
};

static char a[] = "START_A=1", b[] = "EACH_B=2", c[] = "EACH_KEPT=3", d[] = "EACH_GONE=4", e[] = "SET_EACH=old",
	f[] = "OTHER=5", g[] = "no variable";
static char *const given[] = { a, b, c, d, e, f, g, NULL };

static void is(char **got, const char *const *want)
{
	size_t i = 0;

	assert_non_null(got);
	for (; got[i] && want[i]; i++)
		assert_string_equal(got[i], want[i]);
	assert_null(got[i]);
	assert_null(want[i]);
	policy_env_free(got);
}

static void test_start(void **state)
{
	static const char *const want[] = { "EACH_KEPT=3", "SET_EACH=e", "OTHER=5", "SET_START=s", NULL };
	struct policy_loaded l = { .env = rules, .env_count = sizeof(rules) / sizeof(*rules) };

	(void)state;
	is(policy_env_apply(&l, given), want);
}

/* Only the rules for that; who keeps, keeps always, and what is no variable is nobody's business */
static void test_each(void **state)
{
	static const char *const want[] = { "START_A=1", "EACH_KEPT=3", "SET_EACH=e", "OTHER=5", "no variable", NULL };
	static const char *const only[] = { "SET_EACH=e", NULL };
	struct policy_loaded l = { .env = rules, .env_count = sizeof(rules) / sizeof(*rules) };
	char *const none[] = { NULL };

	(void)state;
	is(policy_env_each(&l, given), want);
	is(policy_env_each(&l, none), only);
	is(policy_env_each(&l, (char *const[]){ (char[]){ "SET_EACH=e" }, NULL }), only);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_start), cmocka_unit_test(test_each) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
