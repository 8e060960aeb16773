/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/policy_eval_test.c - Which rule decides, in every section
 */
#include "tests/unit/policy_fixture.h"

#include <errno.h>

static void test_first_match(void **unused)
{
	struct fixture f;

	(void)unused;
	fixture_begin(&f);
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "keys", .ops = BIT(READ),
					      .verdict = POLICY_DENY, .message = "Use the agent.",
					      PATHS("/home/me/.ssh/id_*", "/w/**/*.key") });
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "ask", .ops = BIT(READ) | BIT(WRITE),
					      .verdict = POLICY_ASK, PATHS("/w/conf/*") });
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "work", .ops = POLICY_OPS_FILES,
					      .verdict = POLICY_ALLOW, .flags = POLICY_F_AUDIT,
					      PATHS("/w", "/w/**") });
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "hosts", .ops = BIT(WRITE),
					      .verdict = POLICY_REDIRECT, .target = "/session/hosts",
					      PATHS("/etc/hosts") });
	fixture_open(&f);
	expect(&f, POLICY_OP_READ, "/home/me/.ssh/id_rsa", "keys");
	expect(&f, POLICY_OP_READ, "/home/me/.ssh/config", "default");
	expect(&f, POLICY_OP_READ, "/w/a/b.key", "keys");
	expect(&f, POLICY_OP_WRITE, "/w/a/b.key", "work");
	expect(&f, POLICY_OP_READ, "/w/conf/x", "ask");
	expect(&f, POLICY_OP_READ, "/w/conf/x.key", "keys");
	expect(&f, POLICY_OP_WRITE, "/w/conf/x.key", "ask");
	expect(&f, POLICY_OP_STAT, "/w/conf/x", "work");
	expect(&f, POLICY_OP_READ, "/w", "work");
	expect(&f, POLICY_OP_READ, "/wx", "default");
	expect(&f, POLICY_OP_WRITE, "/etc/hosts", "hosts");
	expect(&f, POLICY_OP_READ, "/etc/hosts", "default");
	fixture_end(&f);
}

static void test_decision_fields(void **unused)
{
	struct policy_decision d;
	struct fixture f;

	(void)unused;
	fixture_begin(&f);
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "deny", .ops = BIT(READ), .verdict = POLICY_DENY,
					      .message = "No.", PATHS("/deny") });
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "perm", .ops = BIT(READ), .verdict = POLICY_DENY,
					      .err = EPERM, PATHS("/perm") });
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "hide", .ops = BIT(READ), .verdict = POLICY_DENY,
					      .flags = POLICY_F_HIDE, PATHS("/hide") });
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "to", .ops = BIT(READ), .verdict = POLICY_REDIRECT,
					      .target = "/there", .flags = POLICY_F_AUDIT, PATHS("/to") });
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "yes", .ops = BIT(READ), .verdict = POLICY_ALLOW,
					      PATHS("/yes") });
	fixture_open(&f);

	d = ask(&f, POLICY_OP_READ, "/deny");
	assert_int_equal(d.verdict, POLICY_DENY);
	assert_int_equal(d.err, EACCES);
	assert_int_equal(d.rule_id, 0);
	assert_string_equal(d.message.s, "No.");
	assert_int_equal(d.message.len, 3);
	assert_int_equal(ask(&f, POLICY_OP_READ, "/perm").err, EPERM);
	d = ask(&f, POLICY_OP_READ, "/hide");
	assert_int_equal(d.verdict, POLICY_DENY);
	assert_int_equal(d.err, ENOENT);
	assert_int_equal(d.flags, POLICY_F_HIDE);
	d = ask(&f, POLICY_OP_READ, "/to");
	assert_int_equal(d.verdict, POLICY_REDIRECT);
	assert_int_equal(d.err, 0);
	assert_int_equal(d.flags, POLICY_F_AUDIT);
	assert_string_equal(d.target.s, "/there");
	d = ask(&f, POLICY_OP_READ, "/yes");
	assert_int_equal(d.verdict, POLICY_ALLOW);
	assert_int_equal(d.err, 0);
	assert_int_equal(d.message.len, 0);
	assert_int_equal(d.target.len, 0);
	d = ask(&f, POLICY_OP_READ, "/other");
	assert_int_equal(d.verdict, POLICY_DENY);
	assert_int_equal(d.err, EACCES);
	assert_int_equal(d.rule_id, POLICY_RULE_NONE);
	assert_string_equal(d.rule.s, "default");
	fixture_end(&f);
}

static void add_to(struct fixture *f, const char *id, const char *target, const char *path)
{
	fixture_add(f, (struct policy_rule){ FILES_RULE, .id = id, .ops = BIT(READ), .verdict = POLICY_REDIRECT,
					     .target = target, PATHS(path) });
}

/* Stricter than allow, weaker than deny; of several the one of a layer that overrides, else the first */
static void test_redirects_of_layers(void **unused)
{
	struct fixture f;

	(void)unused;
	fixture_begin(&f);
	add_to(&f, "base-to", "/base", "/both");
	add_to(&f, "base-alone", "/base", "/alone");
	add_to(&f, "base-denied", "/base", "/denied");
	add_to(&f, "base-project", "/base", "/project");
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "allow", .ops = BIT(READ), .verdict = POLICY_ALLOW,
					      PATHS("/**") });
	fixture_layer(&f, "system");
	policy_builder_overrides(f.b);
	add_to(&f, "system-to", "/system", "/both");
	add_to(&f, "system-allowed", "/system", "/allowed");
	add_to(&f, "system-default", "/system", "/etc");
	fixture_layer(&f, "project");
	add_to(&f, "project-to", "/p", "/both");
	add_to(&f, "project-project", "/p", "/project");
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "no", .ops = BIT(READ), .verdict = POLICY_DENY,
					      PATHS("/denied") });
	fixture_open(&f);

	assert_string_equal(ask(&f, POLICY_OP_READ, "/both").target.s, "/system");
	expect(&f, POLICY_OP_READ, "/both", "system-to");
	assert_string_equal(ask(&f, POLICY_OP_READ, "/alone").target.s, "/base");
	expect(&f, POLICY_OP_READ, "/denied", "no");
	assert_int_equal(ask(&f, POLICY_OP_READ, "/denied").target.len, 0);
	expect(&f, POLICY_OP_READ, "/project", "base-project");
	expect(&f, POLICY_OP_READ, "/allowed", "system-allowed");
	expect(&f, POLICY_OP_READ, "/etc", "system-default");
	expect(&f, POLICY_OP_READ, "/other", "allow");
	fixture_end(&f);
}

static void test_words_of_a_command(void **unused)
{
	static const char words[] = "/bin/fetch\0\0${ARGS}";
	struct policy_request req = { .op = POLICY_OP_RUN, .object.kind = POLICY_OBJECT_EXEC };
	struct policy_decision d;
	struct fixture f;

	(void)unused;
	fixture_begin(&f);
	fixture_add(&f, (struct policy_rule){ .section = POLICY_SECTION_COMMANDS, .id = "to", .ops = BIT(RUN),
					      .verdict = POLICY_REDIRECT, .target = words, .target_len = sizeof(words),
					      RUNS("curl") });
	fixture_open(&f);
	req.object.exec.path = req.object.exec.asked = policy_str("/usr/bin/curl");
	policy_eval(&f.p, &req, &d);
	assert_int_equal(d.verdict, POLICY_REDIRECT);
	assert_int_equal(d.target.len, sizeof(words));
	assert_memory_equal(d.target.s, words, sizeof(words));
	fixture_end(&f);
}

static void test_nonsense_is_denied(void **unused)
{
	struct policy_request req = { .op = POLICY_OP_READ };
	struct policy_decision d;
	struct fixture f;

	(void)unused;
	fixture_begin(&f);
	fixture_default(&f, POLICY_SECTION_FILES, POLICY_ALLOW);
	fixture_default(&f, POLICY_SECTION_COMMANDS, POLICY_ALLOW);
	fixture_open(&f);
	assert_int_equal(ask(&f, POLICY_OP_READ, "/x").verdict, POLICY_ALLOW);
	assert_int_equal(ask(&f, POLICY_OP_READ, "").verdict, POLICY_DENY);
	assert_int_equal(ask(&f, POLICY_OP_READ, "x").verdict, POLICY_DENY);
	assert_int_equal(ask(&f, POLICY_OP_RUN, "/x").verdict, POLICY_DENY);
	assert_int_equal(ask(&f, POLICY_OP_COUNT, "/x").verdict, POLICY_DENY);
	assert_int_equal(ask(&f, (enum policy_op)-1, "/x").verdict, POLICY_DENY);
	policy_eval(&f.p, &req, &d);
	assert_int_equal(d.verdict, POLICY_DENY);
	assert_int_equal(d.err, EACCES);
	fixture_end(&f);
}

static void test_layers(void **unused)
{
	struct fixture f;

	(void)unused;
	fixture_begin(&f);
	fixture_default(&f, POLICY_SECTION_FILES, POLICY_DENY);
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "base-deny", .ops = BIT(READ),
					      .verdict = POLICY_DENY, PATHS("/w/both") });
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "base-allow", .ops = POLICY_OPS_FILES,
					      .verdict = POLICY_ALLOW, PATHS("/w/**") });
	fixture_layer(&f, "project");
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "project-ask", .ops = BIT(READ),
					      .verdict = POLICY_ASK, PATHS("/w/p/**", "/w/both", "/etc/x") });
	fixture_layer(&f, "system");
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "system-deny", .ops = BIT(READ),
					      .verdict = POLICY_DENY, PATHS("/w/p/s", "/w/both") });
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "system-ask", .ops = BIT(READ),
					      .verdict = POLICY_ASK, PATHS("/w/p/t") });
	fixture_open(&f);
	expect(&f, POLICY_OP_READ, "/w/x", "base-allow");
	expect(&f, POLICY_OP_READ, "/w/p/x", "project-ask");	/* stricter */
	expect(&f, POLICY_OP_WRITE, "/w/p/x", "base-allow");
	expect(&f, POLICY_OP_READ, "/w/p/s", "system-deny");
	expect(&f, POLICY_OP_READ, "/w/p/t", "project-ask");	/* as strict: the smaller layer */
	expect(&f, POLICY_OP_READ, "/w/both", "base-deny");
	expect(&f, POLICY_OP_READ, "/etc/x", "default");	/* ask does not beat the base's deny */
	expect(&f, POLICY_OP_READ, "/etc/y", "default");
	fixture_end(&f);
}

static void test_rule_default(void **unused)
{
	struct policy_decision d;
	struct fixture f;

	(void)unused;
	fixture_begin(&f);
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "named", .ops = BIT(READ), .verdict = POLICY_ALLOW,
					      PATHS("/home/me/.gitconfig") });
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "home", .ops = POLICY_OPS_FILES,
					      .flags = POLICY_RULE_DEFAULT, PATHS("/home/me/**") });
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "system", .ops = BIT(READ), .verdict = POLICY_ALLOW,
					      PATHS("/**") });
	fixture_open(&f);
	expect(&f, POLICY_OP_READ, "/home/me/.gitconfig", "named");
	expect(&f, POLICY_OP_READ, "/etc/passwd", "system");
	expect(&f, POLICY_OP_READ, "/home/me", "system");
	d = ask(&f, POLICY_OP_READ, "/home/me/.ssh");
	assert_int_equal(d.verdict, POLICY_DENY);
	assert_int_equal(d.rule_id, POLICY_RULE_NONE);
	assert_string_equal(d.rule.s, "default");
	fixture_end(&f);
}

static void test_conditions(void **unused)
{
	struct fixture f;

	(void)unused;
	fixture_begin(&f);
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "by", .ops = BIT(READ), .verdict = POLICY_DENY,
					      PATHS("/w/by"), BYS("node", "/opt/*/bin/*") });
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "self", .ops = BIT(READ), .verdict = POLICY_DENY,
					      .flags = POLICY_RULE_STOOD_SELF, PATHS("/w/self") });
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "folder", .ops = BIT(READ), .verdict = POLICY_DENY,
					      .flags = POLICY_RULE_STOOD_FOLDER, PATHS("/w/folder") });
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "work", .ops = BIT(READ), .verdict = POLICY_ALLOW,
					      PATHS("/w/**") });
	fixture_open(&f);
	assert_true(policy_has_by(&f.p, POLICY_SECTION_FILES));
	assert_false(policy_has_by(&f.p, POLICY_SECTION_NETWORK));
	assert_int_equal(ask_as(&f, POLICY_OP_READ, "/w/by", 0, "/usr/bin/node").verdict, POLICY_DENY);
	assert_int_equal(ask_as(&f, POLICY_OP_READ, "/w/by", 0, "/opt/x/bin/y").verdict, POLICY_DENY);
	assert_int_equal(ask_as(&f, POLICY_OP_READ, "/w/by", 0, "/usr/bin/nodejs").verdict, POLICY_ALLOW);
	assert_int_equal(ask_as(&f, POLICY_OP_READ, "/w/by", 0, "/usr/node/x").verdict, POLICY_ALLOW);
	assert_int_equal(ask_as(&f, POLICY_OP_READ, "/w/by", 0, "/opt/x/y/bin/z").verdict, POLICY_ALLOW);
	assert_int_equal(ask_as(&f, POLICY_OP_READ, "/w/by", 0, "").verdict, POLICY_DENY);	/* unknown */
	assert_int_equal(ask_as(&f, POLICY_OP_READ, "/w/self", 0, "").verdict, POLICY_ALLOW);
	assert_int_equal(ask_as(&f, POLICY_OP_READ, "/w/self", POLICY_T_STOOD_FOLDER, "").verdict,
			 POLICY_ALLOW);
	assert_int_equal(ask_as(&f, POLICY_OP_READ, "/w/self", POLICY_T_STOOD_SELF, "").verdict,
			 POLICY_DENY);
	assert_int_equal(ask_as(&f, POLICY_OP_READ, "/w/folder", POLICY_T_STOOD_SELF, "").verdict,
			 POLICY_ALLOW);
	assert_int_equal(ask_as(&f, POLICY_OP_READ, "/w/folder", POLICY_T_UNKNOWN, "").verdict,
			 POLICY_DENY);
	fixture_end(&f);
}

static struct policy_decision run(const struct fixture *f, const char *path, const char *asked,
				  const char *const *argv, uint32_t argc)
{
	struct policy_request req = {
		.op = POLICY_OP_RUN,
		.subject.exe = policy_str("/bin/sh"),
		.object = {
			.kind = POLICY_OBJECT_EXEC,
			.exec = { policy_str(path), policy_str(asked), argv, argc },
		},
	};
	struct policy_decision d;

	policy_eval(&f->p, &req, &d);
	return d;
}

#define RUN(path, asked, ...) \
	run(&f, path, asked, LIST(__VA_ARGS__), ARRAY_SIZE(LIST(__VA_ARGS__))).rule.s

static void test_commands(void **unused)
{
	struct fixture f;

	(void)unused;
	fixture_begin(&f);
	fixture_default(&f, POLICY_SECTION_COMMANDS, POLICY_ALLOW);
	fixture_add(&f, (struct policy_rule){ .section = POLICY_SECTION_COMMANDS, .id = "force",
					      .ops = BIT(RUN), .verdict = POLICY_ASK, RUNS("git"),
					      ARGS("push", "**", "--force*") });
	fixture_add(&f, (struct policy_rule){ .section = POLICY_SECTION_COMMANDS, .id = "git",
					      .ops = BIT(RUN), .verdict = POLICY_ALLOW, RUNS("git") });
	fixture_add(&f, (struct policy_rule){ .section = POLICY_SECTION_COMMANDS, .id = "path",
					      .ops = BIT(RUN), .verdict = POLICY_DENY,
					      RUNS("/usr/sbin/**", "/opt/*/bin/x") });
	fixture_add(&f, (struct policy_rule){ .section = POLICY_SECTION_COMMANDS, .id = "py",
					      .ops = BIT(RUN), .verdict = POLICY_DENY,
					      RUNS("python{,3,3.[0-9]*}") });
	fixture_open(&f);
	/* the base name of the object, or of what was asked for */
	assert_string_equal(RUN("/usr/bin/git", "/usr/bin/git", "git"), "git");
	assert_string_equal(RUN("/usr/lib/git-core/tool", "/usr/bin/git", "git"), "git");
	assert_string_equal(RUN("/usr/bin/git", "/home/x", "x"), "git");
	assert_string_equal(RUN("/usr/bin/git", "./git", "git"), "git");
	assert_string_equal(RUN("/usr/bin/x", "git", "git"), "git");
	assert_string_equal(RUN("/usr/bin/gitk", "/usr/bin/gitk", "git"), "default");
	assert_string_equal(RUN("/usr/git/x", "/usr/git/x", "git"), "default");
	/* paths: absolute only */
	assert_string_equal(RUN("/usr/sbin/x", "/x", "x"), "path");
	assert_string_equal(RUN("/x", "/usr/sbin/y/z", "x"), "path");
	assert_string_equal(RUN("/x", "usr/sbin/y", "x"), "default");
	assert_string_equal(RUN("/opt/a/bin/x", "", "x"), "path");
	assert_string_equal(RUN("/opt/a/b/bin/x", "", "x"), "default");
	assert_string_equal(RUN("/usr/bin/python3.11", "/usr/bin/python3", "x"), "py");
	assert_string_equal(RUN("/usr/bin/python", "/usr/bin/python", "x"), "py");
	assert_string_equal(RUN("/usr/bin/pythonx", "/usr/bin/pythonx", "x"), "default");
	/* first match over all the names a program goes by */
	assert_string_equal(RUN("/usr/sbin/python", "/bin/git", "x"), "git");
	assert_string_equal(RUN("/bin/python", "/usr/sbin/z", "x"), "path");
	/* arguments */
	assert_string_equal(RUN("/usr/bin/git", "git", "git", "push", "--force"), "force");
	assert_string_equal(RUN("/usr/bin/git", "git", "git", "push", "a", "b", "--force-with-lease"), "force");
	assert_string_equal(RUN("/usr/bin/git", "git", "git", "push", "--force", "x"), "git");
	assert_string_equal(RUN("/usr/bin/git", "git", "git", "push", "--forc"), "git");
	assert_string_equal(RUN("/usr/bin/git", "git", "git", "pull", "push", "--force"), "git");
	assert_string_equal(RUN("/usr/bin/git", "git", "git", "push"), "git");
	assert_string_equal(RUN("/usr/bin/git", "git", "push", "--force"), "git");	/* argv[0] is no argument */
	assert_int_equal(run(&f, "/usr/bin/git", "git", NULL, 0).verdict, POLICY_ALLOW);
	/* arguments that could not be read: the strict answer */
	assert_string_equal(run(&f, "/usr/bin/git", "git", NULL, 2).rule.s, "force");
	/* no path: a bug of the caller */
	assert_int_equal(run(&f, "", "git", NULL, 0).verdict, POLICY_DENY);
	fixture_end(&f);
}

static bool args_match(const char *const *pattern, size_t count, const char *const *argv, uint32_t argc)
{
	struct fixture f;
	bool is_match;

	fixture_begin(&f);
	fixture_default(&f, POLICY_SECTION_COMMANDS, POLICY_ALLOW);
	fixture_add(&f, (struct policy_rule){ .section = POLICY_SECTION_COMMANDS, .id = "it",
					      .ops = BIT(RUN), .verdict = POLICY_DENY, RUNS("x"),
					      .args = pattern, .args_count = count });
	fixture_open(&f);
	is_match = run(&f, "/bin/x", "x", argv, argc).verdict == POLICY_DENY;
	fixture_end(&f);
	return is_match;
}

#define ARGS_MATCH(pattern, ...) args_match(pattern, ARRAY_SIZE(pattern), LIST(__VA_ARGS__), \
					    ARRAY_SIZE(LIST(__VA_ARGS__)))

static void test_args(void **unused)
{
	static const char *const any[] = { "**" }, *const slash[] = { "*.c" }, *const two[] = { "?", "[ab]" };
	static const char *const middle[] = { "**", "-f", "**" }, *const ends[] = { "a", "**", "b" };
	static const char *const twice[] = { "**", "a", "**", "b", "**" }, *const empty[] = { "" };
	static const char *const stars[] = { "a**b" }, *const set[] = { "[!/]" }, *const braces[] = { "{x/y,z}" };

	(void)unused;
	assert_true(ARGS_MATCH(any, "x"));
	assert_true(ARGS_MATCH(any, "x", "a", "b"));
	assert_true(args_match(any, 0, LIST("x"), 1));		/* no patterns: no arguments */
	assert_false(args_match(any, 0, LIST("x", "a"), 2));
	assert_true(ARGS_MATCH(slash, "x", "a/b.c"));		/* a star takes slashes in arguments */
	assert_true(ARGS_MATCH(slash, "x", ".c"));
	assert_false(ARGS_MATCH(slash, "x", "a/b.h"));
	assert_false(ARGS_MATCH(slash, "x"));
	assert_false(ARGS_MATCH(slash, "x", "a.c", "b.c"));
	assert_true(ARGS_MATCH(two, "x", "/", "b"));
	assert_false(ARGS_MATCH(two, "x", "/", "c"));
	assert_false(ARGS_MATCH(two, "x", "b"));
	assert_true(ARGS_MATCH(middle, "x", "-f"));
	assert_true(ARGS_MATCH(middle, "x", "a", "-f", "-f", "b"));
	assert_false(ARGS_MATCH(middle, "x", "a", "-ff"));
	assert_true(ARGS_MATCH(ends, "x", "a", "b"));
	assert_true(ARGS_MATCH(ends, "x", "a", "b", "b"));
	assert_false(ARGS_MATCH(ends, "x", "a", "b", "c"));
	assert_true(ARGS_MATCH(twice, "x", "b", "a", "a", "c", "b"));
	assert_false(ARGS_MATCH(twice, "x", "b", "a"));
	assert_true(ARGS_MATCH(empty, "x", ""));
	assert_false(ARGS_MATCH(empty, "x", "y"));
	assert_true(ARGS_MATCH(stars, "x", "a/x/b"));
	assert_false(ARGS_MATCH(set, "x", "/"));
	assert_true(ARGS_MATCH(set, "x", "."));
	assert_true(ARGS_MATCH(braces, "x", "x/y"));
	assert_true(ARGS_MATCH(braces, "x", "z"));
	assert_false(ARGS_MATCH(braces, "x", "x"));
}

static struct policy_decision net(const struct fixture *f, enum policy_op op, const uint8_t ip[16],
				  uint16_t port)
{
	struct policy_request req = { .op = op, .object = { .kind = POLICY_OBJECT_ADDR } };
	struct policy_decision d;

	memcpy(req.object.addr.ip, ip, 16);
	req.object.addr.port = port;
	policy_eval(&f->p, &req, &d);
	return d;
}

#define V4(a, b, c, d) { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d }

static const uint8_t loopback[16] = V4(127, 0, 0, 1), lan[16] = V4(192, 168, 1, 127), lan2[16] = V4(192, 168, 1, 128);
static const uint8_t far_away[16] = V4(8, 8, 8, 8), ip6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };

static void test_network(void **unused)
{
	const struct policy_net local = { V4(127, 0, 0, 0), 96 + 8, 1024, 65535 };
	const struct policy_net half = { V4(192, 168, 1, 0), 96 + 25, 0, 65535 };
	const struct policy_net all4 = { V4(0, 0, 0, 0), 96, 443, 443 }, all = { .port_low = 22, .port_high = 22 };
	const struct policy_net one6 = { { 0x20, 1, 0xd, 0xb8, [15] = 1 }, 128, 80, 80 };
	struct fixture f;

	(void)unused;
	fixture_begin(&f);
	fixture_add(&f, (struct policy_rule){ .section = POLICY_SECTION_NETWORK, .id = "local",
					      .ops = BIT(CONNECT) | BIT(LISTEN), .verdict = POLICY_ALLOW,
					      .net = &local, .net_count = 1 });
	fixture_add(&f, (struct policy_rule){ .section = POLICY_SECTION_NETWORK, .id = "half",
					      .ops = BIT(CONNECT), .verdict = POLICY_DENY, .err = ECONNREFUSED,
					      .net = &half, .net_count = 1 });
	fixture_add(&f, (struct policy_rule){ .section = POLICY_SECTION_NETWORK, .id = "https", .ops = BIT(CONNECT),
					      .verdict = POLICY_ALLOW,
					      .net = (struct policy_net[]){ all4, one6 }, .net_count = 2 });
	fixture_add(&f, (struct policy_rule){ .section = POLICY_SECTION_NETWORK, .id = "ssh", .ops = BIT(CONNECT),
					      .verdict = POLICY_ASK, .net = &all, .net_count = 1 });
	fixture_layer(&f, "system");
	fixture_add(&f, (struct policy_rule){ .section = POLICY_SECTION_NETWORK, .id = "no-lan", .ops = BIT(CONNECT),
					      .verdict = POLICY_DENY,
					      .net = &(struct policy_net){ V4(192, 168, 0, 0), 96 + 16, 0, 65535 },
					      .net_count = 1 });
	fixture_open(&f);
	assert_string_equal(net(&f, POLICY_OP_CONNECT, loopback, 1024).rule.s, "local");
	assert_string_equal(net(&f, POLICY_OP_CONNECT, loopback, 1023).rule.s, "default");
	assert_string_equal(net(&f, POLICY_OP_LISTEN, loopback, 8080).rule.s, "local");
	assert_string_equal(net(&f, POLICY_OP_BIND, loopback, 8080).rule.s, "default");
	assert_string_equal(net(&f, POLICY_OP_CONNECT, lan, 443).rule.s, "half");
	assert_int_equal(net(&f, POLICY_OP_CONNECT, lan, 443).err, ECONNREFUSED);
	assert_string_equal(net(&f, POLICY_OP_CONNECT, lan2, 443).rule.s, "no-lan");
	assert_string_equal(net(&f, POLICY_OP_CONNECT, far_away, 443).rule.s, "https");
	assert_string_equal(net(&f, POLICY_OP_CONNECT, far_away, 444).rule.s, "default");
	assert_string_equal(net(&f, POLICY_OP_CONNECT, ip6, 80).rule.s, "https");
	assert_string_equal(net(&f, POLICY_OP_CONNECT, ip6, 443).rule.s, "default");
	assert_string_equal(net(&f, POLICY_OP_CONNECT, ip6, 22).rule.s, "ssh");
	assert_string_equal(net(&f, POLICY_OP_CONNECT, far_away, 22).rule.s, "ssh");
	assert_true(policy_has_rules(&f.p, POLICY_SECTION_NETWORK));
	fixture_end(&f);
}

static void test_sockets_are_apart(void **unused)
{
	struct fixture f;

	(void)unused;
	fixture_begin(&f);
	fixture_default(&f, POLICY_SECTION_FILES, POLICY_ALLOW);
	fixture_default(&f, POLICY_SECTION_COMMANDS, POLICY_ALLOW);
	fixture_add(&f, (struct policy_rule){ .section = POLICY_SECTION_SOCKETS, .id = "agent", .ops = BIT(SOCKET),
					      .verdict = POLICY_ALLOW, PATHS("/run/agent/*") });
	fixture_open(&f);
	expect(&f, POLICY_OP_SOCKET, "/run/agent/x", "agent");
	expect(&f, POLICY_OP_SOCKET, "/run/other", "default");
	assert_int_equal(ask(&f, POLICY_OP_SOCKET, "/run/other").verdict, POLICY_DENY);
	assert_int_equal(ask(&f, POLICY_OP_READ, "/run/other").verdict, POLICY_ALLOW);
	expect(&f, POLICY_OP_READ, "/run/agent/x", "default");
	assert_true(policy_has_rules(&f.p, POLICY_SECTION_SOCKETS));
	assert_false(policy_has_rules(&f.p, POLICY_SECTION_FILES));
	assert_true(policy_has_rules(&f.p, POLICY_SECTION_NETWORK));	/* denied by default */
	assert_false(policy_has_rules(&f.p, POLICY_SECTION_COUNT));
	fixture_end(&f);
}

static void test_merge(void **unused)
{
	struct policy_decision deny = { .verdict = POLICY_DENY, .rule_id = 1 }, deny2 = { .rule_id = 2 };
	struct policy_decision allow = { .verdict = POLICY_ALLOW, .rule_id = 3 }, acc;

	(void)unused;
	acc = allow;
	policy_merge(&acc, &deny);
	assert_int_equal(acc.rule_id, 1);
	policy_merge(&acc, &deny2);
	assert_int_equal(acc.rule_id, 1);
	policy_merge(&acc, &allow);
	assert_int_equal(acc.rule_id, 1);
}

static void test_op_names(void **unused)
{
	(void)unused;
	assert_string_equal(policy_op_name(POLICY_OP_READ), "read");
	assert_string_equal(policy_op_name(POLICY_OP_SOCKET), "socket");
	assert_string_equal(policy_op_name(POLICY_OP_COUNT), "?");
	assert_int_equal(policy_op_section(POLICY_OP_RUN), POLICY_SECTION_COMMANDS);
	assert_int_equal(policy_op_section(POLICY_OP_COUNT), POLICY_SECTION_NONE);
	assert_int_equal(policy_op_object(POLICY_OP_BIND), POLICY_OBJECT_ADDR);
	assert_string_equal(policy_verdict_name(POLICY_ASK), "ask");
	assert_string_equal(policy_verdict_name(POLICY_VERDICT_COUNT), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_match),
		cmocka_unit_test(test_decision_fields),
		cmocka_unit_test(test_redirects_of_layers),
		cmocka_unit_test(test_words_of_a_command),
		cmocka_unit_test(test_nonsense_is_denied),
		cmocka_unit_test(test_layers),
		cmocka_unit_test(test_rule_default),
		cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_args),
		cmocka_unit_test(test_network),
		cmocka_unit_test(test_sockets_are_apart),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_op_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
