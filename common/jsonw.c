/* SPDX-License-Identifier: Apache-2.0
 *
 * common/jsonw.c - Append-only JSON writer into a caller's buffer
 */
#include "common/jsonw.h"

#include <string.h>

#include "common/utf8.h"

static const char hex[] = "0123456789abcdef";

/* All or nothing, so that what stands in the buffer never ends inside an escape */
static void put(struct jsonw *w, const char *s, size_t len)
{
	if (w->overflowed)
		return;
	if (w->size == 0 || len > w->size - 1 - w->len) {
		w->overflowed = true;
		return;
	}
	memcpy(w->buf + w->len, s, len);
	w->len += len;
	w->buf[w->len] = '\0';
}

/* Before a key, or before a value of an array */
static void comma(struct jsonw *w)
{
	if (w->need_comma)
		put(w, ",", 1);
	w->need_comma = true;
}

void jsonw_init(struct jsonw *w, char *buf, size_t size)
{
	*w = (struct jsonw){ .buf = buf, .size = size };
	if (size > 0)
		buf[0] = '\0';
}

static void begin(struct jsonw *w, const char *bracket)
{
	comma(w);
	put(w, bracket, 1);
	w->need_comma = false;
}

static void end(struct jsonw *w, const char *bracket)
{
	put(w, bracket, 1);
	w->need_comma = true;
}

void jsonw_object_begin(struct jsonw *w)
{
	begin(w, "{");
}

void jsonw_object_end(struct jsonw *w)
{
	end(w, "}");
}

void jsonw_array_begin(struct jsonw *w)
{
	begin(w, "[");
}

void jsonw_array_end(struct jsonw *w)
{
	end(w, "]");
}

static void put_u16(struct jsonw *w, uint32_t v)
{
	const char text[6] = { '\\', 'u', hex[v >> 12 & 15], hex[v >> 8 & 15], hex[v >> 4 & 15], hex[v & 15] };

	put(w, text, sizeof(text));
}

static void put_escape(struct jsonw *w, uint32_t c)
{
	static const char shorts[][2] = { { '"', '"' }, { '\\', '\\' }, { '\n', 'n' }, { '\t', 't' }, { '\r', 'r' } };

	for (size_t i = 0; i < ARRAY_SIZE(shorts); i++) {
		if (c == (uint32_t)shorts[i][0]) {
			put(w, (const char[]){ '\\', shorts[i][1] }, 2);
			return;
		}
	}
	if (c < 0x10000) {
		put_u16(w, c);
		return;
	}
	put_u16(w, 0xd800 + ((c - 0x10000) >> 10));
	put_u16(w, 0xdc00 + ((c - 0x10000) & 0x3ff));
}

void jsonw_str(struct jsonw *w, struct policy_str s)
{
	size_t plain = 0;	/* start of the run that needs no escape */

	comma(w);
	put(w, "\"", 1);
	for (size_t i = 0; i < s.len;) {
		uint32_t c;
		size_t len = utf8_next(s.s + i, s.len - i, &c);

		if (utf8_is_plain(s.s[i], len, c) && c != '"' && c != '\\') {
			i += len;
			continue;
		}
		put(w, s.s + plain, i - plain);
		put_escape(w, c);
		i += len;
		plain = i;
	}
	if (s.len > plain)
		put(w, s.s + plain, s.len - plain);
	put(w, "\"", 1);
}

void jsonw_cstr(struct jsonw *w, const char *s)
{
	if (s) {
		jsonw_str(w, policy_str(s));
		return;
	}
	comma(w);
	put(w, "null", 4);
}

void jsonw_key(struct jsonw *w, const char *key)
{
	jsonw_cstr(w, key);
	put(w, ":", 1);
	w->need_comma = false;
}

void jsonw_uint(struct jsonw *w, uint64_t v)
{
	char text[20];
	size_t i = sizeof(text);

	do {
		text[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	comma(w);
	put(w, text + i, sizeof(text) - i);
}

void jsonw_int(struct jsonw *w, int64_t v)
{
	if (v < 0) {
		comma(w);
		put(w, "-", 1);
		w->need_comma = false;
		jsonw_uint(w, -(uint64_t)v);
		return;
	}
	jsonw_uint(w, (uint64_t)v);
}

void jsonw_bool(struct jsonw *w, bool v)
{
	comma(w);
	put(w, v ? "true" : "false", v ? 4 : 5);
}
