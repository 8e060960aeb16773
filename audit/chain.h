/* SPDX-License-Identifier: Apache-2.0
 *
 * audit/chain.h - One line of the log: numbered, dated, hashed together with the line before it
 *
 * A line is {"seq":N,"time":"...","session":"...", FIELDS ,"prev":"H","hash":"H"}.
 * "hash" is the SHA-256 of all bytes before its comma, and those hold "prev",
 * the hash of the line before (zeros in the first). The end record goes on with
 * "key" and "sig": Ed25519 over the session's name and its own hash.
 */
#ifndef AUDIT_CHAIN_H
#define AUDIT_CHAIN_H

#include <sys/types.h>

#include "common/jsonw.h"

#define CHAIN_HASH_SIZE 32
#define CHAIN_HEX_SIZE (2 * CHAIN_HASH_SIZE + 1)
#define CHAIN_LINE_MAX (256u * 1024)	/* bytes of one line, newline included; fields are bounded to fit */

/** struct chain - Where the log stands. Plain data: copy it, try, keep the copy on success. */
struct chain {
	const char *session;
	uint64_t seq;			/* of the last line; 0 before the first */
	uint8_t head[CHAIN_HASH_SIZE];	/* hash of the last line */
};

struct chain_key;	/* audit/key.h */

/**
 * chain_line() - Format the next line
 * @c:		Advanced on success
 * @fill:	Writes the FIELDS, at least one
 * @key:	Signs the head (the end record); NULL for all other lines
 *
 * Return: length with the newline; -E2BIG if it does not fit into @size
 */
ssize_t chain_line(struct chain *c, char *buf, size_t size,
		   void (*fill)(struct jsonw *w, const void *arg), const void *arg,
		   const struct chain_key *key) MUST_USE;

/** enum chain_fault - What is wrong with one line, by itself and after the line before */
enum chain_fault {
	CHAIN_BROKEN = 0,	/* not a line of ours at all */
	CHAIN_EDITED,		/* its hash is not that of its text */
	CHAIN_UNLINKED,		/* it does not follow the line before */
	CHAIN_SOUND,
	CHAIN_SIGNED,		/* sound, and it claims a signature: chain_signature() */
};

/**
 * chain_check() - Look at one line
 * @c:		State after the line before; advanced to this line whenever its hash can be read
 * @line:	Without the newline
 */
enum chain_fault chain_check(struct chain *c, const char *line, size_t len);

/** chain_signature_ok() - Is the signature of this line by this key over this head? For CHAIN_SIGNED lines. */
bool chain_signature_ok(const struct chain *c, const char *line, size_t len, const struct chain_key *key);

/** chain_hex() - Lower-case hexadecimal, NUL-terminated; @buf holds 2 * @size + 1 */
void chain_hex(char *buf, const uint8_t *bytes, size_t size);
/** chain_unhex() - The reverse; only lower case is taken */
bool chain_unhex(uint8_t *ret, size_t size, const char *text);

#endif /* AUDIT_CHAIN_H */
