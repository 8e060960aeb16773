/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/tiocsti.c - Characters pushed into the terminal's input
 *
 *	Attack:		TIOCSTI on the session's terminal, plain and with bit 32 of the request set, for the shell outside to read
 *	Stopped by:	filter
 *	Expect:		EPERM
 *	Twin:		TIOCGWINSZ on the same descriptor
 *	Source:		CVE-2017-5226, CVE-2019-7303
 *	Needs:		tty
 */
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include "tests/lib/attack.h"

int main(int argc, char **argv)
{
	static const unsigned long requests[] = { TIOCSTI, TIOCSTI | 1UL << 32 };
	struct winsize size;
	int err = 0;

	if (!isatty(0))
		cannot("no terminal");
	if (attack_is_twin(argc, argv)) {
		if (ioctl(0, TIOCGWINSZ, &size) < 0)
			twin_refused("%s", attack_errno(errno));
		twin_works();
	}
	for (size_t i = 0; i < 2; i++) {
		if (syscall(SYS_ioctl, 0, requests[i], "x") == 0)
			escaped("request %#lx", requests[i]);
		if (!err)
			err = errno;
	}
	if (err == EIO)
		cannot("this kernel has legacy_tiocsti off");
	blocked(err);
}
