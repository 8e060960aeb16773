/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/descriptors_test.c - What the command inherits above 2, and what it does not
 *
 * Judged in a child, which tells by its exit status whether the descriptor is
 * still open. Reopening on a read-only mount needs a mount namespace: the
 * attacks and the integration tests have that.
 */
#include "tests/unit/policy_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cage/parts.h"

struct room {
	struct fixture f;
	char dir[64];
};

/* DIR/open may be changed, DIR/read only read, nothing else */
static int set_up(void **state)
{
	struct room *room = calloc(1, sizeof(*room));
	char open_path[96];

	assert_non_null(room);
	(void)snprintf(room->dir, sizeof(room->dir), "/var/tmp/descriptors.XXXXXX");
	assert_non_null(mkdtemp(room->dir));
	(void)snprintf(open_path, sizeof(open_path), "%s/open", room->dir);
	fixture_begin(&room->f);
	fixture_default(&room->f, POLICY_SECTION_FILES, POLICY_DENY);
	fixture_add(&room->f, (struct policy_rule){ .id = "open", FILES_RULE, .ops = POLICY_OPS_FILES,
		.verdict = POLICY_ALLOW, PATHS(open_path) });
	fixture_open(&room->f);
	*state = room;
	return 0;
}

static int tear_down(void **state)
{
	struct room *room = *state;
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -r %s", room->dir);
	assert_int_equal(system(command), 0);
	fixture_end(&room->f);
	free(room);
	return 0;
}

static int make(const struct room *room, const char *name, int flags)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "%s/%s", room->dir, name);
	return open(path, flags | O_CREAT, 0600);
}

/* Does @fd survive? It is moved to 20, without close-on-exec, as a caller's would be */
static bool survives(const struct room *room, int fd, const int *pass_fds)
{
	struct cage_config cfg = { .policy = &room->f.p, .pass_fds = pass_fds };
	int status;
	pid_t pid;

	assert_true(fd >= 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct cage_failure failure;

		if (dup2(fd, 20) != 20 || descriptors_judge(&cfg, &failure) < 0)
			_exit(2);
		_exit(fcntl(20, F_GETFD) >= 0 ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	(void)close(fd);
	return WEXITSTATUS(status) == 1;
}

static void pipes_pass(void **state)
{
	int pair[2];

	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	assert_true(survives(*state, pair[0], NULL));
	assert_true(survives(*state, pair[1], NULL));
}

static void files_pass_by_policy(void **state)
{
	assert_true(survives(*state, make(*state, "open", O_WRONLY | O_CLOEXEC), NULL));
	assert_true(survives(*state, make(*state, "open", O_RDWR | O_CLOEXEC), NULL));
	assert_false(survives(*state, make(*state, "other", O_WRONLY | O_CLOEXEC), NULL));
	assert_false(survives(*state, make(*state, "other", O_RDWR | O_CLOEXEC), NULL));
	assert_false(survives(*state, make(*state, "other", O_RDONLY | O_CLOEXEC), NULL));
}

static void deleted_and_renamed_files_do_not(void **state)
{
	struct room *room = *state;
	int fd = make(room, "open", O_WRONLY | O_CLOEXEC);
	char path[96], other[96];

	(void)snprintf(path, sizeof(path), "%s/open", room->dir);
	(void)snprintf(other, sizeof(other), "%s/elsewhere", room->dir);
	assert_int_equal(rename(path, other), 0);
	assert_false(survives(room, fd, NULL));
	fd = make(room, "open", O_WRONLY | O_CLOEXEC);
	assert_int_equal(unlink(path), 0);
	assert_false(survives(room, fd, NULL));
}

static void others_do_not(void **state)
{
	struct room *room = *state;
	int pair[2];

	assert_false(survives(room, open(room->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), NULL));
	assert_false(survives(room, open("/dev/null", O_RDWR | O_CLOEXEC), NULL));
	assert_false(survives(room, open("/etc/passwd", O_PATH | O_CLOEXEC), NULL));
	assert_false(survives(room, eventfd(0, EFD_CLOEXEC), NULL));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_false(survives(room, pair[0], NULL));
	assert_int_equal(close(pair[1]), 0);
}

static void what_is_asked_for_passes(void **state)
{
	static const int twenty[] = { 20, -1 }, other[] = { 1, -1 };
	struct room *room = *state;

	assert_true(survives(room, open(room->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), twenty));
	assert_false(survives(room, open(room->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), other));
}

static void what_was_not_given_cannot_be_asked_for(void **state)
{
	static const int absent[] = { 913, -1 };
	struct room *room = *state;
	struct cage_config cfg = { .policy = &room->f.p, .pass_fds = absent };
	struct cage_failure failure = { .err = 0 };

	assert_int_equal(descriptors_judge(&cfg, &failure), -EBADF);
	assert_non_null(strstr(failure.detail, "913"));
}

static void own_descriptors_stay(void **state)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC), status;
	pid_t pid = fork();

	(void)state;
	assert_true(fd >= 0 && pid >= 0);
	if (pid == 0) {
		int theirs = dup(fd);

		descriptors_close_inherited(NULL);
		_exit(fcntl(fd, F_GETFD) >= 0 && fcntl(theirs, F_GETFD) < 0 && fcntl(2, F_GETFD) >= 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(close(fd), 0);
}

static void a_directory_as_stdin_becomes_null(void **state)
{
	struct room *room = *state;
	struct cage_config cfg = { .policy = &room->f.p };
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct cage_failure failure;
		struct stat st;
		int dir = open(room->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), pair[2];

		if (pipe2(pair, O_CLOEXEC) < 0 || dup2(dir, 0) != 0 || dup2(pair[1], 1) != 1 ||
		    descriptors_judge(&cfg, &failure) < 0 || fstat(0, &st) < 0 || !S_ISCHR(st.st_mode))
			_exit(1);
		_exit(fstat(1, &st) == 0 && S_ISFIFO(st.st_mode) ? 0 : 2);	/* the twin: left alone */
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pipes_pass),
		cmocka_unit_test(files_pass_by_policy),
		cmocka_unit_test(deleted_and_renamed_files_do_not),
		cmocka_unit_test(others_do_not),
		cmocka_unit_test(what_is_asked_for_passes),
		cmocka_unit_test(what_was_not_given_cannot_be_asked_for),
		cmocka_unit_test(own_descriptors_stay),
		cmocka_unit_test(a_directory_as_stdin_becomes_null),
	};

	return cmocka_run_group_tests_name("descriptors", tests, set_up, tear_down);
}
