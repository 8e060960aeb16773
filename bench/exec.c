/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/exec.c - fork, exec and wait: "exec PROGRAM"
 */
#include <sys/wait.h>

#include "bench/bench.h"

static void once(void *arg)
{
	char **argv = arg;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execv(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0)
		bench_die(argv[0]);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	bench_loop(once, argv + 1, 20, 200, 1);
	return 0;
}
