/* SPDX-License-Identifier: Apache-2.0
 *
 * audit/verify.c - Is this log the one that was written?
 *
 * What it can tell: a line edited, taken out, put in, moved or repeated; a log
 * of another session; lines after the end; an end that our key did not sign. A
 * log that merely stops is sound as far as it goes: killed with the machine, or
 * cut at its end, which only the signed end record could have told apart.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "audit/chain.h"
#include "audit/key.h"
#include "audit/reader.h"

struct verify {
	struct audit_reader *reader;
	struct chain_key key;
	struct chain chain;
	char session[64];
	uint64_t records;	/* sound ones so far */
	bool is_ended;
	FILE *out;
};

static const char *session_of(const char *dir, char buf[64])
{
	size_t len = strlen(dir), start;

	while (len > 1 && dir[len - 1] == '/')
		len--;
	for (start = len; start > 0 && dir[start - 1] != '/'; start--)
		;
	(void)snprintf(buf, 64, "%.*s", (int)(len - start), dir + start);	/* too long: is no id of ours */
	return buf;
}

PRINTF_LIKE(2, 3)
static enum audit_state bad(const struct verify *v, const char *fmt, ...)
{
	va_list ap;

	fprintf(v->out, "%s: TAMPERED at line %" PRIu64 ": ", v->session, audit_reader_line_no(v->reader));
	va_start(ap, fmt);
	vfprintf(v->out, fmt, ap);
	va_end(ap);
	fprintf(v->out, "; %" PRIu64 " records before it are sound\n", v->records);
	return AUDIT_TAMPERED;
}

/* The hashes are right by themselves, but this record does not belong here */
static enum audit_state out_of_place(const struct verify *v, const struct audit_record *rec)
{
	uint64_t want = v->records + 1;

	if (rec->seq > want)
		return bad(v, "record %" PRIu64 " where %" PRIu64 " should stand: records were cut out or moved",
			   rec->seq, want);
	if (rec->seq < want)
		return bad(v, "record %" PRIu64 " again, where %" PRIu64 " should stand: repeated or moved",
			   rec->seq, want);
	return bad(v, "record %" PRIu64 " does not follow the one before it: one of the two was replaced", rec->seq);
}

/* AUDIT_INTACT: go on */
static enum audit_state check_record(struct verify *v, const struct audit_record *rec)
{
	enum chain_fault fault = chain_check(&v->chain, rec->line.s, rec->line.len);
	bool is_end;

	if (v->is_ended)
		return bad(v, "a record after the end of the log");
	if (fault == CHAIN_BROKEN)
		return bad(v, "no record of the log");
	if (fault == CHAIN_EDITED)
		return bad(v, "record %" PRIu64 " was edited: its hash is not that of its text", rec->seq);
	if (fault == CHAIN_UNLINKED || rec->seq != v->records + 1)
		return out_of_place(v, rec);
	if (rec->session.len != strlen(v->session) || rec->session.len == 0 || memcmp(rec->session.s, v->session, rec->session.len) != 0)
		return bad(v, "record %" PRIu64 " belongs to another session", rec->seq);
	is_end = rec->op.len == 3 && memcmp(rec->op.s, "end", 3) == 0;
	if (is_end != (fault == CHAIN_SIGNED))
		return bad(v, "record %" PRIu64 " is %s", rec->seq, is_end ? "an end that is not signed" :
			   "signed, and no end");
	if (is_end && !chain_signature_ok(&v->chain, rec->line.s, rec->line.len, &v->key))
		return bad(v, "the end record is not signed by your key");
	v->is_ended = is_end;
	v->records++;
	return AUDIT_INTACT;
}

static enum audit_state conclude(const struct verify *v)
{
	if (audit_reader_left(v->reader) > 0 && !audit_reader_is_live(v->reader)) {
		fprintf(v->out, "%s: TAMPERED: the last line is cut off after record %" PRIu64 "\n",
			v->session, v->records);
		return AUDIT_TAMPERED;
	}
	if (v->is_ended) {
		fprintf(v->out, "%s: intact: %" PRIu64 " records, ended and signed\n", v->session, v->records);
		return AUDIT_INTACT;
	}
	if (audit_reader_is_live(v->reader)) {
		fprintf(v->out, "%s: running: %" PRIu64 " records sound, not signed yet\n", v->session, v->records);
		return AUDIT_RUNNING;
	}
	fprintf(v->out, "%s: unfinished: not signed: %" PRIu64 " records sound, but no end record says that they are all "
		"(the session was killed, or the end was cut off)\n", v->session, v->records);
	return AUDIT_UNSIGNED;
}

static int verify(struct verify *v, enum audit_state *ret)
{
	struct audit_record rec;
	int r;

	while ((r = audit_reader_next(v->reader, &rec)) != 0) {
		if (r < 0 && r != -EBADMSG) {
			fprintf(v->out, "%s: cannot be read: %s\n", v->session, strerror(-r));
			return r;
		}
		*ret = r < 0 ? bad(v, "no record of the log") : check_record(v, &rec);
		if (*ret != AUDIT_INTACT)
			return 0;
	}
	*ret = conclude(v);
	return 0;
}

int audit_verify(const char *session_dir, const char *key_file, FILE *out, enum audit_state *ret)
{
	struct verify v = { .out = out };
	int r;

	v.chain.session = session_of(session_dir, v.session);
	r = key_load(&v.key, key_file, false);
	if (r < 0) {
		fprintf(out, "%s: the signing key %s cannot be used: %s\n", v.session, key_file,
			r == -EPERM ? "it is not a private file of yours" : r == -EBADMSG ? "it is not a key" :
			strerror(-r));
		return r;
	}
	r = audit_reader_open(&v.reader, session_dir);
	if (r < 0) {
		fprintf(out, "%s: the log cannot be opened: %s\n", v.session, strerror(-r));
	} else {
		r = verify(&v, ret);
		audit_reader_free(v.reader);
	}
	key_forget(&v.key);
	return r;
}
