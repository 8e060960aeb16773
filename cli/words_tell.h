/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/words_tell.h - One line to the refused task's stderr, without ever holding anybody up
 */
#ifndef CLI_WORDS_TELL_H
#define CLI_WORDS_TELL_H

#include <stdbool.h>
#include <sys/types.h>

#include "policy/policy.h"

struct tell;

int tell_new(struct tell **ret);

/** tell_free() - NULL ok. Waits for a write that hangs: only when nothing inside lives */
void tell_free(struct tell *t);

/**
 * tell_wants() - Would this task see a line for this rule now, for the first time?
 * @rule:	Rule id
 * @ret_key:	For tell(), which must follow
 *
 * Once per rule, program and place where its stderr goes: the same tool called
 * again by an agent has a new pipe, and its answer goes to somebody new.
 * Overall rate-limited.
 */
bool tell_wants(struct tell *t, pid_t tid, struct policy_str rule, uint64_t *ret_key);

/**
 * tell() - Write the line to descriptor 2 of the task
 * @line:	With its newline; printable
 *
 * Pipes and terminals in line mode are written without waiting; a file may wait
 * for its file system, but this returns after a moment even then. What could not
 * be written (a full pipe, a full-screen program) does not count as told.
 */
void tell(struct tell *t, pid_t tid, uint64_t key, struct policy_str line);

#endif /* CLI_WORDS_TELL_H */
