/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/policy_diff.c - What two policies decide differently
 *
 * DOC: Theory of Operation
 *
 * Rules are not compared with rules: order, defaults and what is extended would
 * make equals look different. Both policies are asked about examples instead, one
 * for each pattern that stands in either of them, wildcards replaced by a name.
 * Examples that get the same two answers from the same two rules are one line.
 */
#include "cli/policy_diff.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base.h"
#include "common/fdio.h"
#include "common/jsonw.h"
#include "policy/pattern.h"

#define JSON_OUT_SIZE	(4u << 20)
#define SHOWN_MAX	3	/* examples of one line of text */

struct example {
	enum policy_section section;
	char *name;			/* for people, and the path itself */
	struct policy_net net;
};

/** struct change - Examples on which the same rules of both disagree about the same operations */
struct change {
	enum policy_section section;
	uint64_t ops;
	struct policy_decision from, to;	/* of the first example */
	const char **example;
	size_t count;
};

struct diff {
	const struct policy_loaded *l[2];
	struct example *example;
	size_t example_count;
	struct change *change;
	size_t change_count;
};

static int grow(void *list, size_t count, size_t size)
{
	void **p = list, *grown;

	if (count & (count - 1))
		return 0;		/* doubled at each power of two */
	grown = realloc(*p, (count ? count * 2 : 1) * size);
	if (!grown)
		return -ENOMEM;
	*p = grown;
	return 0;
}

/* ---- examples ---- */

static int add_example(struct diff *d, const struct example *e)
{
	int r;

	for (size_t i = 0; i < d->example_count; i++)
		if (d->example[i].section == e->section && strcmp(d->example[i].name, e->name) == 0)
			return 0;
	r = grow(&d->example, d->example_count, sizeof(*d->example));
	if (r < 0)
		return r;
	d->example[d->example_count] = *e;
	d->example[d->example_count].name = strdup(e->name);
	return d->example[d->example_count++].name ? 0 : -ENOMEM;
}

struct taker {
	struct diff *d;
	enum policy_section section;
};

/* A name that the pattern matches: "x" for each star, the first that fits for a set */
static int take_plain(void *context, const char *plain)
{
	const struct taker *t = context;
	bool is_path = strchr(plain, '/') != NULL;
	struct pattern_cursor c = pattern_cursor(plain, is_path ? PATTERN_PATH : PATTERN_NAME);
	struct pattern_token token;
	char buf[4096];
	size_t n = 0;

	if (!is_path)			/* a program by its name */
		n = (size_t)snprintf(buf, sizeof(buf), "/usr/bin/");
	while (n + 3 < sizeof(buf)) {
		if (pattern_next(&c, &token) < 0 || token.kind == PATTERN_END)
			break;
		if (token.kind == PATTERN_BYTE)
			buf[n++] = (char)token.byte;
		else if (token.kind == PATTERN_SET)
			buf[n++] = (char)pattern_set_next(token.set, pattern_set_has(token.set, 'x') ? 'x' : '0');
		else
			buf[n++] = 'x';
		if (token.kind == PATTERN_MIDDLE)
			buf[n++] = '/';
	}
	buf[n] = '\0';
	return add_example(t->d, &(struct example){ .section = t->section, .name = buf });
}

static int take_net(struct diff *d, const struct policy_net *net)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	bool is_v4 = memcmp(net->ip, mapped, sizeof(mapped)) == 0;
	struct example e = { .section = POLICY_SECTION_NETWORK, .net = *net };
	char address[INET6_ADDRSTRLEN], buf[INET6_ADDRSTRLEN + 16];

	(void)inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? net->ip + 12 : net->ip, address, sizeof(address));	/* fits */
	(void)snprintf(buf, sizeof(buf), is_v4 ? "%s:%u" : "[%s]:%u", address, net->port_low);	/* fits */
	e.name = buf;
	return add_example(d, &e);
}

static int take_rules(struct diff *d, const struct policy_loaded *l)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->rule_count; i++) {
		const struct policy_listed *rule = &l->rule[i];
		struct taker t = { d, rule->section };
		const char *why;

		for (size_t k = 0; r == 0 && k < rule->pattern_count; k++)
			r = pattern_each(rule->pattern[k], strchr(rule->pattern[k], '/') ? PATTERN_PATH : PATTERN_NAME,
					 take_plain, &t, &why);
		for (size_t k = 0; r == 0 && k < rule->net_count; k++)
			r = take_net(d, &rule->net[k]);
	}
	return r;
}

/* ---- answers ---- */

static void ask(const struct policy_loaded *l, const struct example *e, enum policy_op op, struct policy_decision *ret)
{
	struct policy_request req = { .op = op, .traits = POLICY_T_UNKNOWN };

	req.object.kind = policy_op_object(op);
	if (req.object.kind == POLICY_OBJECT_PATH) {
		req.object.path = policy_str(e->name);
	} else if (req.object.kind == POLICY_OBJECT_EXEC) {
		req.object.exec.path = req.object.exec.asked = policy_str(e->name);
		req.object.exec.argc = 1;		/* arguments unknown: the strict answer */
	} else {
		memcpy(req.object.addr.ip, e->net.ip, sizeof(e->net.ip));
		req.object.addr.port = e->net.port_low;
	}
	policy_eval(&l->policy, &req, ret);
}

static bool same_text(struct policy_str a, struct policy_str b)
{
	return a.len == b.len && memcmp(a.s, b.s, a.len) == 0;
}

static bool same_answer(const struct policy_decision *a, const struct policy_decision *b)
{
	return a->verdict == b->verdict && (a->flags & POLICY_F_HIDE) == (b->flags & POLICY_F_HIDE) &&
	       same_text(a->target, b->target);
}

static bool same_rule(const struct policy_decision *a, const struct policy_decision *b)
{
	return a->rule_id == b->rule_id && same_answer(a, b);
}

static int add_change(struct diff *d, const struct change *c, const char *name)
{
	struct change *at = d->change;
	int r;

	while (at < d->change + d->change_count &&
	       !(at->section == c->section && at->ops == c->ops && same_rule(&at->from, &c->from) &&
		 same_rule(&at->to, &c->to)))
		at++;
	if (at == d->change + d->change_count) {
		r = grow(&d->change, d->change_count, sizeof(*d->change));
		if (r < 0)
			return r;
		at = &d->change[d->change_count++];
		*at = *c;
	}
	r = grow(&at->example, at->count, sizeof(*at->example));
	if (r == 0)
		at->example[at->count++] = name;
	return r;
}

/* Operations on which two rules disagree are told together */
static int compare_example(struct diff *d, const struct example *e)
{
	struct change c[POLICY_OP_COUNT] = { 0 };
	size_t count = 0, i;
	int r = 0;

	for (unsigned int op = 0; op < POLICY_OP_COUNT; op++) {
		struct policy_decision from, to;

		if (policy_op_section((enum policy_op)op) != e->section)
			continue;
		ask(d->l[0], e, (enum policy_op)op, &from);
		ask(d->l[1], e, (enum policy_op)op, &to);
		if (same_answer(&from, &to))
			continue;
		for (i = 0; i < count; i++)
			if (same_rule(&c[i].from, &from) && same_rule(&c[i].to, &to))
				break;
		if (i == count)
			c[count++] = (struct change){ .section = e->section, .from = from, .to = to };
		c[i].ops |= POLICY_OP_BIT(op);
	}
	for (i = 0; r == 0 && i < count; i++)
		r = add_change(d, &c[i], e->name);
	return r;
}

/* ---- settings ---- */

struct setting {
	const char *name;
	uint64_t value[2];
};

#define SETTINGS 6

static size_t find_settings(const struct diff *d, struct setting ret[SETTINGS])
{
	const struct policy_loaded *a = d->l[0], *b = d->l[1];
	const struct setting all[SETTINGS] = {
		{ "tracing", { a->tracing, b->tracing } },
		{ "nested", { a->nested, b->nested } },
		{ "package_manager", { a->package_manager, b->package_manager } },
		{ "limits.processes", { a->limit_processes, b->limit_processes } },
		{ "limits.open_files", { a->limit_open_files, b->limit_open_files } },
		{ "environment rules", { a->env_count, b->env_count } },
	};
	size_t count = 0;

	for (size_t i = 0; i < SETTINGS; i++)
		if (all[i].value[0] != all[i].value[1])
			ret[count++] = all[i];
	return count;
}

/* ---- out ---- */

static const char *const sections[POLICY_SECTION_COUNT] = {
	[POLICY_SECTION_NONE] = "", [POLICY_SECTION_FILES] = "files", [POLICY_SECTION_COMMANDS] = "commands",
	[POLICY_SECTION_NETWORK] = "network", [POLICY_SECTION_SOCKETS] = "sockets",
};

static const char *answer(const struct policy_decision *d, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s%s [%.*s]", policy_verdict_name(d->verdict),	/* cut is fine */
		       d->flags & POLICY_F_HIDE ? ", hidden" : "", (int)d->rule.len, d->rule.s);
	return buf;
}

static void print_text(const struct diff *d, const struct setting *setting, size_t setting_count)
{
	char from[128], to[128];

	(void)printf("- %s\n+ %s\n", d->l[0]->name, d->l[1]->name);
	for (size_t i = 0; i < setting_count; i++)
		(void)printf("\n%s\n  - %llu\n  + %llu\n", setting[i].name, (unsigned long long)setting[i].value[0],
			     (unsigned long long)setting[i].value[1]);
	for (size_t i = 0; i < d->change_count; i++) {
		const struct change *c = &d->change[i];

		(void)printf("\n%s:", sections[c->section]);
		for (unsigned int op = 0; op < POLICY_OP_COUNT; op++)
			if (c->ops & POLICY_OP_BIT(op))
				(void)printf(" %s", policy_op_name((enum policy_op)op));
		(void)printf("\n");
		for (size_t k = 0; k < c->count && k < SHOWN_MAX; k++)
			(void)printf("    %s\n", c->example[k]);
		if (c->count > SHOWN_MAX)
			(void)printf("    and %zu like them\n", c->count - SHOWN_MAX);
		(void)printf("  - %s\n  + %s\n", answer(&c->from, from, sizeof(from)), answer(&c->to, to, sizeof(to)));
	}
}

static void json_decision(struct jsonw *j, const char *key, const struct policy_decision *d)
{
	jsonw_key(j, key);
	jsonw_object_begin(j);
	jsonw_key(j, "decision");
	jsonw_cstr(j, policy_verdict_name(d->verdict));
	jsonw_key(j, "rule");
	jsonw_str(j, d->rule);
	jsonw_key(j, "hide");
	jsonw_bool(j, d->flags & POLICY_F_HIDE);
	jsonw_object_end(j);
}

static void json_change(struct jsonw *j, const struct change *c)
{
	jsonw_object_begin(j);
	jsonw_key(j, "section");
	jsonw_cstr(j, sections[c->section]);
	jsonw_key(j, "ops");
	jsonw_array_begin(j);
	for (unsigned int op = 0; op < POLICY_OP_COUNT; op++)
		if (c->ops & POLICY_OP_BIT(op))
			jsonw_cstr(j, policy_op_name((enum policy_op)op));
	jsonw_array_end(j);
	json_decision(j, "from", &c->from);
	json_decision(j, "to", &c->to);
	jsonw_key(j, "examples");
	jsonw_array_begin(j);
	for (size_t k = 0; k < c->count; k++)
		jsonw_cstr(j, c->example[k]);
	jsonw_array_end(j);
	jsonw_object_end(j);
}

static int print_json(const struct diff *d, const struct setting *setting, size_t setting_count)
{
	char *buf = malloc(JSON_OUT_SIZE);
	struct jsonw j;
	int r;

	if (!buf)
		return -ENOMEM;
	jsonw_init(&j, buf, JSON_OUT_SIZE - 1);
	jsonw_object_begin(&j);
	jsonw_key(&j, "settings");
	jsonw_object_begin(&j);
	for (size_t i = 0; i < setting_count; i++) {
		jsonw_key(&j, setting[i].name);
		jsonw_array_begin(&j);
		jsonw_uint(&j, setting[i].value[0]);
		jsonw_uint(&j, setting[i].value[1]);
		jsonw_array_end(&j);
	}
	jsonw_object_end(&j);
	jsonw_key(&j, "changes");
	jsonw_array_begin(&j);
	for (size_t i = 0; i < d->change_count; i++)
		json_change(&j, &d->change[i]);
	jsonw_array_end(&j);
	jsonw_object_end(&j);
	buf[j.len] = '\n';
	r = j.overflowed ? -E2BIG : fdio_write_full(STDOUT_FILENO, buf, j.len + 1);
	free(buf);
	return r;
}

static void diff_free(struct diff *d)
{
	for (size_t i = 0; i < d->example_count; i++)
		free(d->example[i].name);
	for (size_t i = 0; i < d->change_count; i++)
		free(d->change[i].example);
	free(d->example);
	free(d->change);
}

int policy_diff(const struct policy_loaded *a, const struct policy_loaded *b, bool json)
{
	struct diff d = { .l = { a, b } };
	struct setting setting[SETTINGS];
	size_t setting_count = find_settings(&d, setting);
	int r = take_rules(&d, a);

	if (r == 0)
		r = take_rules(&d, b);
	for (size_t i = 0; r == 0 && i < d.example_count; i++)
		r = compare_example(&d, &d.example[i]);
	if (r == 0 && json)
		r = print_json(&d, setting, setting_count);
	else if (r == 0 && d.change_count + setting_count > 0)
		print_text(&d, setting, setting_count);
	if (r == 0)
		r = d.change_count + setting_count > 0;
	diff_free(&d);
	return r;
}
