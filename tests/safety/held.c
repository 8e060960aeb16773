/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/safety/held.c - Many execs that cannot end: each waits in the kernel for a thread that a tracer holds
 *
 * held N: prints what an exec gets while N of them hang, and what it gets when
 * their tracers are gone.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int thread_id;

static void *rest(void *arg)
{
	thread_id = (int)syscall(SYS_gettid);
	for (;;)
		pause();
	return arg;
}

static void hang(int out)
{
	pthread_t t;
	int tid;

	if (pthread_create(&t, NULL, rest, NULL) != 0)
		_exit(1);
	while (!thread_id)
		usleep(100);
	tid = thread_id;
	if (write(out, &tid, sizeof(tid)) != sizeof(tid))
		_exit(1);
	usleep(300000);
	execl("/bin/true", "true", NULL);
	_exit(1);
}

/* Holds its child's second thread at its end, for ever */
static void holder(void)
{
	int p[2], tid;

	if (pipe(p) < 0)
		_exit(1);
	if (fork() == 0)
		hang(p[1]);
	if (read(p[0], &tid, sizeof(tid)) == sizeof(tid))
		(void)ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACEEXIT);	/* refused: then nothing hangs, and the test says so */
	for (;;)
		pause();
}

/* The errno of an exec, 0 if it ran */
static int try_exec(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execl("/bin/true", "true", NULL);
		_exit(errno);
	}
	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 0, err;
	pid_t group = fork();

	if (group == 0) {
		(void)setpgid(0, 0);
		for (int i = 0; i < count; i++)
			if (fork() == 0)
				holder();
		for (;;)
			pause();
	}
	sleep(2);
	err = try_exec();
	printf("while they hang: %s\n", err ? strerror(err) : "ran");
	(void)kill(-group, SIGKILL);
	for (int i = 0; i < 50 && (err = try_exec()) == EAGAIN; i++)
		usleep(100000);
	printf("when they are gone: %s\n", err ? strerror(err) : "ran");
	return 0;
}
