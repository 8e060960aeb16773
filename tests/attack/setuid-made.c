/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/setuid-made.c - A program that makes root of whoever runs it outside
 *
 *	Attack:		make a setuid program of root's in the workspace, by chmod and by each way of making a file
 *	Stopped by:	fusefs
 *	Expect:		EPERM, rule agentsh-setuid
 *	Twin:		make one without the bit
 *	Source:		systemd, RestrictSUIDSGID=
 *	Needs:		root
 */
#include <fcntl.h>
#include <sys/stat.h>

#include "tests/lib/attack.h"

static mode_t mode_of(const char *name)
{
	struct stat st;

	return stat(name, &st) < 0 ? 0 : st.st_mode;
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "made", "created", "node" };
	bool twin = attack_is_twin(argc, argv);
	mode_t mode = twin ? 0755 : 04755;
	int err = 0;

	if (chdir(fixture("WS")) < 0)
		cannot("chdir: %s", attack_errno(errno));
	(void)umask(0);
	(void)close(open("made", O_CREAT | O_WRONLY, 0644));
	if (chmod("made", mode) < 0)
		err = errno;
	(void)close(open("created", O_CREAT | O_WRONLY, mode));
	(void)mknod("node", S_IFREG | mode, 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (twin && (mode_of(names[i]) & 07777) != mode)
			twin_refused("%s has the mode %o", names[i], mode_of(names[i]));
		if (mode_of(names[i]) & S_ISUID)
			escaped("%s is setuid root", names[i]);
	}
	if (twin)
		twin_works();
	blocked(err);
}
