/* SPDX-License-Identifier: Apache-2.0
 *
 * audit/reader.h - The log read back: records, filters, the newest session
 *
 * A log may have been written by anybody by the time it is read: every line is
 * taken as hostile.
 */
#ifndef AUDIT_READER_H
#define AUDIT_READER_H

#include "audit/audit.h"

#define AUDIT_ARGV_MAX 80

/* struct audit_record.flags */
#define AUDIT_RECORD_UNVERIFIED	(1u << 0)
#define AUDIT_RECORD_KILLED	(1u << 1)
#define AUDIT_RECORD_BIRTH	(1u << 2)
#define AUDIT_RECORD_HIDDEN	(1u << 3)

/* Every field of a line: FIELD(name, kind) with kind u(nsigned), i(nteger) or s(tring) */
#define AUDIT_FIELDS(FIELD) \
	FIELD(seq, u) FIELD(time, s) FIELD(session, s) FIELD(pid, u) FIELD(inner, u) FIELD(parent, u) \
	FIELD(uid, u) FIELD(program, s) FIELD(layer, s) FIELD(op, s) FIELD(object, s) FIELD(resolved, s) \
	FIELD(decision, s) FIELD(rule, s) FIELD(message, s) FIELD(err, s) FIELD(latency_us, u) FIELD(count, u) \
	FIELD(policy, s) FIELD(workspace, s) FIELD(exit, i) FIELD(refused, u) FIELD(prev, s) FIELD(hash, s) \
	FIELD(key, s) FIELD(sig, s)

/** struct audit_record - One line. Strings live as long as the reader's next line. */
struct audit_record {
#define AUDIT_FIELD_u uint64_t
#define AUDIT_FIELD_i int64_t
#define AUDIT_FIELD_s struct policy_str
#define FIELD(name, kind) AUDIT_FIELD_##kind name;
	AUDIT_FIELDS(FIELD)
#undef FIELD
	uint32_t flags, argc;
	struct policy_str argv[AUDIT_ARGV_MAX];
	struct policy_str line;		/* as it stands in the file, without the newline */
};

/**
 * audit_record_parse() - One line of text into a record
 * @scratch:	At least @len bytes; strings are decoded into it
 *
 * Takes flat objects of known types; unknown names are passed over, a name
 * that comes twice is an error.
 *
 * Return: 0; -EBADMSG
 */
int audit_record_parse(struct audit_record *ret, char *scratch, const char *line, size_t len) MUST_USE;

struct audit_reader;

/** audit_reader_open() - The log of one session directory. 0; -errno */
int audit_reader_open(struct audit_reader **ret, const char *session_dir) MUST_USE;
void audit_reader_free(struct audit_reader *r);	/* NULL ok */

/**
 * audit_reader_next() - The next line
 * @ret:	Valid until the next call; with -EBADMSG only @ret->line is set
 *
 * Return: 1; 0: no whole line left now (the session may write more); -EBADMSG:
 * a line that is none of ours, reading may go on; -errno
 */
int audit_reader_next(struct audit_reader *r, struct audit_record *ret) MUST_USE;

/** audit_reader_left() - Bytes after the last newline, when audit_reader_next() has said 0 */
size_t audit_reader_left(const struct audit_reader *r);

/** audit_reader_line_no() - Of the line last given out, from 1 */
uint64_t audit_reader_line_no(const struct audit_reader *r);

/** audit_reader_is_live() - Its session still holds it open */
bool audit_reader_is_live(const struct audit_reader *r);

/** audit_reader_fd() - For waiting on it; borrowed */
int audit_reader_fd(const struct audit_reader *r);

/** struct audit_filter - What to show. NULL or 0: everything. Globs: '*' also matches '/' */
struct audit_filter {
	bool denied;			/* what was not done */
	const char *op, *path, *program, *rule;
	const char *since;		/* a time as in the log; compared as text */
	uint64_t seq;
};
bool audit_filter_matches(const struct audit_filter *f, const struct audit_record *r);

/** audit_record_is_refusal() - It was denied, or asked and not answered, or could not be verified and died */
bool audit_record_is_refusal(const struct audit_record *r);

/**
 * audit_sessions() - Ids of all sessions that have a log, oldest first
 * @ret:	NULL-ended; audit_sessions_free()
 *
 * Return: how many; -errno
 */
ssize_t audit_sessions(const char *state_dir, char ***ret) MUST_USE;
void audit_sessions_free(char **list);

#endif /* AUDIT_READER_H */
