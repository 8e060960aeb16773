/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/policy_path_test.c - policy_path_join() and the pattern language on its own
 */
#include "tests/unit/policy_fixture.h"

#include <errno.h>

static void test_join(void **unused)
{
	static const struct {
		const char *base, *path, *want;
	} t[] = {
		{ "/", "", "/" },
		{ "/", ".", "/" },
		{ "/", "..", "/" },
		{ "/", "../../..", "/" },
		{ "/a", "", "/a" },
		{ "/a", "b", "/a/b" },
		{ "/a/", "b/", "/a/b" },
		{ "/a//b", "c", "/a/b/c" },
		{ "/a/b", "../c", "/a/c" },
		{ "/a/b", "../../c", "/c" },
		{ "/a/b", "../../../c", "/c" },
		{ "/a/b", "./././c", "/a/b/c" },
		{ "/a/../b", "c", "/b/c" },
		{ "/a", "/x/y", "/x/y" },
		{ "", "/x/y", "/x/y" },
		{ "not/absolute", "/x", "/x" },
		{ "/a", "//x///y//", "/x/y" },
		{ "/a", "/", "/" },
		{ "/a", "...", "/a/..." },
		{ "/a", "..b", "/a/..b" },
		{ "/a", ".b", "/a/.b" },
		{ "/a", "b..", "/a/b.." },
		{ "/a", "/x/..", "/" },
		{ "/a", "/x/./..//../y/.", "/y" },
	};
	char buf[64];
	size_t i;

	(void)unused;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		int n = policy_path_join(buf, sizeof(buf), policy_str(t[i].base),
					 policy_str(t[i].path));

		assert_int_equal(n, (int)strlen(t[i].want));
		assert_string_equal(buf, t[i].want);
	}
}

static void test_join_refuses(void **unused)
{
	char buf[8];

	(void)unused;
	assert_int_equal(policy_path_join(buf, sizeof(buf), policy_str("a"), policy_str("b")), -EINVAL);
	assert_int_equal(policy_path_join(buf, sizeof(buf), policy_str(""), policy_str("")), -EINVAL);
	/* exactly fits: 7 bytes and the NUL */
	assert_int_equal(policy_path_join(buf, 8, policy_str("/"), policy_str("abcdef")), 7);
	assert_string_equal(buf, "/abcdef");
	assert_int_equal(policy_path_join(buf, 7, policy_str("/"), policy_str("abcdef")), -ENAMETOOLONG);
	assert_int_equal(policy_path_join(buf, 2, policy_str("/"), policy_str("..")), 1);
	assert_int_equal(policy_path_join(buf, 1, policy_str("/"), policy_str("..")), -ENAMETOOLONG);
	assert_int_equal(policy_path_join(buf, 0, policy_str("/"), policy_str("..")), -ENAMETOOLONG);
	/* too long on the way is too long, though ".." would shorten it: the lexical answer is not guessed */
	assert_int_equal(policy_path_join(buf, 8, policy_str("/"), policy_str("abcdefgh/..")),
			 -ENAMETOOLONG);
}

static void test_join_no_terminator(void **unused)
{
	struct policy_str base = { "/abXXXX", 3 }, path = { "cdYYYY", 2 };
	char buf[16];

	(void)unused;
	assert_int_equal(policy_path_join(buf, sizeof(buf), base, path), 6);
	assert_string_equal(buf, "/ab/cd");
}

struct sample {
	const char *pattern, *path;
	bool is_match;
};

/* The language, once by policy_pattern_match() and once by a compiled policy */
static const struct sample sample[] = {
	{ "/", "/", true },
	{ "/", "/a", false },
	{ "/a", "/a", true },
	{ "/a", "/", false },
	{ "/a", "/ab", false },
	{ "/a", "/a/b", false },
	{ "//a//b", "/a/b", true },
	/* a star stays within its component, and takes no, one or many bytes, a leading dot too */
	{ "/*", "/a", true },
	{ "/*", "/.hidden", true },
	{ "/*", "/", false },
	{ "/*", "/a/b", false },
	{ "/a*", "/a", true },
	{ "/a*", "/abc", true },
	{ "/a*", "/ba", false },
	{ "/*a", "/a", true },
	{ "/*a", "/bca", true },
	{ "/*a", "/ab", false },
	{ "/*.pem", "/x.pem", true },
	{ "/*.pem", "/.pem", true },
	{ "/*.pem", "/x.pem.bak", false },
	{ "/*.pem", "/x.pempem.pem", true },
	{ "/*aab", "/aaab", true },
	{ "/*a*b*", "/xaxbx", true },
	{ "/*a*b*", "/xbxax", false },
	{ "/a/*/c", "/a/b/c", true },
	{ "/a/*/c", "/a/c", false },
	{ "/a/*/c", "/a/b/b/c", false },
	{ "/?", "/a", true },
	{ "/?", "/ab", false },
	{ "/?", "/", false },
	{ "/a?b", "/a/b", false },
	{ "/??", "/\xc3\xa4", true },		/* bytes, not letters */
	{ "/[abc]", "/b", true },
	{ "/[abc]", "/d", false },
	{ "/[a-c]x", "/bx", true },
	{ "/[!a-c]x", "/bx", false },
	{ "/[!a-c]x", "/dx", true },
	{ "/[^a-c]x", "/dx", true },
	{ "/a[!x]b", "/a/b", false },		/* never the slash */
	{ "/a[+-9]b", "/a/b", false },
	{ "/a[+-9]b", "/a5b", true },
	{ "/[]a]", "/]", true },
	{ "/[a-]", "/-", true },
	{ "/[\\]]", "/]", true },
	{ "/[*?]", "/*", true },
	{ "/[*?]", "/a", false },
	{ "/{a,bc}", "/a", true },
	{ "/{a,bc}", "/bc", true },
	{ "/{a,bc}", "/ac", false },
	{ "/x{,y}", "/x", true },
	{ "/x{,y}", "/xy", true },
	{ "/{a,{b,c}d}e", "/cde", true },
	{ "/{a,{b,c}d}e", "/ce", false },
	{ "/{a,b}{c,d}", "/bd", true },
	{ "/{*.c,*.h}", "/x.h", true },
	{ "/[{]a[}]", "/{a}", true },
	{ "/{[,],b}", "/,", true },
	{ "/a}", "/a}", true },
	{ "/a,b", "/a,b", true },
	{ "/\\*", "/*", true },
	{ "/\\*", "/a", false },
	{ "/\\{a,b\\}", "/{a,b}", true },
	{ "/\\\\", "/\\", true },
	{ "/\\a", "/a", true },
	/* "**": none or many in the middle, one at least at the end */
	{ "/**", "/", false },
	{ "/**", "/a", true },
	{ "/**", "/a/b/c", true },
	{ "/a/**", "/a", false },
	{ "/a/**", "/a/b", true },
	{ "/a/**", "/a/b/c/d", true },
	{ "/a/**", "/ab", false },
	{ "/a/**", "/ab/c", false },
	{ "/a/**/b", "/a/b", true },
	{ "/a/**/b", "/a/x/b", true },
	{ "/a/**/b", "/a/x/y/b", true },
	{ "/a/**/b", "/a/x/y/b/z", false },
	{ "/a/**/b", "/a/xb", false },
	{ "/a/**/b", "/a/x/xb", false },
	{ "/a/**/b", "/ab", false },
	{ "/a/**/b", "/a/b/b", true },
	{ "/**/b", "/b", true },
	{ "/**/b", "/a/b", true },
	{ "/**/b", "/a/ab", false },
	{ "/**/b/**", "/b", false },
	{ "/**/b/**", "/b/x", true },
	{ "/**/b/**", "/a/b/b", true },
	{ "/**/*.pem", "/x.pem", true },
	{ "/**/*.pem", "/a/b/.pem", true },
	{ "/**/*.pem", "/a.pem/b", false },
	{ "/a/**/b/**/c", "/a/b/c", true },
	{ "/a/**/b/**/c", "/a/x/b/y/z/c", true },
	{ "/a/**/b/**/c", "/a/c/b", false },
	{ "/a/**/**/b", "/a/b", true },
	{ "/a/**/*", "/a/b", true },
	{ "/a/**/*", "/a", false },
	/* label boundaries */
	{ "/home/me", "/home/me2", false },
	{ "/home/me/**", "/home/me2/x", false },
	{ "/home/me/**", "/home/m", false },
	{ "/w/.git/hooks/**", "/w/.git/hooksx/y", false },
	{ "/w/**/.env", "/w/x.env", false },
	{ "/w/**/.env", "/w/.env", true },
	{ "/w/**/.env", "/w/.env/x", false },
};

static void test_samples(void **unused)
{
	size_t i;

	(void)unused;
	for (i = 0; i < ARRAY_SIZE(sample); i++)
		if (policy_pattern_match(sample[i].pattern, policy_str(sample[i].path)) !=
		    sample[i].is_match)
			fail_msg("match %s %s", sample[i].pattern, sample[i].path);
}

static void test_samples_compiled(void **unused)
{
	size_t i;

	(void)unused;
	for (i = 0; i < ARRAY_SIZE(sample); i++) {
		struct fixture f;

		fixture_begin(&f);
		fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "it", .ops = BIT(READ),
						      .verdict = POLICY_ALLOW,
						      PATHS(sample[i].pattern) });
		fixture_open(&f);
		if ((ask(&f, POLICY_OP_READ, sample[i].path).verdict == POLICY_ALLOW) !=
		    sample[i].is_match)
			fail_msg("compiled %s %s", sample[i].pattern, sample[i].path);
		fixture_end(&f);
	}
}

static void test_check(void **unused)
{
	static const char *const good[] = {
		"/", "/a", "git", "*.sh", "/**", "/**/x", "/a/**/b", "/[a-z]", "/{a,b}", "/...", "/.a",
		"/a..", "/..a", "/[!]]", "/{a,b,{c,d}}", "/\\.", "/\\[",
	};
	static const char *const bad[] = {
		"", "a/b", "./a", "/a/", "/a//", "/**/", "/.", "/..", "/a/./b", "/a/../b", "/a**", "/**a",
		"/a/**b/c", "**", "/a***", "/[a", "/[]", "/[!]", "/[z-a]", "/[a/b]", "/[[:alpha:]]", "/{a",
		"/{a,b", "/{a}", "/${HOME}/x", "/{a,b/c}", "/{}", "/a\\", "/a\\/b", "/[a\\", "/{a,}/", "{,a}",
		"/{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}",
	};
	struct policy_diag diag;
	size_t i;

	(void)unused;
	for (i = 0; i < ARRAY_SIZE(good); i++)
		if (policy_pattern_check(good[i], &diag) != 0)
			fail_msg("%s refused: %s", good[i], diag.message);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		memset(&diag, 0, sizeof(diag));
		if (policy_pattern_check(bad[i], &diag) != -EINVAL)
			fail_msg("%s taken", bad[i]);
		assert_true(strlen(diag.message) > 10);
		assert_null(strchr(diag.message, '\n'));
		assert_false(policy_pattern_match(bad[i], policy_str("/a")));
	}
}

static void test_names(void **unused)
{
	(void)unused;
	assert_true(policy_pattern_match("*_TOKEN", policy_str("NPM_TOKEN")));
	assert_false(policy_pattern_match("*_TOKEN", policy_str("NPM_TOKENS")));
	assert_true(policy_pattern_match("{a,b}?", policy_str("bx")));
	assert_false(policy_pattern_match("git", policy_str("/git")));
	assert_false(policy_pattern_match("*", policy_str("a/b")));
	assert_false(policy_pattern_match("/git", policy_str("git")));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_join),
		cmocka_unit_test(test_join_refuses),
		cmocka_unit_test(test_join_no_terminator),
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_samples_compiled),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
