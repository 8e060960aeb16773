/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/cases.c - "agentsh policy test": lines of questions with the answers they must get
 *
 * A line is   OP[@WHEN] PROGRAM OBJECT [ARGUMENT ...] -> VERDICT RULE
 *
 *	WHEN	stood (default: nothing is known), born, folder
 *	PROGRAM	who asks: a path, or - for unknown
 *	OBJECT	a path (~ and ${NAME} are replaced), or ADDRESS:PORT
 *
 * Before the first of them   policy NAME|FILE, workspace DIR, home DIR, env NAME=VALUE
 */
#include "cli/cases.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/context.h"
#include "common/fdio.h"

#define WORDS_MAX	32
#define ENV_MAX		32
#define FILE_MAX	(1u << 20)

struct cases {
	const char *path;
	unsigned int line, asked, failed;
	const char *policy, *workspace, *home;
	char *env[ENV_MAX + 1];
	size_t env_count;
	char *command[WORDS_MAX + 1];
	struct policy_loaded *loaded;
};

static int complain(const struct cases *c, const char *sentence)
{
	(void)fprintf(stderr, "agentsh: %s:%u: %s\n", c->path, c->line, sentence);
	return -EINVAL;
}

static int load(struct cases *c, const char *override)
{
	struct policy_vars vars = { c->workspace, c->home, "/session", c->env, c->command };
	struct policy_sources src = { .base = override ? override : c->policy };
	char relative[PATH_MAX];
	const char *slash = strrchr(c->path, '/');
	struct policy_diag d;

	/* a file beside the cases */
	if (!override && c->policy && c->policy[0] != '/' && strstr(c->policy, ".json") && slash) {
		(void)snprintf(relative, sizeof(relative), "%.*s/%s", (int)(slash - c->path), c->path,
			       c->policy);	/* cut: not found, and said so */
		src.base = relative;
	}
	if (policy_load(&c->loaded, &src, &vars, &d) < 0) {
		context_say_diag(&d);
		return -EINVAL;
	}
	return 0;
}

static int read_setting(struct cases *c, char **word, size_t count, bool *ret_was)
{
	const struct {
		const char *name;
		const char **to;
	} settings[] = {
		{ "policy", &c->policy }, { "workspace", &c->workspace }, { "home", &c->home },
	};

	*ret_was = strcmp(word[0], "command") == 0 && count > 1;
	if (*ret_was) {
		memcpy(c->command, word + 1, (count - 1) * sizeof(*word));
		return c->loaded ? complain(c, "settings stand before the first question") : 0;
	}
	if (count != 2)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(settings); i++) {
		if (strcmp(word[0], settings[i].name) != 0)
			continue;
		*settings[i].to = word[1];
		*ret_was = true;
	}
	if (strcmp(word[0], "env") == 0) {
		if (c->env_count == ENV_MAX)
			return complain(c, "too many env lines");
		c->env[c->env_count++] = word[1];
		*ret_was = true;
	}
	if (*ret_was && c->loaded)
		return complain(c, "settings stand before the first question");
	return 0;
}

/* "op@when" */
static int read_op(const struct cases *c, char *word, struct policy_request *req)
{
	static const struct {
		const char *name;
		uint32_t traits;
	} times[] = {
		{ "stood", POLICY_T_STOOD_SELF | POLICY_T_STOOD_FOLDER },
		{ "folder", POLICY_T_STOOD_FOLDER },
		{ "born", 0 },
	};
	char *at = strchr(word, '@');
	bool is_known = !at;

	req->traits = POLICY_T_UNKNOWN;
	if (at)
		*at++ = '\0';
	for (size_t i = 0; at && i < ARRAY_SIZE(times); i++) {
		if (strcmp(at, times[i].name) == 0) {
			req->traits = times[i].traits;
			is_known = true;
		}
	}
	if (!is_known)
		return complain(c, "after @ stands stood, folder or born");
	for (unsigned int op = 0; op < POLICY_OP_COUNT; op++) {
		if (strcmp(policy_op_name((enum policy_op)op), word) == 0) {
			req->op = (enum policy_op)op;
			req->object.kind = policy_op_object(req->op);
			return 0;
		}
	}
	return complain(c, "unknown operation");
}

/* ~ and ${NAME} at the start of a path */
static int read_path(const struct cases *c, const char *word, char buf[PATH_MAX])
{
	const char *root = "", *rest = word;
	int n;

	if (word[0] == '~') {
		root = c->home;
		rest = word + 1;
	} else if (strncmp(word, "${WORKSPACE}", 12) == 0) {
		root = c->workspace;
		rest = word + 12;
	} else if (strncmp(word, "${HOME}", 7) == 0) {
		root = c->home;
		rest = word + 7;
	}
	n = snprintf(buf, PATH_MAX, "%s%s", root, rest);
	if (n < 0 || n >= PATH_MAX || buf[0] != '/')
		return complain(c, "the object is no absolute path");
	return 0;
}

static int read_address(const struct cases *c, char *word, struct policy_object *o)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char *colon = strrchr(word, ':'), *host = word;
	char *end;
	unsigned long port;

	if (!colon)
		return complain(c, "an address is written ADDRESS:PORT");
	*colon = '\0';
	if (host[0] == '[' && colon[-1] == ']') {
		host++;
		colon[-1] = '\0';
	}
	port = strtoul(colon + 1, &end, 10);
	if (*end || port > UINT16_MAX)
		return complain(c, "the port is no number up to 65535");
	o->addr.port = (uint16_t)port;
	memcpy(o->addr.ip, mapped, sizeof(mapped));
	if (inet_pton(AF_INET, host, o->addr.ip + 12) == 1 || inet_pton(AF_INET6, host, o->addr.ip) == 1)
		return 0;
	return complain(c, "this is not an address");
}

static int read_object(const struct cases *c, char **word, size_t count, char buf[PATH_MAX],
		       struct policy_object *o)
{
	int r;

	if (o->kind == POLICY_OBJECT_ADDR)
		return count == 1 ? read_address(c, word[0], o) : complain(c, "one address, please");
	r = read_path(c, word[0], buf);
	if (r < 0)
		return r;
	if (o->kind == POLICY_OBJECT_PATH) {
		o->path = policy_str(buf);
		return count == 1 ? 0 : complain(c, "one path, please");
	}
	o->exec.path = o->exec.asked = policy_str(buf);
	o->exec.argv = (const char *const *)word;
	o->exec.argc = (uint32_t)count;
	return 0;
}

static bool is_text(struct policy_str s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.s, text, s.len) == 0;
}

static int ask(struct cases *c, char **word, size_t arrow, size_t count)
{
	struct policy_request req = { .traits = 0 };
	struct policy_decision d;
	char buf[PATH_MAX];
	int r;

	if (arrow < 3 || count != arrow + 3)
		return complain(c, "a question is: OP PROGRAM OBJECT -> VERDICT RULE");
	r = read_op(c, word[0], &req);
	if (r == 0)
		r = read_object(c, word + 2, arrow - 2, buf, &req.object);
	if (r < 0)
		return r;
	if (strcmp(word[1], "-") != 0)
		req.subject.exe = policy_str(word[1]);
	policy_eval(&c->loaded->policy, &req, &d);
	c->asked++;
	if (strcmp(policy_verdict_name(d.verdict), word[arrow + 1]) == 0 &&
	    is_text(d.rule, word[arrow + 2]))
		return 0;
	c->failed++;
	(void)printf("%s:%u: %s %s is %s %.*s, not %s %s\n", c->path, c->line, word[0], word[2],
		     policy_verdict_name(d.verdict), (int)d.rule.len, d.rule.s, word[arrow + 1],
		     word[arrow + 2]);
	return 0;
}

static int read_line(struct cases *c, char *line, const char *override)
{
	char *word[WORDS_MAX], *save = NULL;
	size_t count = 0, arrow = 0;
	bool was_setting;
	int r;

	for (char *w = strtok_r(line, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
		if (w[0] == '#')
			break;
		if (count == WORDS_MAX)
			return complain(c, "too many words");
		if (strcmp(w, "->") == 0)
			arrow = count;
		word[count++] = w;
	}
	if (count == 0)
		return 0;
	r = read_setting(c, word, count, &was_setting);
	if (r < 0 || was_setting)
		return r;
	if (!c->loaded)
		r = load(c, override);
	return r < 0 ? r : ask(c, word, arrow, count);
}

int cases_run(const char *path, const char *policy, unsigned int *ret_failed)
{
	struct cases c = { .path = path, .workspace = "/srv/project", .home = "/home/user" };
	char *text = NULL, *next;
	size_t len;
	int r = fdio_read_file(AT_FDCWD, path, FILE_MAX, &text, &len);

	if (r < 0) {
		(void)fprintf(stderr, "agentsh: %s: %s\n", path, strerror(-r));
		return -EINVAL;
	}
	for (char *line = text; r == 0 && line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		c.line++;
		r = read_line(&c, line, policy);
	}
	policy_loaded_free(c.loaded);
	free(text);
	if (r < 0)
		return r;
	*ret_failed = c.failed;
	return (int)c.asked;
}
