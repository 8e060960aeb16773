/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/plan_test.c - Which face each subtree gets, on a small tree of its own
 *
 * Each case has a policy whose paths start with ${T}, the tree's top, and what
 * the plan must say of some paths. "in" and "at" differ: a path has a face by
 * the entry it falls under, and may be an entry itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/plan.h"

#define SYSTEM "{ \"path\": [\"/\", \"/**\"], \"ops\": [\"list\", \"stat\", \"read\", \"exec\"], \"decision\": \"allow\" }"
#define TMP "{ \"path\": [\"/tmp\", \"/tmp/**\"], \"ops\": \"all\", \"decision\": \"allow\" }"

static char top[64];
static char variable[80];

struct want {
	const char *path;
	enum plan_face face;
	bool is_entry;
};

static int make_tree(void **state)
{
	static const char *const dirs[] = {
		"ws", "ws/sub", "home", "home/.cache", "home/.cache/pip", "home/.cache/tok", "home/.npm",
		"fix", "fix/denied", "fix/other", "fix/deep", "fix/deep/a", "fix/deep/a/b", "real",
	};
	char path[PATH_MAX];

	(void)state;
	strcpy(top, "/var/tmp/plan.XXXXXX");
	assert_non_null(mkdtemp(top));
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", top, dirs[i]);
		assert_int_equal(mkdir(path, 0755), 0);
	}
	(void)snprintf(path, sizeof(path), "%s/home/.linked", top);
	assert_int_equal(symlink("../real", path), 0);
	(void)snprintf(variable, sizeof(variable), "T=%s", top);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

static int remove_tree(void **state)
{
	(void)state;
	(void)nftw(top, remove_one, 16, FTW_DEPTH | FTW_PHYS);	/* what is left lies in /var/tmp */
	return 0;
}

static struct policy_loaded *load(const char *rules, bool tracing, const char *commands)
{
	char policy[PATH_MAX], text[4096], ws[80], home[80];
	char *env[] = { variable, NULL };
	struct policy_vars vars = { ws, home, NULL, env, NULL };
	struct policy_sources src = { .base = policy };
	struct policy_loaded *l = NULL;
	struct policy_diag d;
	int fd, n;

	(void)snprintf(ws, sizeof(ws), "%s/ws", top);
	(void)snprintf(home, sizeof(home), "%s/home", top);
	(void)snprintf(policy, sizeof(policy), "%s/real/policy.json", top);
	n = snprintf(text, sizeof(text), "{ \"version\": 1, \"tracing\": \"%s\", \"files\": [ %s ], \"commands\": [ %s ] }",
		     tracing ? "allow" : "refuse", rules, commands);
	fd = open(policy, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(write(fd, text, (size_t)n), n);
	close(fd);
	if (policy_load(&l, &src, &vars, &d) < 0)
		fail_msg("%s:%u:%u: %s", d.file, d.line, d.column, d.message);
	return l;
}

static struct plan *plan_of(struct policy_loaded *l)
{
	struct plan *p = NULL;
	struct policy_diag d;

	if (plan_make(&p, l, &d) < 0)
		fail_msg("%s", d.message);
	return p;
}

static void check_order(const struct plan *p)
{
	for (size_t i = 0; i < p->entry_count; i++)
		for (size_t k = i + 1; k < p->entry_count; k++) {
			size_t n = strlen(p->entry[k].path);

			assert_string_not_equal(p->entry[i].path, p->entry[k].path);
			if (strncmp(p->entry[i].path, p->entry[k].path, n) == 0 && p->entry[i].path[n] == '/')
				fail_msg("%s stands before %s", p->entry[i].path, p->entry[k].path);
		}
}

static void check(const struct plan *p, const struct want *want)
{
	char path[PATH_MAX];

	for (; want->path; want++) {
		const struct plan_entry *e;

		(void)snprintf(path, sizeof(path), "%s%s", want->path[0] == '/' ? "" : top,
			       want->path[0] == '/' ? want->path : want->path + 1);
		e = plan_find(p, path);
		if (!e || e->face != want->face || want->is_entry != (strcmp(e->path, path) == 0))
			fail_msg("%s is %s by %s, not %s", path, e ? plan_face_name(e->face) : "nothing",
				 e ? e->path : "nothing", plan_face_name(want->face));
	}
}

static void expect(const char *rules, const struct want *want)
{
	struct policy_loaded *l = load(rules, false, "");
	struct plan *p = plan_of(l);

	check_order(p);
	check(p, want);
	plan_free(p);
	policy_loaded_free(l);
}

/* Paths that begin with '.' are of the tree */
static void test_system_is_bound(void **state)
{
	(void)state;
	expect(SYSTEM, (const struct want[]){
		{ "/", PLAN_SKELETON, true }, { "/usr", PLAN_READONLY, true },
		{ "/usr/bin", PLAN_READONLY, false }, { "./ws", PLAN_SERVED, true },
		{ "./home", PLAN_SERVED, true }, { "./fix", PLAN_READONLY, false },
		{ "/var", PLAN_READONLY, true }, { NULL, PLAN_ABSENT, false } });
}

static void test_denied_name_serves_its_directory(void **state)
{
	(void)state;
	expect("{ \"path\": [\"${T}/fix/denied\", \"${T}/fix/denied/**\"], \"ops\": \"all\", \"decision\": \"deny\" }," SYSTEM,
	       (const struct want[]){
		{ "./fix", PLAN_SERVED, true }, { "./fix/denied", PLAN_SERVED, false },
		{ "./fix/other", PLAN_READONLY, true }, { "./real", PLAN_READONLY, false },
		{ NULL, PLAN_ABSENT, false } });
}

static void test_denied_contents_serve_the_directory_itself(void **state)
{
	(void)state;
	expect("{ \"path\": \"${T}/fix/denied/**\", \"ops\": \"all\", \"decision\": \"deny\" }," SYSTEM,
	       (const struct want[]){
		{ "./fix", PLAN_READONLY, true }, { "./fix/denied", PLAN_SERVED, true },
		{ NULL, PLAN_ABSENT, false } });
}

static void test_absent_denied_name_serves_too(void **state)
{
	(void)state;
	expect("{ \"path\": \"${T}/fix/not-yet\", \"ops\": \"read\", \"decision\": \"deny\" }," SYSTEM,
	       (const struct want[]){ { "./fix", PLAN_SERVED, true }, { NULL, PLAN_ABSENT, false } });
}

static void test_pattern_serves_its_directory(void **state)
{
	(void)state;
	expect("{ \"path\": \"${T}/fix/*.key\", \"ops\": \"read\", \"decision\": \"deny\" }," SYSTEM,
	       (const struct want[]){
		{ "./fix", PLAN_SERVED, true }, { "./fix/deep", PLAN_READONLY, true },
		{ "./real", PLAN_READONLY, false }, { NULL, PLAN_ABSENT, false } });
}

static void test_writable_directory_is_bound(void **state)
{
	(void)state;
	expect("{ \"path\": [\"${T}/fix/deep/a\", \"${T}/fix/deep/a/**\"], \"ops\": \"all\", \"decision\": \"allow\" }," SYSTEM,
	       (const struct want[]){
		{ "./fix/deep", PLAN_READONLY, true }, { "./fix/deep/a", PLAN_WRITABLE, true },
		{ "./fix/other", PLAN_READONLY, false }, { NULL, PLAN_ABSENT, false } });
	expect("{ \"path\": \"${T}/fix/deep/a/**\", \"ops\": \"all\", \"decision\": \"allow\" }," SYSTEM,
	       (const struct want[]){
		{ "./fix/deep/a", PLAN_WRITABLE, true }, { "./fix/deep/a/b", PLAN_WRITABLE, false },
		{ "./fix/deep", PLAN_READONLY, true }, { NULL, PLAN_ABSENT, false } });
}

static void test_writable_absent_directory_serves(void **state)
{
	(void)state;
	expect("{ \"path\": [\"${T}/fix/new\", \"${T}/fix/new/**\"], \"ops\": \"all\", \"decision\": \"allow\" }," SYSTEM,
	       (const struct want[]){ { "./fix", PLAN_SERVED, true }, { NULL, PLAN_ABSENT, false } });
}

static void test_allow_list_is_a_skeleton(void **state)
{
	(void)state;
	expect("{ \"path\": [\"/usr\", \"/usr/**\", \"${T}/fix/other/**\"], \"ops\": [\"list\", \"stat\", \"read\", \"exec\"], \"decision\": \"allow\" }",
	       (const struct want[]){
		{ "/usr", PLAN_READONLY, true }, { "/etc", PLAN_SKELETON, false },
		{ "/var", PLAN_SKELETON, true }, { "./fix/other", PLAN_READONLY, true },
		{ "./fix/denied", PLAN_SKELETON, false }, { NULL, PLAN_ABSENT, false } });
}

static void test_carved_out_home(void **state)
{
	(void)state;
	expect("{ \"path\": [\"~/.npm\", \"~/.npm/**\", \"~/.cache\", \"~/.cache/**\", \"~/.linked\", \"~/.linked/**\"], \"ops\": \"all\", \"decision\": \"allow\" },"
	       "{ \"path\": \"~/**\", \"ops\": \"all\", \"decision\": \"default\" }," SYSTEM,
	       (const struct want[]){
		{ "./home", PLAN_SERVED, true }, { "./home/.npm", PLAN_WRITABLE, true },
		{ "./home/.cache", PLAN_WRITABLE, true }, { "./home/.linked", PLAN_SERVED, false },
		{ "./ws/sub", PLAN_SERVED, false }, { NULL, PLAN_ABSENT, false } });
}

static void test_cache_with_a_secret_is_bound_by_its_children(void **state)
{
	(void)state;
	expect("{ \"path\": \"~/.cache/tok/secret\", \"ops\": \"read\", \"decision\": \"deny\" },"
	       "{ \"path\": [\"~/.cache\", \"~/.cache/**\"], \"ops\": \"all\", \"decision\": \"allow\" }," SYSTEM,
	       (const struct want[]){
		{ "./home/.cache", PLAN_SERVED, false }, { "./home/.cache/pip", PLAN_WRITABLE, true },
		{ "./home/.cache/tok", PLAN_SERVED, false }, { NULL, PLAN_ABSENT, false } });
}

static void test_nothing_conditional_is_bound(void **state)
{
	(void)state;
	expect("{ \"path\": \"~/.cache/**\", \"ops\": \"modify\", \"stood\": \"self\", \"decision\": \"deny\" },"
	       "{ \"path\": \"${T}/fix/other/**\", \"ops\": \"read\", \"by\": \"git\", \"decision\": \"deny\" },"
	       "{ \"path\": [\"~/.cache\", \"~/.cache/**\"], \"ops\": \"all\", \"decision\": \"allow\" }," SYSTEM,
	       (const struct want[]){
		{ "./home/.cache/pip", PLAN_SERVED, false }, { "./fix/other", PLAN_SERVED, true },
		{ "./fix/deep", PLAN_READONLY, false }, { NULL, PLAN_ABSENT, false } });
}

static void test_workspace_has_no_mounts(void **state)
{
	(void)state;
	expect("{ \"path\": \"${WORKSPACE}/x\", \"ops\": \"read\", \"decision\": \"deny\" },"
	       "{ \"path\": [\"${WORKSPACE}\", \"${WORKSPACE}/**\", \"${WORKSPACE}/sub/**\"], \"ops\": \"all\", \"decision\": \"allow\" }," SYSTEM,
	       (const struct want[]){
		{ "./ws", PLAN_SERVED, true }, { "./ws/sub", PLAN_SERVED, false },
		{ NULL, PLAN_ABSENT, false } });
}

static void test_folder_of_a_denied_program(void **state)
{
	char text[256];
	struct policy_loaded *l;
	struct plan *p;

	(void)state;
	(void)snprintf(text, sizeof(text), "{ \"run\": \"%s/fix/deep/tool\", \"decision\": \"deny\" }", top);
	for (int tracing = 0; tracing < 2; tracing++) {
		char tool[PATH_MAX];

		(void)snprintf(tool, sizeof(tool), "%s/fix/deep/tool", top);
		close(open(tool, O_WRONLY | O_CREAT, 0755));
		l = load(SYSTEM, tracing, text);
		p = plan_of(l);
		check(p, (const struct want[]){
			{ "./fix/deep", tracing ? PLAN_SERVED : PLAN_READONLY, tracing },
			{ "./fix/other", PLAN_READONLY, false }, { NULL, PLAN_ABSENT, false } });
		plan_free(p);
		policy_loaded_free(l);
		(void)unlink(tool);
	}
}

/* ---- opens that the doorman must see ---- */

#define WRITES "\"ops\": [\"write\", \"create\", \"truncate\"], "

static void expect_opens(const char *rules, bool traps, const struct want *want)
{
	struct policy_loaded *l = load(rules, false, "");
	struct plan *p = plan_of(l);

	check(p, want);
	if (p->traps_opens != traps)
		fail_msg("%s: opens are %strapped", rules, traps ? "not " : "");
	plan_free(p);
	policy_loaded_free(l);
}

static void expect_no_redirect(const char *rules, const char *sentence)
{
	struct policy_loaded *l = load(rules, false, "");
	struct policy_diag d;
	struct plan *p = NULL;

	assert_int_equal(plan_make(&p, l, &d), -EINVAL);
	if (!strstr(d.message, sentence))
		fail_msg("%s", d.message);
	policy_loaded_free(l);
}

static void test_nothing_to_decide_traps_no_open(void **state)
{
	(void)state;
	expect_opens(TMP "," SYSTEM, false, (const struct want[]){ { NULL, PLAN_ABSENT, false } });
	expect_opens("{ \"path\": \"${T}/fix/deep/**\", \"ops\": \"all\", \"decision\": \"allow\" }," SYSTEM, false,
		     (const struct want[]){ { NULL, PLAN_ABSENT, false } });
	expect_opens("{ \"path\": \"${WORKSPACE}/**\", \"ops\": \"all\", \"decision\": \"allow\", \"audit\": true }," SYSTEM, false,
		     (const struct want[]){ { NULL, PLAN_ABSENT, false } });
}

/* A file of one's own would give its mode with it, and is served; root owns all that matters */
static void test_a_granted_file_is_handed_in(void **state)
{
	bool is_root = geteuid() == 0;
	char own[PATH_MAX];

	(void)state;
	expect_opens("{ \"path\": \"/etc/passwd\", \"ops\": [\"write\", \"truncate\"], \"decision\": \"allow\" }," SYSTEM, !is_root,
		     (const struct want[]){ { "/etc", is_root ? PLAN_SERVED : PLAN_READONLY, true }, { NULL, PLAN_ABSENT, false } });
	(void)snprintf(own, sizeof(own), "%s/fix/own", top);
	close(open(own, O_WRONLY | O_CREAT, 0644));
	expect_opens("{ \"path\": \"${T}/fix/own\", \"ops\": [\"write\", \"truncate\"], \"decision\": \"allow\" }," SYSTEM, false,
		     (const struct want[]){ { "./fix", PLAN_SERVED, true }, { NULL, PLAN_ABSENT, false } });
	(void)unlink(own);
	expect_opens("{ \"path\": \"/etc/passwd\", \"ops\": \"write\", \"decision\": \"allow\" }," SYSTEM, false,
		     (const struct want[]){ { "/etc", PLAN_SERVED, true }, { NULL, PLAN_ABSENT, false } });
}

/* A descriptor for writing can be opened anew for reading: where reading is denied there is none */
static void test_a_file_that_may_not_be_read_is_not_handed_in(void **state)
{
	(void)state;
	expect_opens("{ \"path\": \"/etc/passwd\", \"ops\": \"read\", \"decision\": \"deny\" },"
		     "{ \"path\": \"/etc/passwd\", \"ops\": [\"write\", \"truncate\"], \"decision\": \"allow\" }," SYSTEM, false,
		     (const struct want[]){ { "/etc", PLAN_SERVED, true }, { NULL, PLAN_ABSENT, false } });
}

static void test_a_redirect_of_writing_serves_nothing(void **state)
{
	(void)state;
	expect_opens("{ \"path\": \"${T}/fix/other\", " WRITES "\"decision\": \"redirect\", \"to\": \"${T}/ws/x\" }," SYSTEM, true,
		     (const struct want[]){ { "./fix", PLAN_READONLY, false }, { NULL, PLAN_ABSENT, false } });
	expect_opens("{ \"path\": \"${T}/fix/*.conf\", " WRITES "\"decision\": \"redirect\", \"to\": \"${T}/ws/x\" }," SYSTEM, true,
		     (const struct want[]){ { "./fix", PLAN_READONLY, false }, { NULL, PLAN_ABSENT, false } });
}

static void test_redirects_that_nobody_would_do(void **state)
{
	(void)state;
	expect_no_redirect("{ \"path\": \"${T}/fix/x\", \"ops\": [\"read\", \"write\"], \"decision\": \"redirect\", \"to\": \"${T}/ws/x\" }," SYSTEM,
			   "are served");
	expect_no_redirect("{ \"path\": \"*.conf\", " WRITES "\"decision\": \"redirect\", \"to\": \"${T}/ws/x\" }," SYSTEM, "are served");
	expect_no_redirect("{ \"path\": \"/tmp/x\", " WRITES "\"decision\": \"redirect\", \"to\": \"${T}/ws/x\" }," TMP "," SYSTEM,
			   "without asking");
	expect_no_redirect("{ \"path\": \"${T}/fix/deep/a/x\", " WRITES "\"decision\": \"redirect\", \"to\": \"${T}/ws/x\" },"
			   "{ \"path\": \"${T}/fix/deep/a/**\", \"ops\": \"all\", \"decision\": \"allow\" }," SYSTEM, "are served");
}

/* Where names are served it is fusefs's, if it is all of the file */
static void test_a_whole_redirect_is_served(void **state)
{
	struct policy_loaded *l = load("{ \"path\": [\"*.conf\", \"${T}/fix/x\"], \"ops\": [\"read\", \"write\", \"create\", \"truncate\"], "
				       "\"decision\": \"redirect\", \"to\": \"${T}/real/x\" }," SYSTEM, false, "");
	struct plan *p = plan_of(l);

	(void)state;
	check(p, (const struct want[]){ { "./fix", PLAN_SERVED, true }, { "./real", PLAN_READONLY, false }, { NULL, PLAN_ABSENT, false } });
	assert_true(p->redirects_served);
	assert_false(p->traps_opens);
	plan_free(p);
	policy_loaded_free(l);
	expect_no_redirect("{ \"path\": \"*.conf\", \"ops\": [\"read\", \"write\", \"create\", \"truncate\"], \"by\": \"vi\", "
			   "\"decision\": \"redirect\", \"to\": \"${T}/real/x\" }," SYSTEM, "every program");
}

static void test_what_is_to_be_recorded_is_trapped(void **state)
{
	(void)state;
	expect_opens("{ \"path\": [\"/etc\", \"/etc/**\"], \"ops\": \"modify\", \"decision\": \"deny\", \"audit\": true }," SYSTEM, true,
		     (const struct want[]){ { "/etc", PLAN_READONLY, true }, { NULL, PLAN_ABSENT, false } });
}

/* By its base name: the folders of PATH and the usual ones */
static void test_folder_of_a_denied_name(void **state)
{
	struct policy_loaded *l = load(SYSTEM, true, "{ \"id\": \"s\", \"run\": [\"env\", \"no-such-program\"], \"decision\": \"deny\" }");
	struct plan *p = plan_of(l);
	char real[PATH_MAX];
	const struct plan_entry *e;

	(void)state;
	assert_string_equal(l->command[0].pattern, "env");
	assert_non_null(realpath("/usr/bin/env", real));
	e = plan_find(p, real);
	assert_int_equal(e->face, PLAN_SERVED);
	assert_non_null(strstr(e->why, "rule s denies"));
	assert_int_equal(plan_find(p, "/usr/include")->face, PLAN_READONLY);
	plan_free(p);
	policy_loaded_free(l);
}

static void test_folder_of_programs_by_pattern(void **state)
{
	char text[256];
	struct policy_loaded *l;
	struct plan *p = NULL;
	struct policy_diag d;

	(void)state;
	(void)snprintf(text, sizeof(text), "{ \"run\": \"%s/fix/deep/*/tool-?\", \"decision\": \"deny\" }", top);
	l = load(SYSTEM, true, text);
	p = plan_of(l);
	check(p, (const struct want[]){ { "./fix/deep", PLAN_SERVED, true }, { NULL, PLAN_ABSENT, false } });
	plan_free(p);
	policy_loaded_free(l);
	l = load(SYSTEM, true, "{ \"id\": \"any\", \"run\": \"/**/curl\", \"decision\": \"deny\" }");
	assert_int_equal(plan_make(&p, l, &d), -EINVAL);
	assert_non_null(strstr(d.message, "\"any\""));
	policy_loaded_free(l);
	l = load(SYSTEM, false, "{ \"id\": \"any\", \"run\": \"/**/curl\", \"decision\": \"deny\" }");
	plan_free(plan_of(l));
	policy_loaded_free(l);
}

static void test_workspace_where_the_cage_has_its_own(void **state)
{
	char *env[] = { NULL };
	struct policy_vars vars = { "/dev/pts", NULL, NULL, env, NULL };
	struct policy_sources src = { .base = "developer" };
	struct policy_loaded *l = NULL;
	struct plan *p = NULL;
	struct policy_diag d;
	char home[80];

	(void)state;
	(void)snprintf(home, sizeof(home), "%s/home", top);
	vars.home = home;
	assert_int_equal(policy_load(&l, &src, &vars, &d), 0);
	assert_int_equal(plan_make(&p, l, &d), -EINVAL);
	assert_non_null(strstr(d.message, "cannot be a workspace"));
	policy_loaded_free(l);
	vars.workspace = top;
	assert_int_equal(policy_load(&l, &src, &vars, &d), 0);
	plan_free(plan_of(l));
	policy_loaded_free(l);
}

static void expect_tmp(const char *rules, enum plan_face face)
{
	struct policy_loaded *l = load(rules, false, "");
	struct plan *p = plan_of(l);

	assert_int_equal(p->tmp, face);
	assert_ptr_equal(plan_find(p, "/tmp/some/where"), plan_find(p, "/"));
	plan_free(p);
	policy_loaded_free(l);
}

static void test_private_tmp(void **state)
{
	(void)state;
	expect_tmp(TMP "," SYSTEM, PLAN_WRITABLE);
	expect_tmp(SYSTEM, PLAN_READONLY);
	expect_tmp("{ \"path\": [\"/usr\", \"/usr/**\"], \"ops\": \"read\", \"decision\": \"allow\" }", PLAN_ABSENT);
}

static void test_links_at_the_top(void **state)
{
	struct policy_loaded *l = load(SYSTEM, false, "");
	struct plan *p = plan_of(l);
	char target[PATH_MAX];
	ssize_t n = readlink("/bin", target, sizeof(target) - 1);
	const struct plan_entry *e = plan_find(p, "/bin");

	(void)state;
	assert_non_null(e);
	if (n > 0) {
		target[n] = '\0';
		assert_string_equal(e->link, target);
		assert_false(e->is_directory);
	} else {
		assert_int_equal(e->face, PLAN_READONLY);
	}
	plan_free(p);
	policy_loaded_free(l);
}

/* Root's plan is another, with nothing bound writable: tests/integration/root.t */
static int be_anybody(void)
{
	return geteuid() != 0 || (setgid(65534) == 0 && setuid(65534) == 0) ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_system_is_bound),
		cmocka_unit_test(test_denied_name_serves_its_directory),
		cmocka_unit_test(test_denied_contents_serve_the_directory_itself),
		cmocka_unit_test(test_absent_denied_name_serves_too),
		cmocka_unit_test(test_pattern_serves_its_directory),
		cmocka_unit_test(test_writable_directory_is_bound),
		cmocka_unit_test(test_writable_absent_directory_serves),
		cmocka_unit_test(test_allow_list_is_a_skeleton),
		cmocka_unit_test(test_carved_out_home),
		cmocka_unit_test(test_cache_with_a_secret_is_bound_by_its_children),
		cmocka_unit_test(test_nothing_conditional_is_bound),
		cmocka_unit_test(test_workspace_has_no_mounts),
		cmocka_unit_test(test_folder_of_a_denied_program),
		cmocka_unit_test(test_folder_of_a_denied_name),
		cmocka_unit_test(test_nothing_to_decide_traps_no_open), cmocka_unit_test(test_a_granted_file_is_handed_in),
		cmocka_unit_test(test_a_file_that_may_not_be_read_is_not_handed_in),
		cmocka_unit_test(test_a_redirect_of_writing_serves_nothing), cmocka_unit_test(test_redirects_that_nobody_would_do),
		cmocka_unit_test(test_a_whole_redirect_is_served),
		cmocka_unit_test(test_what_is_to_be_recorded_is_trapped),
		cmocka_unit_test(test_folder_of_programs_by_pattern),
		cmocka_unit_test(test_workspace_where_the_cage_has_its_own),
		cmocka_unit_test(test_private_tmp),
		cmocka_unit_test(test_links_at_the_top),
	};

	if (be_anybody() < 0)
		return 1;
	return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
