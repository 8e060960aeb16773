/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/words_text.c - Bytes from inside made fit for a person's terminal
 */
#include "cli/words_text.h"

#include <stdio.h>
#include <string.h>

#include "common/base.h"
#include "common/utf8.h"

#define GAP "…"
#define LONGEST 12	/* bytes that one character can become */

/* One character into @out, which holds LONGEST. Length */
static size_t put_char(char *out, const char *s, size_t len, uint32_t c)
{
	static const char from[] = "\n\t\r\\", to[] = "ntr\\";
	const char *at = c > 0 && c < 0x80 ? strchr(from, (int)c) : NULL;

	if (at) {
		out[0] = '\\';
		out[1] = to[at - from];
		return 2;
	}
	if (utf8_is_plain(s[0], len, c)) {
		memcpy(out, s, len);
		return len;
	}
	return (size_t)snprintf(out, LONGEST, len == 1 ? "\\x%02x" : "\\u{%x}", c);
}

/* From the front: as many whole characters as fit into @room. Bytes of @s taken */
static size_t put_front(char *buf, size_t room, struct policy_str s, size_t *ret_len)
{
	size_t i = 0, n = 0;

	while (i < s.len) {
		char one[LONGEST];
		uint32_t c;
		size_t len = utf8_next(s.s + i, s.len - i, &c);
		size_t out = put_char(one, s.s + i, len, c);

		if (out > room - n)
			break;
		memcpy(buf + n, one, out);
		n += out;
		i += len;
	}
	*ret_len = n;
	return i;
}

/* Where the longest tail begins that fits into @room when escaped, at worst four bytes a byte */
static size_t tail_start(struct policy_str s, size_t from, size_t room)
{
	size_t start = s.len, used = 0;

	while (start > from) {
		unsigned char b = (unsigned char)s.s[start - 1];
		size_t price = b >= 0x20 && b < 0x7f && b != '\\' ? 1 : 4;

		if (used + price > room)
			break;
		used += price;
		start--;
	}
	while (start < s.len && ((unsigned char)s.s[start] & 0xc0) == 0x80)	/* not inside a character */
		start++;
	return start;
}

char *text_escape(char *buf, size_t size, struct policy_str s)
{
	size_t room = (size < TEXT_MAX ? size : TEXT_MAX) - 1, len, taken;

	taken = put_front(buf, room, s, &len);
	if (taken < s.len && room > 2 * LONGEST) {
		size_t half = (room - (sizeof(GAP) - 1)) / 2, start, tail;

		taken = put_front(buf, half, s, &len);
		memcpy(buf + len, GAP, sizeof(GAP) - 1);
		len += sizeof(GAP) - 1;
		start = tail_start(s, taken, half);
		(void)put_front(buf + len, room - len,
				(struct policy_str){ s.s + start, s.len - (uint32_t)start }, &tail);
		len += tail;
	}
	buf[len] = '\0';
	return buf;
}

char *text_path(char *buf, size_t size, struct policy_str path, const char *home)
{
	size_t n = home ? strlen(home) : 0;

	if (n < 2 || size < 2 || path.len < n || memcmp(path.s, home, n) != 0 || (path.len > n && path.s[n] != '/'))
		return text_escape(buf, size, path);
	buf[0] = '~';
	(void)text_escape(buf + 1, size - 1, (struct policy_str){ path.s + n, path.len - (uint32_t)n });
	return buf;
}

/* A grant opens a directory: that of a file, but never the home, what it stands in, or /etc */
static struct policy_str grant_dir(struct policy_str path, enum policy_op op, const char *home)
{
	const char *slash = path.len ? memrchr(path.s, '/', path.len) : NULL;
	struct policy_str dir = path;

	if (op == POLICY_OP_LIST || op == POLICY_OP_RMDIR || !slash)
		return path;
	dir.len = (uint32_t)(slash - path.s);
	if (!memchr(dir.s + 1, '/', dir.len > 0 ? dir.len - 1 : 0) ||
	    (home && strlen(home) >= dir.len && memcmp(home, dir.s, dir.len) == 0))
		return path;
	return dir;
}

static void hint_default(char *buf, size_t size, const struct policy_loaded *l, enum policy_op op,
			 struct policy_str object)
{
	const uint64_t look = POLICY_OP_BIT(POLICY_OP_LIST) | POLICY_OP_BIT(POLICY_OP_STAT) |
		POLICY_OP_BIT(POLICY_OP_READ) | POLICY_OP_BIT(POLICY_OP_EXEC);
	enum policy_section section = policy_op_section(op);
	char text[400];

	if (section == POLICY_SECTION_FILES) {
		text_path(text, sizeof(text), grant_dir(object, op, l->home), l->home);
		(void)snprintf(buf, size, "--allow-%s %s would allow it",	/* may be cut: it is a hint */
			       POLICY_OP_BIT(op) & look ? "read" : "write", text);
	} else if (op == POLICY_OP_CONNECT) {
		(void)snprintf(buf, size, "--allow-host %s would allow it", text_escape(text, sizeof(text), object));
	} else if (section == POLICY_SECTION_NETWORK) {
		(void)snprintf(buf, size, "a rule in \"network\" with \"ops\": [\"%s\"] would allow it",
			       policy_op_name(op));
	} else if (section == POLICY_SECTION_SOCKETS) {
		(void)snprintf(buf, size, "only sockets that were made in this session can be reached");
	} else {
		(void)snprintf(buf, size, "a rule in \"commands\" of the policy would allow it");
	}
}

static bool is(struct policy_str s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.s, text, s.len) == 0;
}

bool text_is_default(struct policy_str rule)
{
	return rule.len == 0 || is(rule, "default");
}

char *text_hint(char *buf, size_t size, const struct policy_loaded *l, enum policy_op op,
		struct policy_str object, uint32_t rule_id)
{
	struct policy_str id, layer, message;
	char rule[80], name[80];

	if (rule_id == POLICY_RULE_NONE) {
		hint_default(buf, size, l, op, object);
		return buf;
	}
	if (!policy_rule_get(&l->policy, rule_id, &id, &layer, &message))
		id = layer = policy_str("?");
	text_escape(rule, sizeof(rule), id);
	text_escape(name, sizeof(name), policy_str(l->name ? l->name : "?"));
	if (is(layer, "system"))
		(void)snprintf(buf, size, "rule %s of this machine's policy refuses it (/etc/agentsh/policy.json): "
			       "only who keeps that can allow it", rule);
	else if (is(layer, "project"))
		(void)snprintf(buf, size, "rule %s of the project's policy refuses it (.agentsh/policy.json)", rule);
	else if (is(layer, "agentsh"))
		(void)snprintf(buf, size, "rule %s is agentsh's own and cannot be lifted", rule);
	else
		(void)snprintf(buf, size, "rule %s of policy %s refuses it: a --policy without that rule would allow it",
			       rule, name);
	return buf;
}
