/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/audit_test.c - The log: written, read back, verified, tampered with
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "audit/mask.h"
#include "audit/reader.h"
#include "common/fdio.h"

#define SESSION "20260101-000000-abcdef"

struct place {
	char top[64], dir[128], key[128], log[160], text[4096];
};

static int setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	strcpy(p->top, "/tmp/audit_test.XXXXXX");
	assert_non_null(mkdtemp(p->top));
	snprintf(p->dir, sizeof(p->dir), "%s/%s", p->top, SESSION);
	snprintf(p->key, sizeof(p->key), "%s/key", p->top);
	snprintf(p->log, sizeof(p->log), "%s/audit.jsonl", p->dir);
	assert_int_equal(mkdir(p->dir, 0700), 0);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct place *p = *state;

	unlink(p->log);
	unlink(p->key);
	rmdir(p->dir);
	rmdir(p->top);
	free(p);
	return 0;
}

static struct audit *open_audit(const struct place *p)
{
	static const char *const argv[] = { "tool", "--token=abc", NULL };
	struct audit_options opt = {
		.session_dir = p->dir, .key_file = p->key, .session_id = SESSION, .argv = argv,
		.policy_name = "developer", .workspace = "/home/u/w",
	};
	struct audit *a;

	assert_int_equal(audit_open(&a, &opt), 0);
	return a;
}

static const struct policy_decision denied = {
	.verdict = POLICY_DENY, .err = EACCES, .rule = { "secrets", 7 }, .message = { "no", 2 },
};
static const struct policy_decision allowed = { .verdict = POLICY_ALLOW, .rule = { "ws", 2 } };

static struct event event_of(enum policy_op op, const char *object, const struct policy_decision *d)
{
	return (struct event){
		.layer = EVENT_LAYER_FUSEFS, .op = op, .tid = getpid(), .object = policy_str(object),
		.decision = d, .err = d->err, .latency_ns = 5000,
	};
}

static uint64_t record(struct audit *a, enum policy_op op, const char *object, const struct policy_decision *d)
{
	struct event ev = event_of(op, object, d);
	uint64_t seq;

	assert_int_equal(audit_event(a, &ev, &seq), 0);
	return seq;
}

static void write_log(const struct place *p)
{
	struct audit *a = open_audit(p);

	assert_int_equal(record(a, POLICY_OP_READ, "/a", &denied), 2);
	assert_int_equal(record(a, POLICY_OP_WRITE, "/b", &allowed), 3);
	assert_int_equal(record(a, POLICY_OP_READ, "/c", &denied), 4);
	assert_int_equal(audit_close(a, W_EXITCODE(7, 0)), 0);
	audit_free(a);
}

static enum audit_state verdict(struct place *p)
{
	enum audit_state state = AUDIT_TAMPERED;
	FILE *out = fmemopen(p->text, sizeof(p->text), "w");

	assert_int_equal(audit_verify(p->dir, p->key, out, &state), 0);
	fclose(out);
	return state;
}

/* Not inlined: gcc 12 then takes the text for the variable that held it */
__attribute__((noinline)) static char *load(const struct place *p)
{
	char *text = NULL;
	size_t len;

	assert_int_equal(fdio_read_file(AT_FDCWD, p->log, 1 << 24, &text, &len), 0);
	return text;
}

static void store(const struct place *p, const char *text)
{
	FILE *f = fopen(p->log, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static char *line_start(char *text, int n)
{
	while (n-- > 1)
		text = strchr(text, '\n') + 1;
	return text;
}

static void written_log_is_intact_and_reads_back(void **state)
{
	struct place *p = *state;
	struct audit_reader *r;
	struct audit_record rec;
	struct stat st;

	write_log(p);
	assert_int_equal(verdict(p), AUDIT_INTACT);
	assert_int_equal(stat(p->log, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(p->key, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(audit_reader_open(&r, p->dir), 0);
	assert_int_equal(audit_reader_next(r, &rec), 1);
	assert_memory_equal(rec.argv[1].s, "--token=***", 11);
	assert_int_equal(audit_reader_next(r, &rec), 1);
	assert_int_equal(rec.seq, 2);
	assert_int_equal(rec.pid, getpid());
	assert_int_equal(rec.parent, getppid());
	assert_memory_equal(rec.err.s, "EACCES", 6);
	assert_memory_equal(rec.message.s, "no", 2);
	assert_int_equal(rec.latency_us, 5);
	assert_true(audit_record_is_refusal(&rec));
	assert_int_equal(audit_reader_next(r, &rec), 1);
	assert_false(audit_record_is_refusal(&rec));
	assert_int_equal(audit_reader_next(r, &rec), 1);
	assert_int_equal(audit_reader_next(r, &rec), 1);
	assert_memory_equal(rec.op.s, "end", 3);
	assert_int_equal(rec.exit, 7);
	assert_int_equal(rec.refused, 2);
	assert_int_equal(audit_reader_next(r, &rec), 0);
	audit_reader_free(r);
}

static void an_edit_is_found_and_named(void **state)
{
	struct place *p = *state;
	char *text, *at;

	write_log(p);
	text = load(p);
	at = strstr(text, "\"/b\"");
	assert_non_null(at);
	at[2] = 'x';
	store(p, text);
	assert_int_equal(verdict(p), AUDIT_TAMPERED);
	assert_non_null(strstr(p->text, "record 3 was edited"));
	free(text);
}

static void every_single_byte_counts(void **state)
{
	struct place *p = *state;
	char *text, *line;
	size_t len;

	write_log(p);
	text = load(p);
	len = strlen(text);
	for (size_t i = 0; i < len; i += 3) {
		char was = text[i];

		text[i] = was == 'x' ? 'y' : 'x';
		store(p, text);
		assert_int_not_equal(verdict(p), AUDIT_INTACT);
		text[i] = was;
	}
	line = line_start(text, 5);
	assert_non_null(strstr(line, "\"sig\""));
	store(p, text);
	assert_int_equal(verdict(p), AUDIT_INTACT);
	free(text);
}

static void a_cut_is_found(void **state)
{
	struct place *p = *state;
	char *text, *third, *fourth;

	write_log(p);
	text = load(p);
	third = line_start(text, 3);
	fourth = line_start(text, 4);
	memmove(third, fourth, strlen(fourth) + 1);
	store(p, text);
	assert_int_equal(verdict(p), AUDIT_TAMPERED);
	assert_non_null(strstr(p->text, "record 4 where 3 should stand"));
	free(text);
}

static void a_reorder_is_found(void **state)
{
	struct place *p = *state;
	char *text, *copy, *second, *third, *fourth;

	write_log(p);
	text = load(p);
	copy = strdup(text);
	second = line_start(copy, 2);
	third = line_start(copy, 3);
	fourth = line_start(copy, 4);
	memcpy(text + (second - copy), third, (size_t)(fourth - third));
	memcpy(text + (second - copy) + (fourth - third), second, (size_t)(third - second));
	store(p, text);
	assert_int_equal(verdict(p), AUDIT_TAMPERED);
	free(copy);
	free(text);
}

static void a_repeated_line_is_found(void **state)
{
	struct place *p = *state;
	char *text, *twice, *second, *third;
	size_t len;

	write_log(p);
	text = load(p);
	second = line_start(text, 2);
	third = line_start(text, 3);
	len = (size_t)(third - second);
	twice = calloc(1, strlen(text) + len + 1);
	memcpy(twice, text, (size_t)(third - text));
	memcpy(twice + (third - text), second, len);
	strcpy(twice + (third - text) + len, third);
	store(p, twice);
	assert_int_equal(verdict(p), AUDIT_TAMPERED);
	assert_non_null(strstr(p->text, "record 2 again, where 3 should stand"));
	free(twice);
	free(text);
}

static void a_log_without_its_end_is_unsigned_not_tampered(void **state)
{
	struct place *p = *state;
	char *text;

	write_log(p);
	text = load(p);
	*line_start(text, 5) = '\0';
	store(p, text);
	assert_int_equal(verdict(p), AUDIT_UNSIGNED);
	assert_non_null(strstr(p->text, "unfinished: not signed"));
	line_start(text, 4)[20] = '\0';
	store(p, text);
	assert_int_equal(verdict(p), AUDIT_TAMPERED);
	free(text);
}

static void another_key_is_found(void **state)
{
	struct place *p = *state;

	write_log(p);
	assert_int_equal(unlink(p->key), 0);
	struct place other = *p;
	char dir[160];

	snprintf(dir, sizeof(dir), "%s/other", p->top);
	assert_int_equal(mkdir(dir, 0700), 0);
	snprintf(other.dir, sizeof(other.dir), "%s/other", p->top);
	audit_free(open_audit(&other));		/* makes a new key */
	assert_int_equal(verdict(p), AUDIT_TAMPERED);
	assert_non_null(strstr(p->text, "not signed by your key"));
	snprintf(dir, sizeof(dir), "%s/other/audit.jsonl", p->top);
	unlink(dir);
	rmdir(other.dir);
}

static void a_key_that_others_read_is_refused(void **state)
{
	struct place *p = *state;
	enum audit_state s;
	FILE *out = fmemopen(p->text, sizeof(p->text), "w");

	write_log(p);
	assert_int_equal(chmod(p->key, 0640), 0);
	assert_int_equal(audit_verify(p->dir, p->key, out, &s), -EPERM);
	fclose(out);
	assert_int_equal(chmod(p->key, 0600), 0);
	assert_int_equal(verdict(p), AUDIT_INTACT);
}

static void a_running_session_is_told_apart(void **state)
{
	struct place *p = *state;
	struct audit *a = open_audit(p);

	record(a, POLICY_OP_READ, "/a", &denied);
	assert_int_equal(verdict(p), AUDIT_RUNNING);
	audit_free(a);
	assert_int_equal(verdict(p), AUDIT_UNSIGNED);
}

static void hostile_names_forge_no_line(void **state)
{
	struct place *p = *state;
	static const char name[] = "/x\n{\"forged\":\"1\"}\n\033[2K\xff\xfe\r\xe2\x80\xae\xc2\x9b";
	struct audit *a = open_audit(p);
	char *text;
	size_t lines = 0;

	record(a, POLICY_OP_READ, name, &denied);
	assert_int_equal(audit_close(a, 0), 0);
	audit_free(a);
	text = load(p);
	for (const char *c = text; *c; c++) {
		lines += *c == '\n';
		assert_true(*c == '\n' || (*c >= 0x20 && *c < 0x7f));
	}
	assert_int_equal(lines, 3);
	assert_null(strstr(text, "\n{\"forged\""));
	assert_int_equal(verdict(p), AUDIT_INTACT);
	free(text);
}

static void the_longest_fields_fit(void **state)
{
	struct place *p = *state;
	struct audit *a = open_audit(p);
	static char big[300000];
	const char *argv[300];
	struct event ev;

	memset(big, '\x01', sizeof(big) - 1);
	for (size_t i = 0; i < 300; i++)
		argv[i] = big;
	ev = event_of(POLICY_OP_RUN, big, &denied);
	ev.resolved = (struct policy_str){ big, 4096 };
	ev.argv = argv;
	ev.argc = 300;
	assert_int_equal(audit_event(a, &ev, NULL), 0);
	assert_int_equal(audit_close(a, 0), 0);
	audit_free(a);
	assert_int_equal(verdict(p), AUDIT_INTACT);
}

static void alike_opens_are_counted(void **state)
{
	struct place *p = *state;
	struct audit *a = open_audit(p);
	struct audit_reader *r;
	struct audit_record rec;
	uint64_t total = 0, lines = 0;

	for (int i = 0; i < 10000; i++) {
		char path[32];
		struct event ev;
		uint64_t seq = 1;

		snprintf(path, sizeof(path), "/f%d", i % 5000 < 4500 ? i % 3 : i);
		ev = event_of(POLICY_OP_READ, path, &allowed);
		ev.flags = EVENT_F_BATCH;
		assert_int_equal(audit_event(a, &ev, &seq), 0);
		assert_int_equal(seq, 0);
	}
	assert_int_equal(audit_close(a, 0), 0);
	audit_free(a);
	assert_int_equal(verdict(p), AUDIT_INTACT);
	assert_int_equal(audit_reader_open(&r, p->dir), 0);
	while (audit_reader_next(r, &rec) == 1) {
		total += rec.count;
		lines++;
	}
	audit_reader_free(r);
	assert_int_equal(total, 10000);
	assert_in_range(lines, 1000, 1100);
}

/* The file may not grow: what a full disk does, for one process */
static void a_full_disk_refuses_and_recovers(void **state)
{
	struct place *p = *state;
	struct audit *a = open_audit(p);
	struct rlimit old, small;
	struct event ev = event_of(POLICY_OP_WRITE, "/b", &allowed);
	struct event counted = event_of(POLICY_OP_READ, "/c", &allowed);
	int failed = 0;

	counted.flags = EVENT_F_BATCH;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 4000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (int i = 0; i < 20; i++)
		failed += audit_event(a, &ev, NULL) < 0;
	assert_in_range(failed, 5, 19);
	assert_int_equal(audit_event(a, &counted, NULL), 0);
	usleep(1300 * 1000);	/* the counted one cannot be written now */
	assert_true(audit_event(a, &counted, NULL) < 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(audit_event(a, &counted, NULL), 0);
	assert_int_equal(audit_event(a, &ev, NULL), 0);
	assert_int_equal(audit_close(a, 0), 0);
	assert_int_equal(audit_event(a, &ev, NULL), -ESHUTDOWN);
	audit_free(a);
	assert_int_equal(verdict(p), AUDIT_INTACT);
}

static void a_planted_log_or_link_is_not_written(void **state)
{
	struct place *p = *state;
	struct audit_options opt = { .session_dir = p->dir, .key_file = p->key, .session_id = SESSION };
	struct audit *a;

	assert_int_equal(symlink("/tmp/audit_test.elsewhere", p->log), 0);
	assert_int_equal(audit_open(&a, &opt), -EEXIST);
	assert_int_equal(access("/tmp/audit_test.elsewhere", F_OK), -1);
	assert_int_equal(unlink(p->log), 0);
	assert_int_equal(unlink(p->key), 0);
	assert_int_equal(symlink("/tmp/audit_test.elsewhere", p->key), 0);
	assert_int_equal(audit_open(&a, &opt), -ELOOP);
	assert_int_equal(unlink(p->key), 0);
	audit_free(open_audit(p));
}

static void filters_choose(void **state)
{
	static const char line[] = "{\"seq\":5,\"time\":\"2026-01-02T03:04:05.000001Z\",\"op\":\"read\","
		"\"program\":\"/usr/bin/cat\",\"object\":\"/home/u/.ssh/id\",\"decision\":\"deny\",\"rule\":\"keys\"}";
	static const struct {
		struct audit_filter f;
		bool want;
	} cases[] = {
		{ { .denied = true }, true }, { { .op = "read" }, true }, { { .op = "rea" }, false },
		{ { .path = "*/.ssh/*" }, true }, { { .path = "*/.aws/*" }, false },
		{ { .program = "cat" }, true }, { { .program = "/usr/*" }, true }, { { .program = "bash" }, false },
		{ { .rule = "keys" }, true }, { { .rule = "key" }, false }, { { .seq = 5 }, true }, { { .seq = 6 }, false },
		{ { .since = "2026-01-02T03:04:05Z" }, false }, { { .since = "2026-01-02T03:04:05.0" }, true },
		{ { .since = "2026-01-02" }, true }, { { .since = "2026-01-03" }, false },
	};
	char scratch[sizeof(line)];
	struct audit_record rec;

	(void)state;
	assert_int_equal(audit_record_parse(&rec, scratch, line, sizeof(line) - 1), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (audit_filter_matches(&cases[i].f, &rec) != cases[i].want)
			fail_msg("case %zu", i);
}

static void malformed_lines_are_refused(void **state)
{
	static const char *const good[] = {
		"{\"seq\":1}", "{\"seq\":1,\"new\":\"x\"}", "{\"seq\":1,\"argv\":[]}", "{\"seq\":1,\"exit\":-5}",
		"{\"seq\":1,\"object\":\"\\ud83d\\ude00\\u0000\"}",
	};
	static const char *const bad[] = {
		"", "{", "{}", "{\"seq\":0}", "{\"seq\":1", "{\"seq\":1}x", "{\"seq\":1,\"seq\":2}", "{\"seq\":-1}",
		"{\"seq\":01}", "{\"seq\":18446744073709551616}", "{\"seq\":\"1\"}", "{\"seq\":1,\"object\":5}",
		"{\"seq\":1,\"object\":\"\\ud83d\"}", "{\"seq\":1,\"object\":\"\\x\"}", "{\"seq\":1,\"object\":\"\x01\"}",
		"{\"seq\":1,\"argv\":[1]}", "{\"seq\":1,\"argv\":[\"a\",]}", "{\"seq\":1,}", "{\"seq\":1 }",
		"{\"seq\":1,\"exit\":9223372036854775808}", "{\"seq\":1,\"object\":{}}", "[\"seq\",1]",
	};
	struct audit_record rec;
	char scratch[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (audit_record_parse(&rec, scratch, good[i], strlen(good[i])) != 0)
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (audit_record_parse(&rec, scratch, bad[i], strlen(bad[i])) != -EBADMSG)
			fail_msg("taken: %s", bad[i]);
}

static void secrets_are_masked(void **state)
{
	static const struct {
		const char *argv[6], *want;	/* joined by | */
	} cases[] = {
		{ { "curl", "-u", "me:hunter2", "x" }, "curl|-u|me:***|x" },
		{ { "docker", "run", "-u", "1000:1000", "x" }, "docker|run|-u|1000:1000|x" },
		{ { "x", "--password=hunter2", "y" }, "x|--password=***|y" },
		{ { "x", "--password", "hunter2", "y" }, "x|--password|***|y" },
		{ { "x", "--password", "--next" }, "x|--password|--next" },
		{ { "env", "GH_TOKEN=abc", "AWS_SECRET_ACCESS_KEY=abc", "PWD=/a" }, "env|GH_TOKEN=***|AWS_SECRET_ACCESS_KEY=***|PWD=/a" },
		{ { "sh", "-c", "export API_KEY='a b c'; echo hi" }, "sh|-c|export API_KEY='***'; echo hi" },
		{ { "curl", "-H", "Authorization: Bearer abc.def" }, "curl|-H|Authorization: ***" },
		{ { "sh", "-c", "curl -H \"X-Api-Key: abc\" http://h/p" }, "sh|-c|curl -H \"X-Api-Key: ***\" http://h/p" },
		{ { "git", "clone", "https://me:hunter2@h.example/r.git" }, "git|clone|https://me:***@h.example/r.git" },
		{ { "git", "clone", "ssh://git@h.example:22/r.git" }, "git|clone|ssh://git@h.example:22/r.git" },
		{ { "git", "clone", "https://abcdefghijklmnopqrst@h.example/r" }, "git|clone|https://***@h.example/r" },
		{ { "curl", "https://h/x?access_token=abc&b=c" }, "curl|https://h/x?access_token=***&b=c" },
		{ { "x", "{\"password\": \"abc\", \"b\": 1}" }, "x|{\"password\": \"***\", \"b\": 1}" },
		{ { "x", "ghp_abcdefghijklmnopqrstuvwxyz" }, "x|***" },
		{ { "mysql", "-phunter2", "db" }, "mysql|-p***|db" },
		{ { "mkdir", "-p", "dir" }, "mkdir|-p|dir" },
		{ { "git", "commit", "-m", "fix: token refresh" }, "git|commit|-m|fix: token refresh" },
		{ { "x", "githubToken=abc", "compass=north" }, "x|githubToken=***|compass=north" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct mask m = { .arg_count = 0 };
		char got[512] = "", buf[4 * MASK_ARG_MAX];

		for (size_t k = 0; k < 6 && cases[i].argv[k]; k++) {
			struct policy_str s = mask_arg(&m, cases[i].argv[k], buf);

			snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s%.*s", k ? "|" : "", (int)s.len, s.s);
		}
		assert_string_equal(got, cases[i].want);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(written_log_is_intact_and_reads_back), T(an_edit_is_found_and_named), T(every_single_byte_counts),
		T(a_cut_is_found), T(a_reorder_is_found), T(a_repeated_line_is_found),
		T(a_log_without_its_end_is_unsigned_not_tampered), T(another_key_is_found),
		T(a_key_that_others_read_is_refused), T(a_running_session_is_told_apart),
		T(hostile_names_forge_no_line), T(the_longest_fields_fit), T(alike_opens_are_counted),
		T(a_full_disk_refuses_and_recovers), T(a_planted_log_or_link_is_not_written),
		T(filters_choose), T(malformed_lines_are_refused), T(secrets_are_masked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
