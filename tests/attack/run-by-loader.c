/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/run-by-loader.c - The same program as data of its loader
 *
 *	Attack:		ld.so DENIED_TOOL
 *	Stopped by:	doorman
 *	Expect:		-
 *	Twin:		ld.so ALLOWED_TOOL
 *	Source:		attacks X3
 */
#include <sys/wait.h>

#include "tests/lib/attack.h"

static long try(bool twin)
{
	const char *tool = fixture(twin ? "ALLOWED_TOOL" : "DENIED_TOOL");
	static const char loader[] = "/lib64/ld-linux-x86-64.so.2";
	int status;

	if (access(loader, X_OK) < 0)
		cannot("no %s", loader);
	if (fork() == 0) {
		execl(loader, loader, tool, (char *)NULL);
		_exit(126);
	}
	wait(&status);
	errno = EACCES;
	return WIFEXITED(status) && WEXITSTATUS(status) < 2 ? 0 : -1;
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
