/* SPDX-License-Identifier: Apache-2.0
 *
 * audit/audit.h - The event log: one JSON object a line, chained by hash, signed at the end
 */
#ifndef AUDIT_AUDIT_H
#define AUDIT_AUDIT_H

#include <stdio.h>

#include "common/event.h"

#define AUDIT_LOG_NAME "audit.jsonl"	/* in the session directory */

struct audit;

/** struct audit_options */
struct audit_options {
	const char *session_dir;	/* log is SESSION_DIR/audit.jsonl, 0600; must exist */
	const char *key_file;		/* the user's signing key; made (0600) when absent */
	const char *session_id;
	const char *const *argv;	/* of the session */
	const char *policy_name, *workspace;
};

/** audit_open() - Create the log, write the start record, start the batching thread. 0; -errno */
int audit_open(struct audit **ret, const struct audit_options *opt) MUST_USE;

/**
 * audit_event() - Record one decision
 * @ret_seq:	Sequence number of the line ("agentsh why SEQ"); 0 for a batched one. May be NULL
 *
 * Written to the file before return, unless EVENT_F_BATCH: those are counted by
 * (op, object, rule, program) and written within a second.
 *
 * Return: 0; -errno: not recorded, refuse the operation. Thread-safe
 */
int audit_event(struct audit *a, const struct event *ev, uint64_t *ret_seq) MUST_USE;

/**
 * audit_close() - Flush, write the end record with the exit status, sign the head
 * @wait_status: Of the command, as from wait(2); -1 if nobody told
 *
 * audit_event() may still be called, by threads that come late: -ESHUTDOWN.
 *
 * Return: 0; -errno: the log is not signed
 */
int audit_close(struct audit *a, int wait_status);

/** audit_free() - When nobody can call audit_event() any more. NULL ok */
void audit_free(struct audit *a);

/** enum audit_state - What a log is worth */
enum audit_state {
	AUDIT_TAMPERED = 0,	/* edited, cut, reordered, replayed, or signed by another key */
	AUDIT_UNSIGNED,		/* sound as far as it goes, but nothing says where it ended */
	AUDIT_RUNNING,		/* the same, and its session still writes */
	AUDIT_INTACT,		/* sound, ended and signed with our key */
};

/**
 * audit_verify() - Check chain and signature of one log
 * @session_dir: Its last component is the session's id, as in the log
 * @key_file:	As in audit_options; only read
 * @out:	One sentence: what was found, and the first bad record
 *
 * Return: 0 and @ret; -errno if log or key could not be read (said on @out as well)
 */
int audit_verify(const char *session_dir, const char *key_file, FILE *out, enum audit_state *ret) MUST_USE;

#endif /* AUDIT_AUDIT_H */
