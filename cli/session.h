/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/session.h - The session directory: STATE/ID, 0700, with tmp/ (the cage's /tmp) and the log
 *
 * Beside it lies STATE/.live-ID as long as there is something to sweep in it,
 * locked (flock) by whoever holds the session. One that nobody holds belongs to
 * a session that was killed: the next one to end sweeps it too.
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include <stddef.h>

#define SESSION_ID_SIZE 32

/** struct session - Names of one session. Paths are owned; session_free(). */
struct session {
	char id[SESSION_ID_SIZE];	/* date, time, random: sorts by age */
	char *dir;			/* STATE/ID */
	char *key_file;			/* STATE/key: signs the heads of this user's logs */
	char *live_file;		/* STATE/.live-ID */
	int live_fd;			/* its lock; goes with the last process that has it */
};

/** session_choose() - A name that is nobody else's; makes all above the directory. 0; -errno and one sentence in @why */
int session_choose(struct session *ret, const char *state_dir, char *why, size_t why_size);

/** session_make() - Make the directory. 0; -errno and one sentence in @why */
int session_make(const struct session *s, char *why, size_t why_size);

/** session_sweep() - Remove what only lived for the session (tmp, run): beneath the directory, following no link. Keeps the log. */
void session_sweep(const struct session *s);

/** session_sweep_stale() - The same for those of sessions that were killed */
void session_sweep_stale(const char *state_dir);

/** session_discard() - Remove it all: nothing was started */
void session_discard(const struct session *s);

void session_free(struct session *s);

#endif /* CLI_SESSION_H */
