/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/match.c - One pattern against one string, without an automaton
 *
 * Shares nothing with the automata but the reading of braces, so the tests
 * hold one against the other.
 */
#include <string.h>

#include "policy/pattern.h"

static const char *component_end(const char *p, const char *end)
{
	const char *slash = memchr(p, '/', (size_t)(end - p));

	return slash ? slash : end;
}

/* [...] at @p against @byte; moves @p behind the set. The pattern has been checked. */
static bool match_set(const char **p, uint8_t byte)
{
	struct pattern_cursor c = pattern_cursor(*p, PATTERN_NAME);
	struct pattern_token t;

	c.at_start = false;
	if (pattern_next(&c, &t) < 0)
		return false;
	*p = c.p;
	return pattern_set_has(t.set, byte);
}

/* One unit that is not a star against one byte */
static bool match_unit(const char **p, uint8_t byte)
{
	switch (**p) {
	case '[':
		return match_set(p, byte);
	case '?':
		(*p)++;
		return true;
	case '\\':
		(*p)++;
		break;
	default:
		break;
	}
	return (uint8_t)*(*p)++ == byte;
}

/* Within a component: only the last star ever needs to give ground */
static bool match_component(const char *p, const char *p_end, const char *s, const char *s_end)
{
	const char *star = NULL, *mark = s;

	while (s < s_end) {
		const char *unit = p;

		if (p < p_end && *p == '*') {
			star = ++p;
			mark = s;
		} else if (p < p_end && match_unit(&unit, (uint8_t)*s)) {
			p = unit;
			s++;
		} else if (star) {
			p = star;
			s = ++mark;
		} else {
			return false;
		}
	}
	while (p < p_end && *p == '*')
		p++;
	return p == p_end;
}

/* The '/' in a pattern that ends a component; none stands in sets or escapes */
static bool match_components(const char *p, const char *p_end, const char *s, const char *s_end)
{
	while (p < p_end) {
		const char *name = component_end(p, p_end), *part;

		while (name < p_end && *name == '/' && name == p)
			p++, name = component_end(p, p_end);
		if (name - p == 2 && p[0] == '*' && p[1] == '*') {
			if (name == p_end)
				return s < s_end;
			for (; s < s_end; s = component_end(s, s_end), s += s < s_end)
				if (match_components(name + 1, p_end, s, s_end))
					return true;
			return false;
		}
		if (s >= s_end)
			return false;
		part = component_end(s, s_end);
		if (!match_component(p, name, s, part))
			return false;
		s = part + (part < s_end);
		p = name + (name < p_end);
	}
	return s >= s_end;
}

struct match {
	struct policy_str s;
	bool found;
};

static int match_plain(void *context, const char *plain)
{
	struct match *m = context;
	const char *s = m->s.s, *s_end = s + m->s.len, *p_end = plain + strlen(plain);

	if (plain[0] == '/') {
		if (m->s.len == 0 || *s++ != '/')
			return 0;
		plain++;
	} else if (m->s.len == 0 || memchr(s, '/', m->s.len)) {
		return 0;
	}
	m->found = match_components(plain, p_end, s, s_end);
	return m->found;	/* not 0 stops */
}

bool policy_pattern_match(const char *pattern, struct policy_str s)
{
	struct match m = { .s = s };
	struct policy_diag diag;
	const char *why;

	if (policy_pattern_check(pattern, &diag) < 0)
		return false;
	return pattern_each(pattern, PATTERN_PATH, match_plain, &m, &why) >= 0 && m.found;
}
