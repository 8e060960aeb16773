/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/setup_test.c - Messages and failures of the set-up
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cage/parts.h"
#include "common/fdio.h"

static void pair_make(int pair[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

static void a_failure_is_cut_not_overrun(void **state)
{
	struct cage_failure f;
	char much[4096];

	(void)state;
	memset(much, 'x', sizeof(much) - 1);
	much[sizeof(much) - 1] = '\0';
	assert_int_equal(cage_fail(&f, EACCES, much, "%s", much), -EACCES);
	assert_int_equal(strlen(f.step), sizeof(f.step) - 1);
	assert_int_equal(strlen(f.detail), sizeof(f.detail) - 1);
	assert_int_equal(f.err, EACCES);
	/* a failure is never 0, whatever errno it was given */
	assert_true(cage_fail(&f, 0, "step", "detail") < 0);
}

static void an_answer_is_waited_for(void **state)
{
	int pair[2], status;
	pid_t pid;

	(void)state;
	pair_make(pair);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

		(void)close(pair[0]);
		_exit(cage_setup_ask(pair[1], CAGE_SETUP_FUSE, 7, null) == 0 ? 0 : 1);
	}
	assert_int_equal(close(pair[1]), 0);
	struct cage_setup_msg msg;
	int fds[FDIO_FDS_MAX];
	size_t count;

	assert_int_equal(fdio_recv(pair[0], &msg, sizeof(msg), fds, &count), sizeof(msg));
	assert_int_equal(msg.kind, CAGE_SETUP_FUSE);
	assert_int_equal(msg.value, 7);
	assert_int_equal(count, 1);
	assert_int_equal(close(fds[0]), 0);
	assert_int_equal(cage_setup_say(pair[0], CAGE_SETUP_GO, 0, -1), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(close(pair[0]), 0);
}

static void only_go_is_an_answer(void **state)
{
	int pair[2];

	(void)state;
	pair_make(pair);
	assert_int_equal(cage_setup_say(pair[0], CAGE_SETUP_FAILED, 0, -1), 0);
	assert_int_equal(cage_setup_ask(pair[1], CAGE_SETUP_INIT, 1, -1), -ECANCELED);
	assert_int_equal(close(pair[0]), 0);
	assert_true(cage_setup_ask(pair[1], CAGE_SETUP_INIT, 1, -1) < 0);
	assert_int_equal(close(pair[1]), 0);
}

static void an_abort_tells_and_ends(void **state)
{
	struct cage_failure f;
	struct cage_setup_msg msg;
	int pair[2], status;
	pid_t pid;

	(void)state;
	(void)cage_fail(&f, EPERM, "some step", "some detail");
	pair_make(pair);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		cage_setup_abort(pair[1], &f);
	assert_int_equal(recv(pair[0], &msg, sizeof(msg), 0), sizeof(msg));
	assert_int_equal(msg.kind, CAGE_SETUP_FAILED);
	assert_string_equal(msg.failure.step, "some step");
	assert_string_equal(msg.failure.detail, "some detail");
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), CAGE_EXIT_NO_CAGE);
	assert_int_equal(close(pair[0]), 0);
	assert_int_equal(close(pair[1]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_is_cut_not_overrun),
		cmocka_unit_test(an_answer_is_waited_for),
		cmocka_unit_test(only_go_is_an_answer),
		cmocka_unit_test(an_abort_tells_and_ends),
	};

	return cmocka_run_group_tests_name("setup", tests, NULL, NULL);
}
