/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/words_test.c - Words for the agent: where they go, how often, and what never reaches a terminal
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/words.h"
#include "cli/words_tell.h"
#include "cli/words_text.h"
#include "cli/words_why.h"
#include "policy/compile.h"

/* A process whose descriptor 2 is @fd, waiting to be killed */
static pid_t task_with_stderr(int fd)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);	/* a failed test leaves nobody behind */
		close(1);
		dup2(fd, 2);
		pause();
		_exit(0);
	}
	for (int i = 0; i < 1000; i++) {	/* until the dup2 */
		char path[64], a[256] = "", b[256] = "";

		snprintf(path, sizeof(path), "/proc/%d/fd/2", pid);
		(void)!readlink(path, a, sizeof(a) - 1);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		(void)!readlink(path, b, sizeof(b) - 1);
		if (strcmp(a, b) == 0)
			break;
		usleep(1000);
	}
	return pid;
}

static void end_task(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static bool say_by(struct tell *t, pid_t pid, const char *id, const char *text)
{
	uint64_t key;

	if (!tell_wants(t, pid, policy_str(id), &key))
		return false;
	tell(t, pid, key, policy_str(text));
	return true;
}

static bool say(struct tell *t, pid_t pid, const char *text)
{
	return say_by(t, pid, "r", text);
}

static void escaping(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "plain", "plain" }, { "a\nb\033[2K", "a\\nb\\x1b[2K" }, { "\xff", "\\xff" },
		{ "\xe2\x80\xae", "\\u{202e}" }, { "back\\slash", "back\\\\slash" }, { "\xc3\xa4", "\xc3\xa4" },
	};
	char buf[64], big[5000];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(text_escape(buf, sizeof(buf), policy_str(cases[i].in)), cases[i].want);
	memset(big, 'a', sizeof(big));
	big[0] = 'F';
	big[sizeof(big) - 1] = 'L';
	text_escape(buf, sizeof(buf), (struct policy_str){ big, sizeof(big) });
	assert_int_equal(buf[0], 'F');
	assert_int_equal(buf[strlen(buf) - 1], 'L');
	assert_non_null(strstr(buf, "…"));
	assert_in_range(strlen(buf), 40, 63);
	memset(big, '\x01', sizeof(big));
	text_escape(buf, sizeof(buf), (struct policy_str){ big, sizeof(big) });
	assert_in_range(strlen(buf), 30, 63);
	assert_string_equal(text_path(buf, sizeof(buf), policy_str("/home/u/x"), "/home/u"), "~/x");
	assert_string_equal(text_path(buf, sizeof(buf), policy_str("/home/ux"), "/home/u"), "/home/ux");
}

static void a_pipe_gets_one_line_per_rule(void **state)
{
	char buf[100];
	struct tell *t;
	int fds[2], other[2];
	pid_t pid;

	(void)state;
	assert_int_equal(tell_new(&t), 0);
	assert_int_equal(pipe(fds), 0);
	pid = task_with_stderr(fds[1]);
	assert_true(say(t, pid, "one\n"));
	assert_false(say(t, pid, "two\n"));
	assert_true(say_by(t, pid, "another", "three\n"));
	assert_int_equal(read(fds[0], buf, sizeof(buf)), 10);
	assert_memory_equal(buf, "one\nthree\n", 10);
	assert_int_equal(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
	end_task(pid);
	/* the next call of the same tool has a new pipe: whoever reads that was told nothing yet */
	assert_int_equal(pipe(other), 0);
	pid = task_with_stderr(other[1]);
	assert_true(say(t, pid, "one\n"));
	end_task(pid);
	tell_free(t);
	for (int i = 0; i < 2; i++) {
		close(fds[i]);
		close(other[i]);
	}
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void a_full_or_broken_pipe_holds_nobody(void **state)
{
	char block[4096] = "";
	struct tell *t;
	int fds[2];
	uint64_t start;
	pid_t pid;

	(void)state;
	assert_int_equal(tell_new(&t), 0);
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	while (write(fds[1], block, sizeof(block)) > 0)
		;
	fcntl(fds[1], F_SETFL, 0);
	pid = task_with_stderr(fds[1]);
	start = now_ms();
	assert_true(say(t, pid, "one\n"));
	assert_true(now_ms() - start < 500);
	assert_true(say(t, pid, "not told yet: one\n"));
	close(fds[0]);
	assert_true(say_by(t, pid, "another", "no reader\n"));	/* and no SIGPIPE */
	end_task(pid);
	close(fds[1]);
	tell_free(t);
}

static void a_file_moves_the_shared_offset(void **state)
{
	char path[] = "/tmp/words_test.XXXXXX", buf[100];
	struct tell *t;
	int fd = mkstemp(path), read_only;
	pid_t pid;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(tell_new(&t), 0);
	assert_int_equal(write(fd, "before\n", 7), 7);
	pid = task_with_stderr(fd);
	assert_true(say(t, pid, "told\n"));
	end_task(pid);
	assert_int_equal(write(fd, "after\n", 6), 6);
	assert_int_equal(pread(fd, buf, sizeof(buf), 0), 18);
	assert_memory_equal(buf, "before\ntold\nafter\n", 18);
	read_only = open(path, O_RDONLY);
	pid = task_with_stderr(read_only);
	assert_true(say_by(t, pid, "another", "never\n"));
	end_task(pid);
	assert_int_equal(pread(fd, buf, sizeof(buf), 0), 18);
	tell_free(t);
	close(read_only);
	close(fd);
	unlink(path);
}

static void a_terminal_only_in_line_mode(void **state)
{
	struct termios tio;
	char buf[100];
	struct tell *t;
	int master, slave;
	pid_t pid;

	(void)state;
	assert_int_equal(openpty(&master, &slave, NULL, NULL, NULL), 0);
	fcntl(master, F_SETFL, O_NONBLOCK);
	assert_int_equal(tell_new(&t), 0);
	pid = task_with_stderr(slave);
	assert_true(say(t, pid, "line\n"));
	assert_int_equal(read(master, buf, sizeof(buf)), 6);
	assert_memory_equal(buf, "line\r\n", 6);
	assert_int_equal(tcgetattr(slave, &tio), 0);
	cfmakeraw(&tio);
	assert_int_equal(tcsetattr(slave, TCSANOW, &tio), 0);
	assert_true(say_by(t, pid, "another", "never\n"));
	assert_int_equal(read(master, buf, sizeof(buf)), -1);
	tio.c_lflag |= ICANON;
	tio.c_oflag |= OPOST;
	assert_int_equal(tcsetattr(slave, TCSANOW, &tio), 0);
	assert_true(say_by(t, pid, "another", "now\n"));	/* was not told before */
	assert_int_equal(read(master, buf, sizeof(buf)), 5);
	end_task(pid);
	tell_free(t);
	close(master);
	close(slave);
}

static void sockets_and_devices_get_nothing(void **state)
{
	int pair[2], null = open("/dev/null", O_WRONLY);
	struct tell *t;
	pid_t pid;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(tell_new(&t), 0);
	pid = task_with_stderr(pair[0]);
	assert_false(say(t, pid, "never\n"));
	end_task(pid);
	pid = task_with_stderr(null);
	assert_false(say(t, pid, "never\n"));
	end_task(pid);
	tell_free(t);
	close(pair[0]);
	close(pair[1]);
	close(null);
}

static void a_flood_is_cut(void **state)
{
	struct tell *t;
	int fds[2], told = 0;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(tell_new(&t), 0);
	pid = task_with_stderr(fds[1]);
	for (int i = 0; i < 2000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "r%d", i);
		told += say_by(t, pid, name, "x\n");
	}
	assert_in_range(told, 20, 80);
	end_task(pid);
	tell_free(t);
	close(fds[0]);
	close(fds[1]);
}

/* ---- with a policy: the sink, the footer, why ---- */

struct world {
	struct policy_loaded loaded;
	void *blob;
	char top[64], dir[128], key[128];
	struct audit *audit;
	struct words *words;
};

static void add_rule(struct policy_builder *b, const char *id, const char *path, enum policy_verdict verdict,
		     const char *message)
{
	struct policy_diag diag;
	struct policy_rule r = {
		.id = id, .section = POLICY_SECTION_FILES, .ops = POLICY_OPS_FILES, .verdict = verdict,
		.path = &path, .path_count = 1, .message = message,
	};

	assert_int_equal(policy_builder_add(b, &r, &diag), 0);
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct policy_builder *b;
	struct policy_diag diag;
	uint32_t source;
	size_t size;

	assert_int_equal(policy_builder_new(&b), 0);
	assert_int_equal(policy_builder_layer(b, "base", true), 0);
	add_rule(b, "keys", "/home/u/.ssh/**", POLICY_DENY, "keys stay \033[31moutside");
	add_rule(b, "served", "/srv/**", POLICY_ALLOW, NULL);
	assert_int_equal(policy_builder_layer(b, "system", false), 0);
	add_rule(b, "firm", "/srv/**", POLICY_DENY, "no");
	assert_int_equal(policy_builder_emit(b, &w->blob, &size, &diag, &source), 0);
	policy_builder_free(b);
	assert_int_equal(policy_open(&w->loaded.policy, w->blob, size), 0);
	w->loaded.name = strdup("test");
	w->loaded.home = strdup("/home/u");
	strcpy(w->top, "/tmp/words_test.XXXXXX");
	assert_non_null(mkdtemp(w->top));
	snprintf(w->dir, sizeof(w->dir), "%s/s", w->top);
	snprintf(w->key, sizeof(w->key), "%s/key", w->top);
	assert_int_equal(mkdir(w->dir, 0700), 0);
	struct audit_options opt = { .session_dir = w->dir, .key_file = w->key, .session_id = "s" };
	assert_int_equal(audit_open(&w->audit, &opt), 0);
	struct words_options wopt = { .audit = w->audit, .loaded = &w->loaded, .session_id = "s" };
	assert_int_equal(words_new(&w->words, &wopt), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	char path[160];

	words_free(w->words);
	audit_free(w->audit);
	snprintf(path, sizeof(path), "%s/audit.jsonl", w->dir);
	unlink(path);
	rmdir(w->dir);
	unlink(w->key);
	rmdir(w->top);
	free(w->loaded.name);
	free(w->loaded.home);
	free(w->blob);
	free(w);
	return 0;
}

static int refuse(struct world *w, pid_t tid, enum policy_op op, const char *path, uint32_t flags)
{
	struct policy_decision d;
	struct policy_request req = {
		.op = op, .object = { .kind = POLICY_OBJECT_PATH, .path = policy_str(path) },
	};
	struct event ev = { .layer = EVENT_LAYER_FUSEFS, .op = op, .tid = tid, .flags = flags, .decision = &d };
	struct event_sink *sink = words_sink(w->words);

	policy_eval(&w->loaded.policy, &req, &d);
	ev.object = policy_str(path);
	ev.err = d.err;
	return sink->event(sink, &ev);
}

static void the_line_names_op_path_rule_message_and_number(void **state)
{
	struct world *w = *state;
	char buf[500] = "";
	int fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = task_with_stderr(fds[1]);
	assert_int_equal(refuse(w, pid, POLICY_OP_READ, "/home/u/.ssh/id\n", 0), 0);
	assert_true(read(fds[0], buf, sizeof(buf) - 1) > 0);
	assert_string_equal(buf, "agentsh: denied: read ~/.ssh/id\\n [rule keys]: keys stay \\x1b[31moutside · agentsh why 2\n");
	end_task(pid);
	close(fds[0]);
	close(fds[1]);
}

static char *footer(struct world *w)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	words_footer(w->words, false, f);
	fclose(f);
	return text;
}

static void the_footer_says_what_would_have_allowed_it(void **state)
{
	struct world *w = *state;
	char *text = footer(w);

	assert_string_equal(text, "");
	free(text);
	for (int i = 0; i < 3; i++)
		assert_int_equal(refuse(w, 0, POLICY_OP_READ, "/home/u/.ssh/id", 0), 0);
	assert_int_equal(refuse(w, 0, POLICY_OP_WRITE, "/opt/data/file", 0), 0);
	assert_int_equal(refuse(w, 0, POLICY_OP_READ, "/srv/x", 0), 0);
	assert_int_equal(refuse(w, 0, POLICY_OP_CREATE, "/home/u/w/.envrc", EVENT_F_BIRTH), 0);
	assert_int_equal(refuse(w, 0, POLICY_OP_CREATE, "/home/u/w/.git/hooks/update.sample", EVENT_F_BIRTH), 0);
	text = footer(w);
	assert_null(strstr(text, "~/w/.git/hooks/update.sample\n"));
	assert_non_null(strstr(text, "read ~/.ssh/id (3 times): rule keys of policy test refuses it"));
	assert_non_null(strstr(text, "write /opt/data/file: --allow-write /opt/data would allow it"));
	assert_non_null(strstr(text, "rule firm of this machine's policy refuses it"));
	assert_non_null(strstr(text, "  ~/w/.envrc\n"));
	assert_non_null(strstr(text, "agentsh log --session s --denied"));
	free(text);
}

static void what_could_not_be_recorded_is_refused(void **state)
{
	struct world *w = *state;
	char *text;

	assert_int_equal(audit_close(w->audit, 0), 0);
	assert_int_equal(refuse(w, 0, POLICY_OP_READ, "/home/u/.ssh/id", 0), -ESHUTDOWN);
	text = footer(w);
	assert_non_null(strstr(text, "the log could not be written"));
	free(text);
}

static enum why_status ask(struct world *w, struct why_question *q, char *buf, size_t size)
{
	char wire[4096];
	struct why_question got;
	struct why_place at = { .loaded = &w->loaded, .session_dir = w->dir };
	ssize_t n = why_encode(q, wire, sizeof(wire));

	assert_true(n > 0);
	assert_int_equal(why_parse(&got, wire, (size_t)n), 0);
	for (ssize_t cut = 0; cut < n; cut++)
		assert_int_equal(why_parse(&(struct why_question){ 0 }, wire, (size_t)cut), -EBADMSG);
	return why_answer(&at, &got, buf, size);
}

static void why_answers(void **state)
{
	struct world *w = *state;
	static char buf[WHY_ANSWER_MAX];
	struct why_question denied = { .kind = WHY_PATH, .path = "/home/u/.ssh/id", .op = POLICY_OP_READ };
	struct why_question host = { .kind = WHY_HOST, .host = "10.0.0.1:80", .op = POLICY_OP_CONNECT, .is_json = true };
	struct why_question id = { .kind = WHY_ID, .id = 2 };

	assert_int_equal(ask(w, &denied, buf, sizeof(buf)), WHY_REFUSED);
	assert_non_null(strstr(buf, "read ~/.ssh/id: deny"));
	assert_non_null(strstr(buf, "rule       keys"));
	assert_int_equal(ask(w, &host, buf, sizeof(buf)), WHY_REFUSED);
	assert_non_null(strstr(buf, "\"hint\":\"--allow-host 10.0.0.1:80 would allow it\""));
	assert_int_equal(ask(w, &id, buf, sizeof(buf)), WHY_ERROR);
	assert_int_equal(refuse(w, getpid(), POLICY_OP_READ, "/home/u/.ssh/id", 0), 0);
	assert_int_equal(ask(w, &id, buf, sizeof(buf)), WHY_REFUSED);
	assert_non_null(strstr(buf, "rule       keys of layer base"));
}

static void the_query_socket_answers(void **state)
{
	struct world *w = *state;
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char path[160], buf[4096];
	struct query_options opt = { .socket_path = path, .session_dir = w->dir, .loaded = &w->loaded };
	struct query *q;
	static const char question[] = WHY_MAGIC "\0text\0path\0/home/u/.ssh/id\0read\0" "3";

	snprintf(path, sizeof(path), "%s/query.sock", w->dir);
	assert_int_equal(query_start(&q, &opt), 0);
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%.100s", path);
	for (int i = 0; i < 40; i++) {	/* most never say anything */
		int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
		ssize_t n;

		assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
		if (i % 8 == 7) {
			assert_int_equal(send(fd, question, sizeof(question), 0), sizeof(question));
			n = recv(fd, buf, sizeof(buf) - 1, 0);
			assert_true(n > 0);
			buf[n] = '\0';
			assert_int_equal(buf[0], '1');
			assert_non_null(strstr(buf, "deny"));
		} else if (i % 8 == 3) {
			assert_int_equal(send(fd, "junk", 4, 0), 4);
			assert_true(recv(fd, buf, sizeof(buf), 0) > 0);
			assert_int_equal(buf[0], '2');
		}
		if (i % 2)
			close(fd);
	}
	query_stop(q);
	assert_int_equal(access(path, F_OK), -1);
	for (int fd = 3; fd < 100; fd++)
		if (fcntl(fd, F_GETFD) >= 0 && fd > 60)
			close(fd);
}

static void hosts_parse(void **state)
{
	static const char *const good[] = { "1.2.3.4:80", "[::1]:443", "localhost:5432", "0.0.0.0:0", "[::ffff:1.2.3.4]:1" };
	static const char *const bad[] = { "", ":80", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "example.com:80", "1.2.3:80",
					   "1.2.3.4:8x", "[::1:80", "1.2.3.4:-1" };
	uint8_t ip[16];
	uint16_t port;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(why_parse_host(good[i], ip, &port), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (why_parse_host(bad[i], ip, &port) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escaping), cmocka_unit_test(a_pipe_gets_one_line_per_rule),
		cmocka_unit_test(a_full_or_broken_pipe_holds_nobody), cmocka_unit_test(a_file_moves_the_shared_offset),
		cmocka_unit_test(a_terminal_only_in_line_mode), cmocka_unit_test(sockets_and_devices_get_nothing),
		cmocka_unit_test(a_flood_is_cut), cmocka_unit_test(hosts_parse),
		T(the_line_names_op_path_rule_message_and_number), T(the_footer_says_what_would_have_allowed_it),
		T(what_could_not_be_recorded_is_refused), T(why_answers), T(the_query_socket_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
