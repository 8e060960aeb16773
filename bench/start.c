/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/start.c - start a command and wait for it, outside of any cage: "start COUNT COMMAND..."
 */
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include "bench/bench.h"

extern char **environ;

static void once(void *arg)
{
	char **argv = arg;
	int status;
	pid_t pid;

	errno = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	if (errno || waitpid(pid, &status, 0) < 0)
		bench_die(argv[0]);
	if (status != 0) {
		fprintf(stderr, "%s: status %d\n", argv[0], status);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	int count = argc > 2 ? atoi(argv[1]) : 0;

	if (count <= 0)
		return 2;
	bench_loop(once, argv + 2, 1, count, 1);
	return 0;
}
