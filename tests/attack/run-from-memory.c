/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/run-from-memory.c - A program that has no name
 *
 *	Attack:		a copy of an allowed program in a memory file, by execveat(AT_EMPTY_PATH)
 *	Stopped by:	doorman
 *	Expect:		-
 *	Twin:		the program itself, by execveat
 *	Source:		attacks X3
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/lib/attack.h"

static long try(bool twin)
{
	int file = open(fixture("ALLOWED_TOOL"), O_RDONLY), mem = memfd_create("x", 0), status;
	char *argv[] = { (char *)"x", NULL };

	while (sendfile(mem, file, NULL, 1 << 20) > 0)
		;
	if (fork() == 0) {
		syscall(SYS_execveat, twin ? file : mem, "", argv, NULL, AT_EMPTY_PATH);
		_exit(126);
	}
	wait(&status);
	errno = EACCES;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
	bool twin = attack_is_twin(argc, argv);
	long r = try(twin);

	if (twin && r < 0)
		twin_refused("%s", attack_errno(errno));
	if (twin)
		twin_works();
	if (r >= 0)
		escaped("it ran");
	blocked(errno);
}
