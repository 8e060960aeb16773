/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/policy_state_test.c - Kept positions: stepping, classes, and what lies beneath
 */
#include "tests/unit/policy_fixture.h"

static struct policy_state at(const struct fixture *f, const char *path)
{
	struct policy_state st;

	policy_state_path(&f->p, policy_str(path), &st);
	return st;
}

static struct policy_beneath beneath(const struct fixture *f, const char *path)
{
	struct policy_state st = at(f, path);
	struct policy_beneath b;

	policy_state_beneath(&f->p, &st, &b);
	return b;
}

static void make(struct fixture *f)
{
	fixture_begin(f);
	fixture_add(f, (struct policy_rule){ FILES_RULE, .id = "hooks", .ops = BIT(WRITE), .verdict = POLICY_DENY,
					     PATHS("/w/.git/hooks/**") });
	fixture_add(f, (struct policy_rule){ FILES_RULE, .id = "pem", .ops = BIT(READ), .verdict = POLICY_DENY,
					     PATHS("/w/src/**/*.pem") });
	fixture_add(f, (struct policy_rule){ FILES_RULE, .id = "work", .ops = BIT(READ) | BIT(WRITE),
					     .verdict = POLICY_ALLOW, PATHS("/w", "/w/**") });
	fixture_add(f, (struct policy_rule){ FILES_RULE, .id = "usr", .ops = BIT(READ), .verdict = POLICY_ALLOW,
					     PATHS("/usr/**") });
	fixture_open(f);
}

static void test_steps(void **unused)
{
	struct policy_state st, kept;
	struct policy_decision d;
	struct fixture f;

	(void)unused;
	make(&f);
	policy_state_root(&f.p, &st);
	kept = at(&f, "/");
	assert_memory_equal(&st, &kept, sizeof(st));
	policy_state_step(&f.p, &st, policy_str("w"), &st);
	policy_state_step(&f.p, &st, policy_str("src"), &kept);
	policy_state_step(&f.p, &kept, policy_str("deep"), &st);
	policy_state_step(&f.p, &st, policy_str("x.pem"), &st);
	policy_eval_state(&f.p, &st, POLICY_OP_READ, 0, NULL, &d);
	assert_string_equal(d.rule.s, "pem");
	policy_eval_state(&f.p, &st, POLICY_OP_WRITE, 0, NULL, &d);
	assert_string_equal(d.rule.s, "work");
	policy_state_step(&f.p, &kept, policy_str("x.peg"), &st);	/* the kept one is as it was */
	policy_eval_state(&f.p, &st, POLICY_OP_READ, 0, NULL, &d);
	assert_string_equal(d.rule.s, "work");
	policy_eval_state(&f.p, &st, POLICY_OP_RUN, 0, NULL, &d);
	assert_int_equal(d.verdict, POLICY_DENY);
	assert_string_equal(d.rule.s, "default");
	fixture_end(&f);
}

/* A name that ends in the middle of a literal is no prefix of it for what comes beneath */
static void test_part_of_a_literal(void **unused)
{
	struct policy_state st, other;
	struct policy_decision d;
	struct fixture f;

	(void)unused;
	fixture_begin(&f);
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "long", .ops = BIT(READ), .verdict = POLICY_ALLOW,
					      PATHS("/abcdefgh/ijklmnop") });
	fixture_open(&f);
	st = at(&f, "/abcd");
	other = at(&f, "/zzz");
	assert_memory_equal(&st, &other, sizeof(st));
	policy_state_step(&f.p, &st, policy_str("efgh"), &st);
	policy_state_step(&f.p, &st, policy_str("ijklmnop"), &st);
	policy_eval_state(&f.p, &st, POLICY_OP_READ, 0, NULL, &d);
	assert_int_equal(d.verdict, POLICY_DENY);
	st = at(&f, "/abcdefgh");
	policy_state_step(&f.p, &st, policy_str("ijklmnop"), &st);
	policy_eval_state(&f.p, &st, POLICY_OP_READ, 0, NULL, &d);
	assert_int_equal(d.verdict, POLICY_ALLOW);
	fixture_end(&f);
}

static void test_damaged_state(void **unused)
{
	struct policy_state st = { { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX } }, next;
	struct policy_beneath b;
	struct policy_decision d;
	struct fixture f;

	(void)unused;
	make(&f);
	policy_eval_state(&f.p, &st, POLICY_OP_READ, 0, NULL, &d);
	assert_int_equal(d.verdict, POLICY_DENY);
	policy_state_beneath(&f.p, &st, &b);
	assert_int_equal(b.may_allow, 0);
	policy_state_step(&f.p, &st, policy_str("x"), &next);
	assert_int_equal(next.s[0], 0);
	assert_int_equal(policy_state_class(&f.p, &st), 0);
	fixture_end(&f);
}

static void test_class(void **unused)
{
	struct policy_state a, b, c;
	struct fixture f;

	(void)unused;
	make(&f);
	a = at(&f, "/w/x");
	b = at(&f, "/w/y/z");
	c = at(&f, "/w/src/x.pem");
	assert_true(policy_state_class(&f.p, &a) == policy_state_class(&f.p, &b));
	assert_true(policy_state_class(&f.p, &a) != policy_state_class(&f.p, &c));
	b = at(&f, "/w/src/deep/y.pem");
	assert_true(policy_state_class(&f.p, &b) == policy_state_class(&f.p, &c));
	a = at(&f, "/etc");
	b = at(&f, "/var/lib");
	assert_true(policy_state_class(&f.p, &a) == policy_state_class(&f.p, &b));
	fixture_end(&f);
}

/* Exact where one would look: uniform directories must be seen as such, or they could not be bound */
static void test_beneath(void **unused)
{
	struct policy_beneath b;
	struct fixture f;

	(void)unused;
	make(&f);
	b = beneath(&f, "/usr");
	assert_int_equal(b.may_allow, BIT(READ));
	assert_int_equal(b.may_refuse, POLICY_OPS_FILES & ~BIT(READ));
	b = beneath(&f, "/usr/lib/x");
	assert_int_equal(b.may_allow & b.may_refuse, 0);
	b = beneath(&f, "/w/other");
	assert_int_equal(b.may_allow, BIT(READ) | BIT(WRITE));
	assert_int_equal(b.may_allow & b.may_refuse, 0);
	b = beneath(&f, "/w/src");
	assert_int_equal(b.may_allow & b.may_refuse, BIT(READ));
	b = beneath(&f, "/w/src/a/b");
	assert_int_equal(b.may_allow & b.may_refuse, BIT(READ));
	b = beneath(&f, "/w/.git");
	assert_int_equal(b.may_allow & b.may_refuse, BIT(WRITE));
	b = beneath(&f, "/w/.git/hooks");
	assert_int_equal(b.may_allow, BIT(READ));
	b = beneath(&f, "/w/.git/objects");
	assert_int_equal(b.may_allow & b.may_refuse, 0);
	b = beneath(&f, "/w");
	assert_int_equal(b.may_allow & b.may_refuse, BIT(READ) | BIT(WRITE));
	b = beneath(&f, "/etc");
	assert_int_equal(b.may_allow, 0);
	assert_int_equal(b.may_refuse, POLICY_OPS_FILES);
	b = beneath(&f, "/");
	assert_int_equal(b.may_allow, BIT(READ) | BIT(WRITE));
	assert_int_equal(b.may_refuse, POLICY_OPS_FILES);
	assert_false(b.hides);
	assert_false(b.conditional);
	fixture_end(&f);
}

static void test_beneath_layers(void **unused)
{
	struct policy_beneath b;
	struct fixture f;

	(void)unused;
	fixture_begin(&f);
	fixture_default(&f, POLICY_SECTION_FILES, POLICY_ALLOW);
	fixture_layer(&f, "project");
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "x", .ops = BIT(WRITE), .verdict = POLICY_ASK,
					      PATHS("/a/x") });
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "all", .ops = BIT(READ), .verdict = POLICY_DENY,
					      PATHS("/b/**") });
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "hide", .ops = BIT(READ), .verdict = POLICY_DENY,
					      .flags = POLICY_F_HIDE, PATHS("/c/d/e") });
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "stood", .ops = BIT(READ), .verdict = POLICY_DENY,
					      .flags = POLICY_RULE_STOOD_SELF, PATHS("/d/*") });
	fixture_open(&f);
	b = beneath(&f, "/a");
	assert_int_equal(b.may_allow, POLICY_OPS_FILES);
	assert_int_equal(b.may_refuse, BIT(WRITE));
	b = beneath(&f, "/b");
	assert_int_equal(b.may_allow, POLICY_OPS_FILES & ~BIT(READ));
	assert_int_equal(b.may_refuse, BIT(READ));
	assert_true(beneath(&f, "/c").hides);
	assert_true(beneath(&f, "/c/d").hides);
	assert_false(beneath(&f, "/c/d/e").hides);
	assert_true(beneath(&f, "/d").conditional);
	assert_false(beneath(&f, "/d/e").conditional);
	b = beneath(&f, "/elsewhere");
	assert_int_equal(b.may_allow, POLICY_OPS_FILES);
	assert_int_equal(b.may_refuse, 0);
	fixture_end(&f);
}

/* A rule that leaves its names to the default counts as the default, and ends the search for the plan too */
static void test_beneath_default_rule(void **unused)
{
	struct policy_beneath b;
	struct fixture f;

	(void)unused;
	fixture_begin(&f);
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "named", .ops = BIT(READ), .verdict = POLICY_ALLOW,
					      PATHS("/home/.gitconfig") });
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "home", .ops = POLICY_OPS_FILES,
					      .flags = POLICY_RULE_DEFAULT, PATHS("/home/**") });
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "system", .ops = BIT(READ), .verdict = POLICY_ALLOW,
					      PATHS("/**") });
	fixture_open(&f);
	b = beneath(&f, "/home");
	assert_int_equal(b.may_allow, BIT(READ));
	assert_int_equal(b.may_refuse, POLICY_OPS_FILES);
	b = beneath(&f, "/home/x");
	assert_int_equal(b.may_allow, 0);
	b = beneath(&f, "/etc");
	assert_int_equal(b.may_allow & b.may_refuse, 0);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_part_of_a_literal),
		cmocka_unit_test(test_damaged_state),
		cmocka_unit_test(test_class),
		cmocka_unit_test(test_beneath),
		cmocka_unit_test(test_beneath_layers),
		cmocka_unit_test(test_beneath_default_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
