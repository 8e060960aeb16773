/* SPDX-License-Identifier: Apache-2.0
 *
 * cage/teeth.c - MODE=teeth: a session without its pid namespace
 *
 * cage/init.c must be pid 1: its kill(-1) would not be for the cage elsewhere.
 * So the layer "pidns" is switched off by starting the command from here. Not
 * compiled into any other build.
 */
#include "cage/parts.h"

#ifdef AGENTSH_TEETH

#include <errno.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void tell(int job_sock, enum cage_job_kind kind, int value)
{
	struct cage_job_msg msg = { .kind = (int32_t)kind, .value = value };

	(void)send(job_sock, &msg, sizeof(msg), MSG_NOSIGNAL);	/* a front that is gone needs no word */
}

_Noreturn void teeth_init_run(const struct cage_config *cfg, const struct cage_caller *caller,
			      int job_sock, int setup_sock)
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		_exit(CAGE_EXIT_NO_CAGE);
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);	/* best effort: nobody else ends it here */
		(void)close(job_sock);
		cage_enter(cfg, caller, setup_sock);
	}
	(void)close(setup_sock);
	tell(job_sock, CAGE_JOB_STARTED, 0);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	tell(job_sock, CAGE_JOB_ENDED, status);
	_exit(0);
}

#endif /* AGENTSH_TEETH */
