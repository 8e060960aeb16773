/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/json_scan.c - The strict grammar, and where each value stands
 */
#include "policy/json_scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/diag.h"

struct scanner {
	char *text;			/* being cleaned in place */
	size_t len, at;
	uint32_t line;
	size_t line_start;		/* offset of the first byte of the line */
	uint32_t continuation;		/* UTF-8 continuation bytes since then */
	struct json_pos *pos;
	size_t pos_count, pos_size;	/* elements */
	struct policy_diag *diag;
};

static uint32_t column(const struct scanner *s)
{
	return (uint32_t)(s->at - s->line_start) - s->continuation + 1;
}

#define FAIL(s, ...) diag_at((s)->diag, (s)->line, column(s), __VA_ARGS__)

/* The text ends with a NUL that no grammar rule takes */
static char peek(const struct scanner *s)
{
	return s->text[s->at];
}

static void newline(struct scanner *s)
{
	s->at++;
	s->line++;
	s->line_start = s->at;
	s->continuation = 0;
}

/* Length of the UTF-8 character at @p; 0 if it is none. Its end is guarded by the NUL. */
static size_t utf8_len(const unsigned char *p)
{
	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		return (p[1] & 0xc0) == 0x80 ? 2 : 0;
	if (p[0] >= 0xe0 && p[0] <= 0xef) {
		if ((p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80)
			return 0;
		if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f))
			return 0;
		return 3;
	}
	if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		if ((p[1] & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80 || (p[3] & 0xc0) != 0x80)
			return 0;
		if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
			return 0;
		return 4;
	}
	return 0;
}

static int step_character(struct scanner *s)
{
	size_t n = utf8_len((const unsigned char *)s->text + s->at);

	if (n == 0)
		return FAIL(s, "the text is not valid UTF-8 here");
	s->at += n;
	s->continuation += (uint32_t)(n - 1);
	return 0;
}

/* Erase a comment. Newlines stay, so that lines keep their numbers. */
static int skip_comment(struct scanner *s)
{
	uint32_t line = s->line, col = column(s);
	bool is_block = s->text[s->at + 1] == '*';
	size_t start = s->at;
	int r = 0;

	s->at += 2;
	for (;;) {
		if (s->at >= s->len) {
			if (is_block)
				return diag_at(s->diag, line, col, "this comment has no end");
			break;
		}
		if (peek(s) == '\n') {
			memset(s->text + start, ' ', s->at - start);
			if (!is_block)
				return 0;
			newline(s);
			start = s->at;
			continue;
		}
		if (is_block && peek(s) == '*' && s->text[s->at + 1] == '/') {
			s->at += 2;
			break;
		}
		r = step_character(s);
		if (r < 0)
			return r;
	}
	memset(s->text + start, ' ', s->at - start);
	return 0;
}

static int skip_space(struct scanner *s)
{
	for (;;) {
		char c = peek(s);

		if (c == '\n') {
			newline(s);
		} else if (c == ' ' || c == '\t' || c == '\r') {
			s->at++;
		} else if (c == '/' && (s->text[s->at + 1] == '/' || s->text[s->at + 1] == '*')) {
			int r = skip_comment(s);

			if (r < 0)
				return r;
		} else {
			return 0;
		}
	}
}

static int mark(struct scanner *s)
{
	if (s->pos_count == s->pos_size) {
		size_t size = s->pos_size ? s->pos_size * 2 : 256;
		struct json_pos *grown = realloc(s->pos, size * sizeof(*grown));

		if (!grown)
			return diag_memory(s->diag);
		s->pos = grown;
		s->pos_size = size;
	}
	s->pos[s->pos_count++] = (struct json_pos){ s->line, column(s) };
	return 0;
}

/* The four digits after "\u"; -1 if they are none */
static int hex4(const char *p)
{
	int v = 0;

	for (int i = 0; i < 4; i++) {
		char c = p[i];

		if (c >= '0' && c <= '9')
			v = v * 16 + (c - '0');
		else if (c >= 'a' && c <= 'f')
			v = v * 16 + (c - 'a' + 10);
		else if (c >= 'A' && c <= 'F')
			v = v * 16 + (c - 'A' + 10);
		else
			return -1;
	}
	return v;
}

static int scan_unicode_escape(struct scanner *s)
{
	const char *p = s->text + s->at + 2;
	int v = hex4(p);

	if (v < 0)
		return FAIL(s, "\\u wants four hexadecimal digits");
	if (v == 0)
		return FAIL(s, "\\u0000 cannot be part of a name");
	if (v >= 0xdc00 && v <= 0xdfff)
		return FAIL(s, "the second half of a surrogate pair has no first half");
	if (v >= 0xd800 && v <= 0xdbff) {
		int low = p[4] == '\\' && p[5] == 'u' ? hex4(p + 6) : -1;

		if (low < 0xdc00 || low > 0xdfff)
			return FAIL(s, "the first half of a surrogate pair has no second half");
		s->at += 6;
	}
	s->at += 6;
	return 0;
}

static int scan_string(struct scanner *s)
{
	uint32_t line = s->line, col = column(s);

	s->at++;
	while (peek(s) != '"') {
		char c = peek(s);
		int r = 0;

		if (s->at >= s->len)
			return diag_at(s->diag, line, col, "this string has no end");
		if ((unsigned char)c < 0x20 || c == 0x7f)
			return FAIL(s, c == '\n' ? "a string ends on the line it starts on" :
				    "a control character in a string is written as an escape");
		if (c != '\\') {
			r = step_character(s);
		} else if (s->text[s->at + 1] == 'u') {
			r = scan_unicode_escape(s);
		} else if (s->text[s->at + 1] && strchr("\"\\/bfnrt", s->text[s->at + 1])) {
			s->at += 2;
		} else {
			return FAIL(s, "unknown escape in a string");
		}
		if (r < 0)
			return r;
	}
	s->at++;
	return 0;
}

static size_t digits(const char *p)
{
	size_t n = 0;

	while (p[n] >= '0' && p[n] <= '9')
		n++;
	return n;
}

static int scan_number(struct scanner *s)
{
	const char *start = s->text + s->at, *p = start;
	size_t n;

	if (*p == '-')
		p++;
	n = digits(p);
	if (n == 0 || (n > 1 && *p == '0'))
		return FAIL(s, "this is not a JSON number");
	p += n;
	if (*p == '.' || *p == 'e' || *p == 'E')
		return FAIL(s, "only whole numbers mean something in a policy");
	if (n > 15)
		return FAIL(s, "this number is out of range");
	s->at += (size_t)(p - start);
	return 0;
}

static int scan_word(struct scanner *s)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		size_t n = strlen(words[i]);

		if (strncmp(s->text + s->at, words[i], n) == 0) {
			s->at += n;
			return 0;
		}
	}
	if (s->at >= s->len)
		return FAIL(s, "the text ends where a value should be");
	return FAIL(s, "a value should be here");
}

static int scan_value(struct scanner *s, unsigned int depth);

static int scan_member_key(struct scanner *s)
{
	int r;

	if (peek(s) != '"')
		return FAIL(s, s->at >= s->len ? "the text ends inside an object" :
			    "a key in quotation marks should be here");
	r = mark(s);
	if (r == 0)
		r = scan_string(s);
	if (r == 0)
		r = skip_space(s);
	if (r < 0)
		return r;
	if (peek(s) != ':')
		return FAIL(s, "a colon should be here, after the key");
	s->at++;
	return skip_space(s);
}

/* Objects and arrays: @close is '}' or ']'; the opening byte has been read */
static int scan_members(struct scanner *s, char close, unsigned int depth)
{
	size_t comma = 0;
	int r = skip_space(s);

	while (r == 0 && peek(s) != close) {
		if (close == '}')
			r = scan_member_key(s);
		if (r == 0)
			r = scan_value(s, depth);
		if (r == 0)
			r = skip_space(s);
		if (r < 0)
			return r;
		comma = 0;
		if (peek(s) == ',') {
			comma = s->at++;
			r = skip_space(s);
		} else if (peek(s) != close) {
			return FAIL(s, s->at >= s->len ? "the text ends before the closing %c" :
				    "a comma or %c should be here", close);
		}
	}
	if (r < 0)
		return r;
	if (comma)
		s->text[comma] = ' ';
	s->at++;
	return 0;
}

static int scan_value(struct scanner *s, unsigned int depth)
{
	char c = peek(s);
	int r = mark(s);

	if (r < 0)
		return r;
	if (c == '{' || c == '[') {
		if (depth >= JSON_DEPTH_MAX)
			return FAIL(s, "values are nested more than %d deep", JSON_DEPTH_MAX);
		s->at++;
		return scan_members(s, c == '{' ? '}' : ']', depth + 1);
	}
	if (c == '"')
		return scan_string(s);
	if (c == '-' || (c >= '0' && c <= '9'))
		return scan_number(s);
	return scan_word(s);
}

static int scan_text(struct scanner *s)
{
	int r;

	if (memchr(s->text, '\0', s->len))
		return diag_at(s->diag, 1, 1, "the text holds a NUL byte");
	r = skip_space(s);
	if (r == 0)
		r = scan_value(s, 0);
	if (r == 0)
		r = skip_space(s);
	if (r == 0 && s->at < s->len)
		r = FAIL(s, "the policy has ended; nothing may follow it");
	return r;
}

int json_scan(struct json_scan *ret, const char *text, size_t len, struct policy_diag *reterr)
{
	struct scanner s = { .len = len, .line = 1, .diag = reterr };
	int r;

	if (len > JSON_SIZE_MAX)
		return diag_at(reterr, 0, 0, "the file is larger than 1 MiB");
	s.text = malloc(len + 1);
	if (!s.text)
		return diag_memory(reterr);
	memcpy(s.text, text, len);
	s.text[len] = '\0';
	r = scan_text(&s);
	if (r < 0) {
		free(s.text);
		free(s.pos);
		return r;
	}
	*ret = (struct json_scan){ s.text, len, s.pos, s.pos_count };
	return 0;
}

void json_scan_free(struct json_scan *s)
{
	free(s->text);
	free(s->pos);
	*s = (struct json_scan){ 0 };
}
