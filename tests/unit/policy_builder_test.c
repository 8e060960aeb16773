/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/policy_builder_test.c - What the builder refuses, and what becomes of what it takes
 */
#include "tests/unit/policy_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define READ_RULE(name) FILES_RULE, .id = name, .ops = BIT(READ), .verdict = POLICY_DENY

#define TO_RULE(o) FILES_RULE, .id = "x", .ops = (o), .verdict = POLICY_REDIRECT
#define RUN_TO .section = POLICY_SECTION_COMMANDS, .id = "x", .ops = BIT(RUN), .verdict = POLICY_REDIRECT

static void test_refused_rules(void **unused)
{
	static const struct policy_net long_prefix = { .prefix_bits = 129 }, backwards = { .port_low = 2, .port_high = 1 };
	const struct {
		struct policy_rule rule;
		const char *words;
	} t[] = {
		{ { FILES_RULE, .ops = BIT(READ), PATHS("/a") }, "no id" },
		{ { .id = "x", .ops = BIT(READ), PATHS("/a") }, "no section" },
		{ { FILES_RULE, .id = "x", PATHS("/a") }, "no operation" },
		{ { FILES_RULE, .id = "x", .ops = BIT(RUN), PATHS("/a") }, "no operation" },
		{ { FILES_RULE, .id = "x", .ops = BIT(READ) | BIT(CONNECT), PATHS("/a") }, "no operation" },
		{ { READ_RULE("x") }, "no path" },
		{ { READ_RULE("x"), PATHS("a") }, "must start with '/'" },
		{ { READ_RULE("x"), PATHS("/a", "/b/") }, "cannot end" },
		{ { READ_RULE("x"), PATHS("/a"), RUNS("git") }, "cannot have \"run\"" },
		{ { READ_RULE("x"), PATHS("/a"), ARGS("git") }, "cannot have \"args\"" },
		{ { READ_RULE("x"), PATHS("/a"), BYS("a/b") }, "must start with '/'" },
		{ { READ_RULE("x"), PATHS("/a"), .flags = 1u << 30 }, "unknown flags" },
		{ { READ_RULE("x"), PATHS("/a"), .err = -1 }, "error number" },
		{ { READ_RULE("x"), PATHS("/a"), .err = 5000 }, "error number" },
		{ { READ_RULE("x"), PATHS("/a"), .err = EPERM, .flags = POLICY_F_HIDE }, "error number" },
		{ { READ_RULE("x"), PATHS("/a"), .target = "/b" }, "does not redirect" },
		{ { FILES_RULE, .id = "x", .ops = BIT(READ), .verdict = POLICY_REDIRECT, PATHS("/a") }, "to nowhere" },
		{ { TO_RULE(BIT(READ)), .target = "b", PATHS("/a") }, "to no path" },
		{ { TO_RULE(BIT(READ) | BIT(DELETE)), .target = "/b", PATHS("/a") }, "cannot be" },
		{ { TO_RULE(BIT(READ)), .target = "/b\0/c", .target_len = 5, PATHS("/a") }, "more than one place" },
		{ { RUN_TO, .target = "b", RUNS("a") }, "to no program" },
		{ { RUN_TO, .target = "\0", .target_len = 1, RUNS("a") }, "to no program" },
		{ { RUN_TO, .target = "\0b\0", .target_len = 3, RUNS("a") }, "to no program" },
		{ { RUN_TO, .target = "b\0c", .target_len = 3, RUNS("a") }, "to no program" },
		{ { FILES_RULE, .id = "x", .ops = BIT(READ), .verdict = POLICY_ALLOW, .flags = POLICY_F_HIDE,
		    PATHS("/a") }, "hides" },
		{ { FILES_RULE, .id = "x", .ops = BIT(READ), .verdict = POLICY_ALLOW, PATHS("/a"), BYS("b") },
		  "only restrict" },
		{ { FILES_RULE, .id = "x", .ops = BIT(READ), .verdict = POLICY_ALLOW, PATHS("/a"),
		    .flags = POLICY_RULE_STOOD_SELF }, "only restrict" },
		{ { FILES_RULE, .id = "x", .ops = BIT(READ), .verdict = POLICY_ALLOW, .err = EPERM, PATHS("/a") },
		  "error number" },
		{ { FILES_RULE, .id = "x", .ops = BIT(READ), .verdict = POLICY_VERDICT_COUNT, PATHS("/a") }, "no decision" },
		{ { READ_RULE("x"), PATHS("/a"), BYS("b"), .flags = POLICY_RULE_DEFAULT }, "default" },
		{ { .section = POLICY_SECTION_COMMANDS, .id = "x", .ops = BIT(RUN) }, "no program" },
		{ { .section = POLICY_SECTION_COMMANDS, .id = "x", .ops = BIT(RUN), RUNS("a/b") }, "must start" },
		{ { .section = POLICY_SECTION_COMMANDS, .id = "x", .ops = BIT(RUN), RUNS("a"), ARGS("[") }, "no ']'" },
		{ { .section = POLICY_SECTION_COMMANDS, .id = "x", .ops = BIT(RUN), RUNS("a"),
		    .flags = POLICY_RULE_STOOD_SELF }, "stood" },
		{ { .section = POLICY_SECTION_NETWORK, .id = "x", .ops = BIT(CONNECT) }, "no address" },
		{ { .section = POLICY_SECTION_NETWORK, .id = "x", .ops = BIT(CONNECT), .net = &long_prefix,
		    .net_count = 1 }, "too long" },
		{ { .section = POLICY_SECTION_NETWORK, .id = "x", .ops = BIT(CONNECT), .net = &backwards,
		    .net_count = 1 }, "backwards" },
		{ { .section = POLICY_SECTION_SOCKETS, .id = "x", .ops = BIT(READ), PATHS("/a") }, "no operation" },
	};
	struct fixture f;
	size_t i;

	(void)unused;
	fixture_begin(&f);
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		struct policy_rule rule = t[i].rule;

		rule.line = 7;
		rule.column = (uint32_t)i;
		memset(&f.diag, 0, sizeof(f.diag));
		assert_int_equal(policy_builder_add(f.b, &rule, &f.diag), -EINVAL);
		if (!strstr(f.diag.message, t[i].words))
			fail_msg("%zu: \"%s\" without \"%s\"", i, f.diag.message, t[i].words);
		assert_int_equal(f.diag.line, 7);
		assert_int_equal(f.diag.column, i);
	}
	/* all or nothing: none of them is there */
	fixture_open(&f);
	assert_false(policy_rule_get(&f.p, 0, &(struct policy_str){ 0 }, &(struct policy_str){ 0 },
				     &(struct policy_str){ 0 }));
	fixture_end(&f);
}

static void test_layers_and_defaults(void **unused)
{
	struct policy_builder *b;
	struct policy_diag diag;
	uint32_t source;
	size_t size;
	void *blob;

	(void)unused;
	assert_int_equal(policy_builder_new(&b), 0);
	assert_int_equal(policy_builder_default(b, POLICY_SECTION_FILES, POLICY_ALLOW), -EINVAL);
	assert_int_equal(policy_builder_emit(b, &blob, &size, &diag, &source), -EINVAL);
	assert_int_equal(policy_builder_layer(b, "base", true), 0);
	assert_int_equal(policy_builder_default(b, POLICY_SECTION_NONE, POLICY_ALLOW), -EINVAL);
	assert_int_equal(policy_builder_default(b, POLICY_SECTION_COUNT, POLICY_ALLOW), -EINVAL);
	assert_int_equal(policy_builder_default(b, POLICY_SECTION_FILES, POLICY_REDIRECT), -EINVAL);
	assert_int_equal(policy_builder_layer(b, "a", false), 0);
	assert_int_equal(policy_builder_layer(b, "b", false), 0);
	assert_int_equal(policy_builder_layer(b, "c", true), 0);
	assert_int_equal(policy_builder_layer(b, "d", false), -E2BIG);
	assert_int_equal(policy_builder_emit(b, &blob, &size, &diag, &source), -EINVAL);
	assert_non_null(strstr(diag.message, "one base layer"));
	assert_null(policy_builder_free(b));
	assert_null(policy_builder_free(NULL));
}

/* Two rules of one file; is the second refused? */
static bool is_second_dead(struct policy_rule first, struct policy_rule second)
{
	struct fixture f;
	bool is_dead;
	int r;

	fixture_begin(&f);
	first.id = "first";
	second.id = "second";
	second.line = 5;
	second.column = 9;
	first.source = second.source = 3;
	fixture_add(&f, first);
	fixture_add(&f, second);
	r = policy_builder_emit(f.b, &f.blob, &f.size, &f.diag, &f.source);
	is_dead = r == -EINVAL;
	if (is_dead) {
		assert_non_null(strstr(f.diag.message, "\"second\" can never match"));
		assert_int_equal(f.diag.line, 5);
		assert_int_equal(f.diag.column, 9);
		assert_int_equal(f.source, 3);
	} else {
		assert_int_equal(r, 0);
	}
	fixture_end(&f);
	return is_dead;
}

#define DEAD(first, second) \
	is_second_dead((struct policy_rule){ READ_RULE("x"), PATHS(first) }, \
		       (struct policy_rule){ READ_RULE("x"), PATHS(second) })

static void test_unreachable(void **unused)
{
	(void)unused;
	assert_true(DEAD("/a", "/a"));
	assert_true(DEAD("/**", "/a"));
	assert_false(DEAD("/a", "/**"));
	assert_false(DEAD("/**", "/"));
	assert_true(DEAD("/*", "/a*"));
	assert_false(DEAD("/a*", "/*"));
	assert_true(DEAD("/a/**", "/a/*/c"));
	assert_false(DEAD("/a/**", "/a"));
	assert_true(DEAD("/**/*.pem", "/w/**/x.pem"));
	assert_true(DEAD("/**/*.pem", "/w/*/x.pem"));
	assert_false(DEAD("/w/**/*.pem", "/**/x.pem"));
	assert_true(DEAD("/{a,b}", "/b"));
	assert_true(DEAD("/[a-c]", "/{a,b}"));
	assert_false(DEAD("/[a-c]", "/{a,d}"));
	assert_true(DEAD("/?", "/[!x]"));
	assert_false(DEAD("/?*", "/x/*"));
	assert_true(DEAD("/?*", "/*"));		/* no name is empty */
	assert_true(DEAD("/a/?*", "/a/*"));
	assert_true(DEAD("/**/a", "/x/**/a"));
	assert_true(DEAD("/long/literal", "/long/literal"));
	assert_false(DEAD("/long/literal", "/long/literal2"));
	assert_false(DEAD("/long/literal2", "/long/literal"));
}

static void test_unreachable_by_several(void **unused)
{
	struct fixture f;

	(void)unused;
	fixture_begin(&f);
	fixture_add(&f, (struct policy_rule){ READ_RULE("one"), PATHS("/a/**") });
	fixture_add(&f, (struct policy_rule){ READ_RULE("two"), PATHS("/b") });
	fixture_add(&f, (struct policy_rule){ READ_RULE("dead"), PATHS("/a/x", "/b") });
	fixture_refused(&f, -EINVAL, "\"dead\" can never match");
	fixture_end(&f);

	/* ops are decided apart */
	fixture_begin(&f);
	fixture_add(&f, (struct policy_rule){ READ_RULE("read"), PATHS("/a") });
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "both", .ops = BIT(READ) | BIT(WRITE), PATHS("/a") });
	fixture_add(&f, (struct policy_rule){ FILES_RULE, .id = "dead", .ops = BIT(READ) | BIT(WRITE), PATHS("/a") });
	fixture_refused(&f, -EINVAL, "\"dead\"");
	fixture_end(&f);
}

static void test_conditions_do_not_shadow(void **unused)
{
	const struct policy_rule plain = { READ_RULE("x"), PATHS("/a") };
	struct policy_rule by = { READ_RULE("x"), PATHS("/a"), BYS("cat") };
	struct policy_rule stood = plain, run, args;

	(void)unused;
	stood.flags = POLICY_RULE_STOOD_SELF;
	assert_false(is_second_dead(by, plain));
	assert_false(is_second_dead(stood, plain));
	assert_true(is_second_dead(plain, by));
	assert_true(is_second_dead(plain, stood));
	run = (struct policy_rule){ .section = POLICY_SECTION_COMMANDS, .ops = BIT(RUN), RUNS("git") };
	args = (struct policy_rule){ .section = POLICY_SECTION_COMMANDS, .ops = BIT(RUN), RUNS("git"), ARGS("push") };
	assert_false(is_second_dead(args, run));
	assert_true(is_second_dead(run, args));
	assert_true(is_second_dead(run, run));
}

static void test_unreachable_networks(void **unused)
{
	const struct policy_net wide = { { 10 }, 8, 1, 100 }, narrow = { { 10, 1 }, 16, 5, 6 };
	const struct policy_net more_ports = { { 10, 1 }, 16, 5, 101 }, other = { { 11 }, 8, 5, 6 };
	struct policy_rule first = { .section = POLICY_SECTION_NETWORK, .ops = BIT(CONNECT), .net = &wide, .net_count = 1 };
	struct policy_rule second = first;

	(void)unused;
	second.net = &narrow;
	assert_true(is_second_dead(first, second));
	assert_false(is_second_dead(second, first));
	second.net = &more_ports;
	assert_false(is_second_dead(first, second));
	second.net = &other;
	assert_false(is_second_dead(first, second));
	second.net = &narrow;
	second.ops |= BIT(BIND);
	assert_false(is_second_dead(first, second));
}

/* What another file, section or layer decides is no error */
static void test_only_within_one_file(void **unused)
{
	struct fixture f;

	(void)unused;
	fixture_begin(&f);
	fixture_add(&f, (struct policy_rule){ READ_RULE("own"), .source = 1, PATHS("/**") });
	fixture_add(&f, (struct policy_rule){ READ_RULE("inherited"), .source = 2, PATHS("/a") });
	fixture_add(&f, (struct policy_rule){ READ_RULE("inherited2"), .source = 2, PATHS("/b") });
	fixture_add(&f, (struct policy_rule){ .section = POLICY_SECTION_SOCKETS, .source = 1, .id = "socket",
					      .ops = BIT(SOCKET), PATHS("/a") });
	fixture_layer(&f, "system");
	fixture_add(&f, (struct policy_rule){ READ_RULE("system"), .source = 1, PATHS("/a") });
	fixture_open(&f);
	expect(&f, POLICY_OP_READ, "/a", "own");
	fixture_end(&f);

	/* but a later rule of the same file still is one when others stand between */
	fixture_begin(&f);
	fixture_add(&f, (struct policy_rule){ READ_RULE("one"), .source = 2, PATHS("/a/**") });
	fixture_add(&f, (struct policy_rule){ READ_RULE("between"), .source = 1, PATHS("/b") });
	fixture_add(&f, (struct policy_rule){ READ_RULE("dead"), .source = 2, PATHS("/a/x") });
	fixture_refused(&f, -EINVAL, "\"dead\"");
	assert_int_equal(f.source, 2);
	fixture_end(&f);
}

static void test_too_big(void **unused)
{
	struct fixture f;

	(void)unused;
	fixture_begin(&f);
	fixture_add(&f, (struct policy_rule){ READ_RULE("bomb"), PATHS("/**/*a???????????????????????") });
	fixture_refused(&f, -EFBIG, "beyond the limit");
	fixture_end(&f);
	fixture_begin(&f);
	fixture_add(&f, (struct policy_rule){ READ_RULE("mild"), PATHS("/**/*a????") });
	fixture_open(&f);
	expect(&f, POLICY_OP_READ, "/x/yyaaxxx", "mild");
	expect(&f, POLICY_OP_READ, "/x/yybaxxx", "default");
	fixture_end(&f);
}

static void test_many_rules(void **unused)
{
	struct fixture f;
	char path[64], id[16];
	unsigned int i;

	(void)unused;
	fixture_begin(&f);
	for (i = 0; i < 3000; i++) {
		snprintf(path, sizeof(path), "/w/dir%u/file%u", i % 50, i);
		snprintf(id, sizeof(id), "r%u", i);
		fixture_add(&f, (struct policy_rule){ READ_RULE(id), PATHS(path) });
	}
	fixture_open(&f);
	for (i = 0; i < 3000; i++) {
		snprintf(path, sizeof(path), "/w/dir%u/file%u", i % 50, i);
		snprintf(id, sizeof(id), "r%u", i);
		expect(&f, POLICY_OP_READ, path, id);
		snprintf(path, sizeof(path), "/w/dir%u/file%u", (i + 1) % 50, i);
		expect(&f, POLICY_OP_READ, path, "default");
	}
	fixture_end(&f);
}

static void test_rule_get(void **unused)
{
	struct policy_str id, layer, message;
	struct fixture f;

	(void)unused;
	fixture_begin(&f);
	fixture_add(&f, (struct policy_rule){ READ_RULE("one"), PATHS("/a"), .message = "Why." });
	fixture_layer(&f, "system");
	fixture_add(&f, (struct policy_rule){ READ_RULE("two"), PATHS("/a") });
	fixture_open(&f);
	assert_true(policy_rule_get(&f.p, 0, &id, &layer, &message));
	assert_string_equal(id.s, "one");
	assert_string_equal(layer.s, "base");
	assert_string_equal(message.s, "Why.");
	assert_true(policy_rule_get(&f.p, 1, &id, &layer, &message));
	assert_string_equal(id.s, "two");
	assert_string_equal(layer.s, "system");
	assert_int_equal(message.len, 0);
	assert_false(policy_rule_get(&f.p, 2, &id, &layer, &message));
	assert_false(policy_rule_get(&f.p, POLICY_RULE_NONE, &id, &layer, &message));
	fixture_end(&f);
}

static void test_dump(void **unused)
{
	char text[4096] = { 0 };
	struct fixture f;
	int pipe_fd[2];

	(void)unused;
	fixture_begin(&f);
	fixture_add(&f, (struct policy_rule){ READ_RULE("bad\x1b[2Jid"), PATHS("/a"), .message = "say \"no\"" });
	fixture_open(&f);
	assert_int_equal(pipe2(pipe_fd, O_CLOEXEC), 0);
	assert_int_equal(policy_dump(&f.p, pipe_fd[1]), 0);
	close(pipe_fd[1]);
	assert_true(read(pipe_fd[0], text, sizeof(text) - 1) > 0);
	close(pipe_fd[0]);
	assert_non_null(strstr(text, "layer 0 \"base\" base\n  default files deny"));
	assert_non_null(strstr(text, "rule 0 layer 0 files \"bad\\x1b[2Jid\" deny err 13 read"));
	assert_non_null(strstr(text, "message \"say \\x22no\\x22\""));
	assert_null(strchr(text, '\x1b'));
	fixture_end(&f);
}

static void test_seal_and_map(void **unused)
{
	struct policy_decision d;
	struct policy_request req = {
		.op = POLICY_OP_READ,
		.object = { .kind = POLICY_OBJECT_PATH, .path = policy_str("/a") },
	};
	struct policy p = { 0 };
	struct fixture f;
	int fd = -1;

	(void)unused;
	fixture_begin(&f);
	fixture_add(&f, (struct policy_rule){ READ_RULE("one"), PATHS("/a") });
	fixture_open(&f);
	assert_int_equal(policy_seal(f.blob, f.size, &fd), 0);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(write(fd, "x", 1), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	errno = 0;
	assert_int_equal(policy_map_fd(&p, fd), 0);
	close(fd);
	policy_eval(&p, &req, &d);
	assert_string_equal(d.rule.s, "one");
	policy_unmap(&p);
	assert_null(p.base);
	policy_unmap(&p);
	assert_int_equal(errno, 0);
	fixture_end(&f);
}

static void test_map_refuses(void **unused)
{
	struct policy p = { 0 };
	struct fixture f;
	int fd;

	(void)unused;
	fixture_begin(&f);
	fixture_open(&f);
	fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, f.blob, f.size), f.size);
	errno = 0;
	assert_int_equal(policy_map_fd(&p, fd), -EPERM);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE), 0);
	assert_int_equal(policy_map_fd(&p, fd), -EPERM);	/* all but one */
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL), 0);
	assert_int_equal(policy_map_fd(&p, fd), 0);
	policy_unmap(&p);
	close(fd);
	assert_int_equal(policy_map_fd(&p, fd), -EBADF);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(policy_map_fd(&p, fd), -EPERM);
	close(fd);
	assert_int_equal(policy_seal("", 0, &fd), 0);
	assert_int_equal(policy_map_fd(&p, fd), -EBADMSG);
	close(fd);
	assert_null(p.base);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_rules),
		cmocka_unit_test(test_layers_and_defaults),
		cmocka_unit_test(test_unreachable),
		cmocka_unit_test(test_unreachable_by_several),
		cmocka_unit_test(test_conditions_do_not_shadow),
		cmocka_unit_test(test_unreachable_networks),
		cmocka_unit_test(test_only_within_one_file),
		cmocka_unit_test(test_too_big),
		cmocka_unit_test(test_many_rules),
		cmocka_unit_test(test_rule_get),
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_seal_and_map),
		cmocka_unit_test(test_map_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
