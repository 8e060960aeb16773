/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/environment-each.c - A variable that no program may have, given to one
 *
 *	Attack:		execve by number, from vfork, of a static program with a variable that the policy removes
 *	Stopped by:	execstop
 *	Expect:		-
 *	Twin:		a variable that no rule names
 *	Source:		DESIGN 6: a rule marked "each" holds at every exec
 *	Build:		-static
 *	Policy:		redirect.json.in
 */
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/lib/attack.h"

#define HAS_IT 66

int main(int argc, char **argv)
{
	const volatile bool twin = attack_is_twin(argc, argv);	/* lives through vfork */
	char secret[] = "EACH_SECRET=token", plain[] = "EACH_PLAIN=token", look[] = "look";
	char *args[] = { argv[0], look, NULL };
	char *env[] = { twin ? plain : secret, NULL };
	int status = 0;
	pid_t child;

	if (argc > 1 && !strcmp(argv[1], "look"))
		return getenv("EACH_SECRET") || getenv("EACH_PLAIN") ? HAS_IT : 0;
	child = vfork();
	if (child == 0) {
		syscall(SYS_execve, argv[0], args, env);
		_exit(126);
	}
	waitpid(child, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status) == 126)
		cannot("it did not run");
	if (twin && WEXITSTATUS(status) != HAS_IT)
		twin_refused("the variable is gone");
	if (twin)
		twin_works();
	if (WEXITSTATUS(status) == HAS_IT)
		escaped("the program has it");
	blocked(0);
}
