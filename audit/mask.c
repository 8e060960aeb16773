/* SPDX-License-Identifier: Apache-2.0
 *
 * audit/mask.c - Secrets in command lines do not reach the log
 *
 * One pass over the argument, word by word. A word is what stands between
 * white space, quotes and the marks of a shell, an URL or a header; what comes
 * after a word decides whether it was a name whose value is to be hidden.
 */
#include "audit/mask.h"

#include <ctype.h>
#include <string.h>

#include "common/base.h"

static const char stars[] = "***";

/* A name with one of these at its end, after '-', '_', '.' or nothing, has a secret for its value */
static const char *const secret_names[] = {
	"token", "secret", "password", "passwd", "passphrase", "pass", "pwd", "apikey", "api-key", "api_key",
	"secretkey", "secret-key", "secret_key", "accesskey", "access-key", "access_key", "private-key",
	"private_key", "auth", "authtoken", "credential", "credentials", "authorization", "cookie", "signature",
	"client-secret", "client_secret", "bearer", "pat", "encryption_key", "signing_key", "key_base", "auth_key",
};

/* A word that starts so, and is long enough, is a secret wherever it stands */
static const struct {
	const char *text;
	size_t least_len;
} secret_starts[] = {
	{ "ghp_", 20 }, { "gho_", 20 }, { "ghu_", 20 }, { "ghs_", 20 }, { "ghr_", 20 }, { "github_pat_", 20 },
	{ "glpat-", 16 }, { "sk-", 20 }, { "sk_live_", 16 }, { "rk_live_", 16 }, { "xoxb-", 16 }, { "xoxp-", 16 },
	{ "xoxa-", 16 }, { "xapp-", 16 }, { "AKIA", 20 }, { "ASIA", 20 }, { "AIza", 30 }, { "npm_", 30 },
	{ "pypi-", 30 }, { "eyJ", 40 }, { "hf_", 20 }, { "dop_v1_", 30 }, { "ya29.", 20 }, { "SG.", 40 },
};

struct scan {
	const char *p, *end;
	char *out;
};

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '.' || (unsigned char)c >= 0x80;
}

/* Values may hold more than names: base64, URL escapes */
static bool is_value(char c)
{
	return !isspace((unsigned char)c) && !strchr("\"'`;&|<>(){},", c);
}

static bool ends_with_name(const char *word, size_t len, const char *name)
{
	size_t n = strlen(name);

	if (n > len || strncasecmp(word + len - n, name, n) != 0)
		return false;
	return n == len || strchr("-_.", word[len - n - 1]) != NULL;
}

/* DB_PASSWORD, --api-key, X-Auth-Token, githubToken */
static bool is_secret_name(const char *word, size_t len)
{
	if (len == 3 && memcmp(word, "PWD", 3) == 0)	/* the directory */
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(secret_names); i++)
		if (ends_with_name(word, len, secret_names[i]))
			return true;
	for (size_t i = 0; i < 4; i++) {	/* the first four also in camel case */
		size_t n = strlen(secret_names[i]);

		if (len > n && isupper((unsigned char)word[len - n]) && islower((unsigned char)word[len - n - 1]) &&
		    strncasecmp(word + len - n, secret_names[i], n) == 0)
			return true;
	}
	return false;
}

static bool is_secret_word(const char *word, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(secret_starts); i++) {
		size_t n = strlen(secret_starts[i].text);

		if (len >= secret_starts[i].least_len && memcmp(word, secret_starts[i].text, n) == 0)
			return true;
	}
	return false;
}

static void put(struct scan *s, const char *text, size_t len)
{
	memcpy(s->out, text, len);
	s->out += len;
}

static void put_until(struct scan *s, const char *to)
{
	put(s, s->p, (size_t)(to - s->p));
	s->p = to;
}

static void skip_value(struct scan *s)
{
	while (s->p < s->end && is_value(*s->p))
		s->p++;
}

/* The value at s->p becomes stars; a quoted one up to its quote */
static void hide_value(struct scan *s)
{
	if (s->p == s->end)
		return;
	if (*s->p == '"' || *s->p == '\'') {
		const char *close = memchr(s->p + 1, *s->p, (size_t)(s->end - s->p - 1));

		put_until(s, s->p + 1);
		s->p = close ? close : s->end;
	} else {
		skip_value(s);
	}
	put(s, stars, sizeof(stars) - 1);
}

/* "Authorization: Basic eHl6", "Cookie: a=b; c=d": to the end of the line or quote */
static void hide_header(struct scan *s)
{
	while (s->p < s->end && *s->p == ' ')
		put_until(s, s->p + 1);
	while (s->p < s->end && !strchr("\"'\r\n", *s->p))
		s->p++;
	put(s, stars, sizeof(stars) - 1);
}

/* After "://": hide the password before an '@', or a long name without one */
static void hide_userinfo(struct scan *s)
{
	const char *at = NULL, *colon;

	for (const char *p = s->p; p < s->end && !isspace((unsigned char)*p) && !strchr("/?#\"'`", *p); p++)
		if (*p == '@')
			at = p;
	if (!at)
		return;
	colon = memchr(s->p, ':', (size_t)(at - s->p));
	if (!colon && at - s->p < 16)
		return;
	if (colon)
		put_until(s, colon + 1);
	put(s, stars, sizeof(stars) - 1);
	s->p = at;
}

static const char *blanks(const struct scan *s)
{
	const char *p = s->p;

	while (p < s->end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

/* s->p stands behind the word. Is it a name, and is a value to be hidden after it? */
static void after_word(struct scan *s, const char *word, size_t len, bool *ret_next)
{
	const char *next = blanks(s);
	bool is_option = len > 1 && word[0] == '-';

	if (s->p < s->end && *s->p == '=') {
		put_until(s, s->p + 1);
		hide_value(s);
	} else if (s->p < s->end && *s->p == ':' && !(s->end - s->p > 2 && s->p[1] == '/' && s->p[2] == '/')) {
		put_until(s, s->p + 1);
		hide_header(s);
	} else if (s->p + 1 < s->end && strchr("\"'", *s->p) && s->p[1] == ':') {	/* JSON */
		put_until(s, s->p + 2);
		put_until(s, blanks(s));
		hide_value(s);
	} else if (s->p == s->end) {
		*ret_next = is_option;
	} else if (next > s->p && (is_option || strncasecmp(word, "bearer", len) == 0)) {
		put_until(s, next);
		if (s->p < s->end && *s->p != '-')
			hide_value(s);
	}
}

/* curl -u name:password, --user name:password: the part after the colon */
static bool is_user_option(const char *word, size_t len)
{
	return (len == 2 && memcmp(word, "-u", 2) == 0) || (len == 6 && memcmp(word, "--user", 6) == 0);
}

static void hide_user(struct scan *s)
{
	const char *p = s->p, *digits;

	if (p < s->end && *p == '=')
		p++;
	while (p < s->end && strchr(" \t\"'", *p))
		p++;
	while (p < s->end && is_word(*p))
		p++;
	if (p == s->end || *p != ':')
		return;
	for (digits = p + 1; digits < s->end && isdigit((unsigned char)*digits); digits++)
		;
	if (digits == s->end || !is_value(*digits))	/* 1000:1000 are ids */
		return;
	put_until(s, p + 1);
	skip_value(s);
	put(s, stars, sizeof(stars) - 1);
}

static void scan_word(struct scan *s, struct mask *m)
{
	const char *word = s->p;
	size_t len;

	while (s->p < s->end && is_word(*s->p))
		s->p++;
	len = (size_t)(s->p - word);
	if (is_secret_word(word, len)) {
		put(s, stars, sizeof(stars) - 1);
		return;
	}
	put(s, word, len);
	if (is_secret_name(word, len))
		after_word(s, word, len, &m->next_is_secret);
	else if (is_user_option(word, len)) {
		m->next_is_user = s->p == s->end;
		hide_user(s);
	}
}

/* Programs whose -pX is a password, always */
static bool takes_password_p(const char *program)
{
	static const char *const names[] = { "sshpass", "mysql", "mysqldump", "mysqladmin", "mariadb", "mariadb-dump" };
	const char *slash = strrchr(program, '/');

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(slash ? slash + 1 : program, names[i]) == 0)
			return true;
	return false;
}

/* Arguments that are secrets by their place alone */
static bool by_place(struct mask *m, const char *arg, struct policy_str *ret)
{
	bool hide = m->next_is_secret && arg[0] != '-';

	m->next_is_secret = false;
	if (m->arg_count++ == 0)
		m->p_is_password = takes_password_p(arg);
	*ret = policy_str(stars);
	if (m->p_is_password && arg[0] == '-' && arg[1] == 'p' && arg[2]) {
		*ret = policy_str("-p***");
		return true;
	}
	if (m->p_is_password && strcmp(arg, "-p") == 0)
		m->next_is_secret = true;	/* sshpass; to mysql the next is a database, whose name is hidden for nothing */
	return hide;
}

struct policy_str mask_arg(struct mask *m, const char *arg, char *buf)
{
	struct scan s = { .p = arg, .end = arg + strnlen(arg, MASK_ARG_MAX), .out = buf };
	struct policy_str ret;
	bool is_user = m->next_is_user;

	m->next_is_user = false;
	if (by_place(m, arg, &ret))
		return ret;
	if (is_user)
		hide_user(&s);
	while (s.p < s.end) {
		if (is_word(*s.p)) {
			scan_word(&s, m);
		} else if (s.end - s.p > 3 && memcmp(s.p, "://", 3) == 0) {
			put_until(&s, s.p + 3);
			hide_userinfo(&s);
		} else {
			put_until(&s, s.p + 1);
		}
	}
	return (struct policy_str){ buf, (uint32_t)(s.out - buf) };
}
