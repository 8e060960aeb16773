/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/pattern.c - Patterns: braces, tokens, and the check
 */
#include "policy/pattern.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATTERN_LEN_MAX		4096
#define PATTERN_EXPANSION_MAX	1024	/* {a,b}{c,d}...: doubles with each brace */

struct pattern_cursor pattern_cursor(const char *text, enum pattern_kind kind)
{
	return (struct pattern_cursor){ .p = text, .kind = kind, .at_start = kind != PATTERN_ARG };
}

static int fail(struct pattern_cursor *c, const char *why)
{
	c->why = why;
	return -EINVAL;
}

static void set_add(uint64_t set[4], unsigned int byte)
{
	set[byte >> 6] |= UINT64_C(1) << (byte & 63);
}

/* One byte of a set, unescaped; 0 is the end of the text */
static unsigned int set_byte(const char **p)
{
	if (**p == '\\' && (*p)[1])
		(*p)++;
	return (unsigned char)*(*p)++;
}

/* Behind the '[' */
static int next_set(struct pattern_cursor *c, struct pattern_token *t)
{
	bool is_negated = *c->p == '!' || *c->p == '^', is_first = true;
	unsigned int low, high, i;

	c->p += is_negated;
	t->kind = PATTERN_SET;
	memset(t->set, 0, sizeof(t->set));
	for (; *c->p != ']' || is_first; is_first = false) {
		if (c->p[0] == '[' && c->p[1] == ':')
			return fail(c, "character classes such as [:alpha:] are not known here");
		low = high = set_byte(&c->p);
		if (low && c->p[0] == '-' && c->p[1] != ']') {
			c->p++;
			high = set_byte(&c->p);
		}
		if (!low || !high)
			return fail(c, "a '[' has no ']'");
		if (low > high)
			return fail(c, "a range in [] runs backwards");
		if (low <= '/' && high >= '/' && low == high && c->kind != PATTERN_ARG)
			return fail(c, "a '/' cannot stand within []");
		for (i = low; i <= high; i++)
			set_add(t->set, i);
	}
	c->p++;
	for (i = 0; is_negated && i < ARRAY_SIZE(t->set); i++)
		t->set[i] = ~t->set[i];
	if (c->kind != PATTERN_ARG)
		t->set['/' >> 6] &= ~(UINT64_C(1) << ('/' & 63));
	return 0;
}

/* At the start of a component: "**" there, and names that no path has */
static int next_component(struct pattern_cursor *c, struct pattern_token *t)
{
	const char *p = c->p;

	c->at_start = false;
	if (p[0] == '.' && (p[1 + (p[1] == '.')] == '/' || p[1 + (p[1] == '.')] == '\0'))
		return fail(c, "\".\" and \"..\" are never part of a path that is judged");
	if (p[0] != '*' || p[1] != '*')
		return 0;
	p += 2;
	if (*p == '\0' && c->kind == PATTERN_PATH) {
		t->kind = PATTERN_TAIL;
		c->p = p;
		return 1;
	}
	if (*p != '/' || c->kind != PATTERN_PATH)
		return fail(c, "\"**\" must be a whole component of a path");
	while (*p == '/')
		p++;
	if (*p == '\0')
		return fail(c, "a pattern cannot end in '/'");
	t->kind = PATTERN_MIDDLE;
	c->p = p;
	c->at_start = true;
	return 1;
}

static int next_slash(struct pattern_cursor *c)
{
	if (c->kind == PATTERN_NAME)
		return fail(c, "a '/' where one name is wanted");
	while (*c->p == '/')
		c->p++;
	c->at_start = true;
	return *c->p ? 0 : fail(c, "a pattern cannot end in '/'");
}

static int next_star(struct pattern_cursor *c)
{
	if (*c->p == '*' && c->kind != PATTERN_ARG)
		return fail(c, "\"**\" must be a whole component of a path");
	while (*c->p == '*')
		c->p++;
	return 0;
}

int pattern_next(struct pattern_cursor *c, struct pattern_token *ret)
{
	if (c->at_start) {
		int r = next_component(c, ret);

		if (r)
			return r < 0 ? r : 0;
	}
	ret->byte = (uint8_t)*c->p;
	ret->kind = PATTERN_BYTE;
	if (*c->p == '\0') {
		ret->kind = PATTERN_END;
		return 0;
	}
	switch (*c->p++) {
	case '*':
		ret->kind = PATTERN_STAR;
		return next_star(c);
	case '?':
		ret->kind = PATTERN_ANY_BYTE;
		return 0;
	case '[':
		return next_set(c, ret);
	case '\\':
		ret->byte = (uint8_t)*c->p;
		if (!*c->p)
			return fail(c, "a '\\' at the end escapes nothing");
		c->p++;
		if (ret->byte == '/' && c->kind != PATTERN_ARG)
			return fail(c, "a '/' cannot be escaped");
		return 0;
	case '/':
		return c->kind == PATTERN_ARG ? 0 : next_slash(c);
	default:
		return 0;
	}
}

/* Skip one unit: an escape, a whole set, or a byte */
static const char *skip_unit(const char *p)
{
	const char *q;

	if (*p == '\\' && p[1])
		return p + 2;
	if (*p != '[')
		return p + 1;
	q = p + 1 + (p[1] == '!' || p[1] == '^');
	if (*q == ']')
		q++;
	while (*q && *q != ']')
		q += *q == '\\' && q[1] ? 2 : 1;
	return *q ? q + 1 : p + 1;	/* without an end it is an error elsewhere */
}

struct expansion {
	int (*fn)(void *context, const char *plain);
	void *context;
	enum pattern_kind kind;
	const char *why;
	unsigned int count;
};

static int expand(struct expansion *x, const char *text);

/* One alternative: what stands before the brace, itself, what stands behind */
static int expand_one(struct expansion *x, const char *text, const char *open, const char *start,
		      const char *end, const char *rest)
{
	size_t before = (size_t)(open - text), middle = (size_t)(end - start), after = strlen(rest);
	char *joined = malloc(before + middle + after + 1);
	int r;

	if (!joined)
		return -ENOMEM;
	memcpy(joined, text, before);
	memcpy(joined + before, start, middle);
	memcpy(joined + before + middle, rest, after + 1);
	r = expand(x, joined);
	free(joined);
	return r;
}

static const char *find_close(struct expansion *x, const char *open, unsigned int *ret_commas)
{
	unsigned int depth = 0;
	const char *p;

	*ret_commas = 0;
	for (p = open; *p; p = skip_unit(p)) {
		if (*p == '{')
			depth++;
		else if (*p == '}' && --depth == 0)
			return p;
		else if (*p == ',' && depth == 1)
			(*ret_commas)++;
		else if (*p == '/' && x->kind != PATTERN_ARG)
			break;
	}
	x->why = *p == '/' ? "a '/' cannot stand within {}" : "a '{' has no '}'";
	return NULL;
}

static int expand(struct expansion *x, const char *text)
{
	const char *open = text, *close, *start, *p;
	unsigned int commas, depth = 0;
	int r = 0;

	if (!strchr(text, '{'))		/* as most have none */
		open = "";
	while (*open && *open != '{')
		open = skip_unit(open);
	if (!*open) {
		if (++x->count > PATTERN_EXPANSION_MAX) {
			x->why = "the braces stand for too many patterns";
			return -EINVAL;
		}
		return x->fn(x->context, text);
	}
	close = find_close(x, open, &commas);
	if (!close)
		return -EINVAL;
	if (commas == 0) {
		x->why = "braces need at least two alternatives; write \\{ for the byte itself";
		return -EINVAL;
	}
	for (p = start = open + 1; r == 0 && p <= close; p = skip_unit(p)) {
		if ((*p == ',' && depth == 0) || p == close) {
			r = expand_one(x, text, open, start, p, close + 1);
			start = p + 1;
		} else if (*p == '{') {
			depth++;
		} else if (*p == '}') {
			depth--;
		}
	}
	return r;
}

int pattern_each(const char *text, enum pattern_kind kind,
		 int (*fn)(void *context, const char *plain), void *context,
		 const char **reterr_why)
{
	struct expansion x = { .fn = fn, .context = context, .kind = kind };
	int r = expand(&x, text);

	if (x.why)
		*reterr_why = x.why;
	return r;
}

struct check {
	enum pattern_kind kind;
	const char *why;
};

static int check_plain(void *context, const char *plain)
{
	struct check *k = context;
	struct pattern_cursor c = pattern_cursor(plain, k->kind);
	struct pattern_token t;
	int r;

	if (k->kind == PATTERN_NAME && !*plain) {
		k->why = "an alternative is empty";
		return -EINVAL;
	}
	if (k->kind == PATTERN_PATH && strcmp(plain, "/") == 0)
		return 0;
	do {
		r = pattern_next(&c, &t);
	} while (r == 0 && t.kind != PATTERN_END);
	k->why = c.why;
	return r;
}

int pattern_check(const char *text, enum pattern_kind kind, const char **reterr_why)
{
	struct check k = { .kind = kind };
	const char *why = NULL;
	int r = -EINVAL;

	if (strlen(text) > PATTERN_LEN_MAX)
		why = "a pattern is longer than any path";
	else if (kind != PATTERN_ARG && !*text)
		why = "a pattern is empty";
	else if (kind == PATTERN_PATH && *text != '/')
		why = "a path pattern must start with '/'";
	else
		r = pattern_each(text, kind, check_plain, &k, &why);
	if (r == -EINVAL)
		*reterr_why = why ? why : k.why;
	return r;
}

int policy_pattern_check(const char *pattern, struct policy_diag *reterr)
{
	enum pattern_kind kind = strchr(pattern, '/') ? PATTERN_PATH : PATTERN_NAME;
	const char *why = "";
	int r = pattern_check(pattern, kind, &why);

	if (r == -EINVAL)
		(void)snprintf(reterr->message, sizeof(reterr->message), "%s.", why); /* cut is fine */
	return r;
}
