/* SPDX-License-Identifier: Apache-2.0
 *
 * audit/chain.c - One line of the log: numbered, dated, hashed together with the line before it
 */
#include "audit/chain.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "audit/key.h"

static_assert(CHAIN_HASH_SIZE == crypto_hash_sha256_BYTES, "the chain is one of SHA-256");

#define HEX_LEN		(CHAIN_HEX_SIZE - 1)
#define SIG_HEX_LEN	(2 * CHAIN_SIG_SIZE)

static const char prev_text[] = ",\"prev\":\"";
static const char hash_text[] = ",\"hash\":\"";
static const char key_text[] = "\",\"key\":\"";
static const char sig_text[] = "\",\"sig\":\"";
static const char end_text[] = "\"}";
#define LEN(text) (sizeof(text) - 1)

#define PLAIN_TAIL_LEN	(LEN(hash_text) + HEX_LEN + LEN(end_text))
#define SIGNED_TAIL_LEN	(PLAIN_TAIL_LEN + LEN(key_text) + HEX_LEN + LEN(sig_text) + SIG_HEX_LEN)

void chain_hex(char *buf, const uint8_t *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		buf[2 * i] = digits[bytes[i] >> 4];
		buf[2 * i + 1] = digits[bytes[i] & 15];
	}
	buf[2 * size] = '\0';
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool chain_unhex(uint8_t *ret, size_t size, const char *text)
{
	for (size_t i = 0; i < size; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static void put_time(struct jsonw *w)
{
	struct timespec now;
	struct tm tm;
	char text[96];

	(void)clock_gettime(CLOCK_REALTIME, &now);	/* cannot fail with this clock */
	if (!gmtime_r(&now.tv_sec, &tm))
		memset(&tm, 0, sizeof(tm));
	(void)snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%06ldZ",	/* fits */
		       tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
		       now.tv_nsec / 1000);
	jsonw_key(w, "time");
	jsonw_cstr(w, text);
}

/* What the signature covers: which log, and all of it */
static size_t signed_text(char buf[160], const char *session, const uint8_t head[CHAIN_HASH_SIZE])
{
	char text[CHAIN_HEX_SIZE];

	chain_hex(text, head, CHAIN_HASH_SIZE);
	return (size_t)snprintf(buf, 160, "agentsh log 1\n%.64s\n%s\n", session, text);
}

/* Text after the fields; the caller has made sure that it fits */
static size_t put_tail(char *p, struct chain *next, size_t text_len, const struct chain_key *key)
{
	char hex[2 * CHAIN_SIG_SIZE + 1], text[160];
	uint8_t sig[CHAIN_SIG_SIZE];
	char *start = p + text_len;
	size_t n;

	(void)crypto_hash_sha256(next->head, (const unsigned char *)p, text_len);	/* cannot fail */
	chain_hex(hex, next->head, CHAIN_HASH_SIZE);
	p = stpcpy(stpcpy(start, hash_text), hex);
	if (key) {
		n = signed_text(text, next->session, next->head);
		key_sign(key, text, n, sig);
		chain_hex(hex, key->public, sizeof(key->public));
		p = stpcpy(stpcpy(p, key_text), hex);
		chain_hex(hex, sig, sizeof(sig));
		p = stpcpy(stpcpy(p, sig_text), hex);
	}
	p = stpcpy(stpcpy(p, end_text), "\n");
	return (size_t)(p - start);
}

ssize_t chain_line(struct chain *c, char *buf, size_t size,
		   void (*fill)(struct jsonw *w, const void *arg), const void *arg,
		   const struct chain_key *key)
{
	struct chain next = { .session = c->session, .seq = c->seq + 1 };
	char prev[CHAIN_HEX_SIZE];
	struct jsonw w;

	if (size <= SIGNED_TAIL_LEN + 2)
		return -E2BIG;
	jsonw_init(&w, buf, size - SIGNED_TAIL_LEN - 2);
	jsonw_object_begin(&w);
	jsonw_key(&w, "seq");
	jsonw_uint(&w, next.seq);
	put_time(&w);
	jsonw_key(&w, "session");
	jsonw_cstr(&w, next.session);
	fill(&w, arg);
	chain_hex(prev, c->head, sizeof(c->head));
	jsonw_key(&w, "prev");
	jsonw_cstr(&w, prev);
	if (w.overflowed)
		return -E2BIG;
	w.len += put_tail(buf, &next, w.len, key);
	*c = next;
	return (ssize_t)w.len;
}

static bool stands_at(const char *line, size_t len, size_t off, const char *text)
{
	size_t n = strlen(text);

	return off <= len && n <= len - off && memcmp(line + off, text, n) == 0;
}

/* Offset of ,"hash":" counted by the two forms that a line's end can have; 0 if neither */
static size_t hash_off(const char *line, size_t len, bool *ret_signed)
{
	const size_t tails[] = { PLAIN_TAIL_LEN, SIGNED_TAIL_LEN };

	for (size_t i = 0; i < ARRAY_SIZE(tails); i++) {
		if (len <= tails[i] || !stands_at(line, len, len - tails[i], hash_text) ||
		    !stands_at(line, len, len - LEN(end_text), end_text))
			continue;
		*ret_signed = i == 1;
		return len - tails[i];
	}
	return 0;
}

enum chain_fault chain_check(struct chain *c, const char *line, size_t len)
{
	const size_t prev_len = LEN(prev_text) + HEX_LEN + 1;
	uint8_t told[CHAIN_HASH_SIZE], real[CHAIN_HASH_SIZE], prev[CHAIN_HASH_SIZE];
	bool is_signed, linked;
	size_t off = hash_off(line, len, &is_signed);

	if (off < prev_len || !stands_at(line, len, off - prev_len, prev_text) ||
	    !chain_unhex(told, sizeof(told), line + off + LEN(hash_text)) ||
	    !chain_unhex(prev, sizeof(prev), line + off - prev_len + LEN(prev_text)))
		return CHAIN_BROKEN;
	(void)crypto_hash_sha256(real, (const unsigned char *)line, off);	/* cannot fail */
	linked = memcmp(prev, c->head, sizeof(prev)) == 0;
	memcpy(c->head, told, sizeof(told));
	if (memcmp(told, real, sizeof(told)) != 0)
		return CHAIN_EDITED;
	if (!linked)
		return CHAIN_UNLINKED;
	return is_signed ? CHAIN_SIGNED : CHAIN_SOUND;
}

bool chain_signature_ok(const struct chain *c, const char *line, size_t len, const struct chain_key *key)
{
	uint8_t sig[CHAIN_SIG_SIZE], public[CHAIN_KEY_SIZE];
	const char *sig_hex, *key_hex;
	char text[160];
	size_t n = signed_text(text, c->session, c->head);

	if (len < SIGNED_TAIL_LEN)
		return false;
	sig_hex = line + len - LEN(end_text) - SIG_HEX_LEN;
	key_hex = sig_hex - LEN(sig_text) - HEX_LEN;
	if (memcmp(sig_hex - LEN(sig_text), sig_text, LEN(sig_text)) != 0 ||
	    memcmp(key_hex - LEN(key_text), key_text, LEN(key_text)) != 0 ||
	    !chain_unhex(sig, sizeof(sig), sig_hex) || !chain_unhex(public, sizeof(public), key_hex))
		return false;
	return memcmp(public, key->public, sizeof(public)) == 0 && key_verify(key, text, n, sig);
}
