/* SPDX-License-Identifier: Apache-2.0
 *
 * audit/parse.c - One line of the log into a record: a small JSON reader that trusts nothing
 */
#include "audit/reader.h"

#include <errno.h>
#include <string.h>

#include "common/utf8.h"

struct scan {
	const char *p, *end;
	char *out;		/* decoded bytes go here; never more than were read */
};

enum field_kind { KIND_u, KIND_i, KIND_s };

static const struct field {
	const char *name;
	enum field_kind kind;
	size_t off;		/* bytes, in struct audit_record */
} fields[] = {
#define FIELD(name, kind) { #name, KIND_##kind, offsetof(struct audit_record, name) },
	AUDIT_FIELDS(FIELD)
#undef FIELD
};
static_assert(ARRAY_SIZE(fields) <= 62, "one bit each, and two for the lists");

static bool take(struct scan *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

static int take_hex4(struct scan *s, uint32_t *ret)
{
	uint32_t v = 0;

	if (s->end - s->p < 4)
		return -EBADMSG;
	for (int i = 0; i < 4; i++) {
		char c = *s->p++;
		int d = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
			c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;

		if (d < 0)
			return -EBADMSG;
		v = v << 4 | (uint32_t)d;
	}
	*ret = v;
	return 0;
}

static void put_utf8(struct scan *s, uint32_t c)
{
	if (c < 0x80) {
		*s->out++ = (char)c;
	} else if (c < 0x800) {
		*s->out++ = (char)(0xc0 | c >> 6);
		*s->out++ = (char)(0x80 | (c & 0x3f));
	} else if (c < 0x10000) {
		*s->out++ = (char)(0xe0 | c >> 12);
		*s->out++ = (char)(0x80 | (c >> 6 & 0x3f));
		*s->out++ = (char)(0x80 | (c & 0x3f));
	} else {
		*s->out++ = (char)(0xf0 | c >> 18);
		*s->out++ = (char)(0x80 | (c >> 12 & 0x3f));
		*s->out++ = (char)(0x80 | (c >> 6 & 0x3f));
		*s->out++ = (char)(0x80 | (c & 0x3f));
	}
}

/* After "\u": one code point, of a pair if need be */
static int take_unicode(struct scan *s)
{
	uint32_t c, low;

	if (take_hex4(s, &c) < 0)
		return -EBADMSG;
	if (c >= 0xd800 && c < 0xdc00) {
		if (!take(s, '\\') || !take(s, 'u') || take_hex4(s, &low) < 0 || low < 0xdc00 || low > 0xdfff)
			return -EBADMSG;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	} else if (c >= 0xdc00 && c <= 0xdfff) {
		return -EBADMSG;
	}
	put_utf8(s, c);
	return 0;
}

static int take_escape(struct scan *s)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;

	if (s->p == s->end)
		return -EBADMSG;
	if (*s->p == 'u') {
		s->p++;
		return take_unicode(s);
	}
	at = *s->p ? strchr(from, *s->p) : NULL;
	if (!at)
		return -EBADMSG;
	*s->out++ = to[at - from];
	s->p++;
	return 0;
}

static int take_string(struct scan *s, struct policy_str *ret)
{
	char *start = s->out;

	if (!take(s, '"'))
		return -EBADMSG;
	while (s->p < s->end && *s->p != '"') {
		uint32_t c;
		size_t n = utf8_next(s->p, (size_t)(s->end - s->p), &c);

		if (*s->p == '\\') {
			s->p++;
			if (take_escape(s) < 0)
				return -EBADMSG;
			continue;
		}
		if (c < 0x20 || (n == 1 && c >= 0x80))	/* the writer leaves none of these */
			return -EBADMSG;
		memcpy(s->out, s->p, n);
		s->out += n;
		s->p += n;
	}
	if (!take(s, '"'))
		return -EBADMSG;
	*ret = (struct policy_str){ start, (uint32_t)(s->out - start) };
	return 0;
}

static int take_number(struct scan *s, uint64_t *ret, bool *ret_negative)
{
	uint64_t v = 0;
	const char *start;

	*ret_negative = take(s, '-');
	start = s->p;
	while (s->p < s->end && *s->p >= '0' && *s->p <= '9') {
		if (__builtin_mul_overflow(v, 10u, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*s->p - '0'), &v))
			return -EBADMSG;
		s->p++;
	}
	if (s->p == start || (*start == '0' && s->p - start > 1) || (*ret_negative && v > INT64_MAX))
		return -EBADMSG;
	*ret = v;
	return 0;
}

static int take_list(struct scan *s, struct policy_str *list, uint32_t max, uint32_t *ret_count)
{
	uint32_t n = 0;

	if (!take(s, '['))
		return -EBADMSG;
	if (!take(s, ']')) {
		do {
			if (n == max || take_string(s, &list[n]) < 0)
				return -EBADMSG;
			n++;
		} while (take(s, ','));
		if (!take(s, ']'))
			return -EBADMSG;
	}
	*ret_count = n;
	return 0;
}

static int take_flags(struct scan *s, uint32_t *ret)
{
	static const char *const names[] = { "unverified", "killed", "birth", "hidden" };
	struct policy_str list[8];
	uint32_t count;

	if (take_list(s, list, ARRAY_SIZE(list), &count) < 0)
		return -EBADMSG;
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t k = 0; k < ARRAY_SIZE(names); k++)
			if (list[i].len == strlen(names[k]) && memcmp(list[i].s, names[k], list[i].len) == 0)
				*ret |= 1u << k;
	return 0;
}

static int take_field(struct scan *s, const struct field *f, struct audit_record *ret)
{
	void *at = (char *)ret + f->off;
	bool negative;
	uint64_t v;

	if (f->kind == KIND_s)
		return take_string(s, at);
	if (take_number(s, &v, &negative) < 0 || (negative && f->kind == KIND_u))
		return -EBADMSG;
	if (f->kind == KIND_u)
		*(uint64_t *)at = v;
	else if (v <= INT64_MAX)
		*(int64_t *)at = negative ? -(int64_t)v : (int64_t)v;
	else
		return -EBADMSG;
	return 0;
}

/* A name of a later version: its value is a string or a number */
static int pass_over(struct scan *s)
{
	struct policy_str text;
	bool negative;
	uint64_t v;

	return s->p < s->end && *s->p == '"' ? take_string(s, &text) : take_number(s, &v, &negative);
}

static int take_value(struct scan *s, struct policy_str name, struct audit_record *ret, uint64_t *seen)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(fields) &&
	       (strlen(fields[i].name) != name.len || memcmp(fields[i].name, name.s, name.len) != 0))
		i++;
	if (i == ARRAY_SIZE(fields)) {
		if (name.len == 4 && memcmp(name.s, "argv", 4) == 0)
			i = 62;
		else if (name.len == 5 && memcmp(name.s, "flags", 5) == 0)
			i = 63;
		else
			return pass_over(s);
	}
	if (*seen & UINT64_C(1) << i)
		return -EBADMSG;
	*seen |= UINT64_C(1) << i;
	if (i == 62)
		return take_list(s, ret->argv, AUDIT_ARGV_MAX, &ret->argc);
	return i == 63 ? take_flags(s, &ret->flags) : take_field(s, &fields[i], ret);
}

int audit_record_parse(struct audit_record *ret, char *scratch, const char *line, size_t len)
{
	struct scan s = { .p = line, .end = line + len, .out = scratch };
	uint64_t seen = 0;

	memset(ret, 0, sizeof(*ret));
	ret->line = (struct policy_str){ line, (uint32_t)len };
	if (!take(&s, '{'))
		return -EBADMSG;
	do {
		struct policy_str name;

		if (take_string(&s, &name) < 0 || !take(&s, ':') || take_value(&s, name, ret, &seen) < 0)
			return -EBADMSG;
	} while (take(&s, ','));
	if (!take(&s, '}') || s.p != s.end || ret->seq == 0)
		return -EBADMSG;
	return 0;
}
