/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/schema.c - Which keys a policy file may have, and what kind of value each takes
 *
 * docs/policy.schema.json says the same for editors; tests/policy/run.t compares the keys.
 */
#include "policy/schema.h"

#include <errno.h>
#include <string.h>

#include "policy/diag.h"

enum schema_kind {
	KIND_STRING = 0,
	KIND_STRINGS,		/* a string or a list of them, not empty */
	KIND_LIST,		/* the same, or empty */
	KIND_BOOL,
	KIND_NUMBER,
	KIND_PORTS,		/* numbers and strings, or a list of them, not empty */
	KIND_TEXTS,		/* object whose values are strings */
	KIND_OBJECT,		/* with keys of its own */
	KIND_RULES,		/* list of such objects */
	KIND_LATER		/* known, but what it needs is not there yet */
};

struct schema_key {
	const char *name;
	enum schema_kind kind;
	const struct schema_key *keys;	/* KIND_OBJECT, KIND_RULES; ended by a NULL name */
	const char *later;		/* KIND_LATER: what it waits for */
};

#define RULE_KEYS \
	{ "id", KIND_STRING, NULL, NULL }, \
	{ "decision", KIND_STRING, NULL, NULL }, \
	{ "message", KIND_STRING, NULL, NULL }, \
	{ "reason", KIND_STRING, NULL, NULL }, \
	{ "audit", KIND_BOOL, NULL, NULL }, \
	{ "by", KIND_STRINGS, NULL, NULL }

static const struct schema_key files_keys[] = {
	RULE_KEYS,
	{ "path", KIND_STRINGS, NULL, NULL },
	{ "ops", KIND_STRINGS, NULL, NULL },
	{ "to", KIND_STRING, NULL, NULL },
	{ "hide", KIND_BOOL, NULL, NULL },
	{ "stood", KIND_STRING, NULL, NULL },
	{ NULL, KIND_STRING, NULL, NULL },
};

static const struct schema_key commands_keys[] = {
	RULE_KEYS,
	{ "run", KIND_STRINGS, NULL, NULL },
	{ "args", KIND_STRINGS, NULL, NULL },
	{ "to", KIND_STRINGS, NULL, NULL },
	{ "pipe", KIND_LATER, NULL, "rules about pipes come with the shell shim" },
	{ NULL, KIND_STRING, NULL, NULL },
};

static const struct schema_key network_keys[] = {
	RULE_KEYS,
	{ "host", KIND_STRINGS, NULL, NULL },
	{ "cidr", KIND_STRINGS, NULL, NULL },
	{ "url", KIND_STRINGS, NULL, NULL },
	{ "port", KIND_PORTS, NULL, NULL },
	{ "ops", KIND_STRINGS, NULL, NULL },
	{ "to", KIND_LATER, NULL, "redirects of the network are not supported yet" },
	{ "registry", KIND_LATER, NULL, "package registries are not supported yet" },
	{ NULL, KIND_STRING, NULL, NULL },
};

static const struct schema_key sockets_keys[] = {
	RULE_KEYS,
	{ "path", KIND_STRINGS, NULL, NULL },
	{ NULL, KIND_STRING, NULL, NULL },
};

static const struct schema_key environment_keys[] = {
	{ "remove", KIND_LIST, NULL, NULL },
	{ "keep", KIND_LIST, NULL, NULL },
	{ "set", KIND_TEXTS, NULL, NULL },
	{ "each", KIND_BOOL, NULL, NULL },
	{ NULL, KIND_STRING, NULL, NULL },
};

static const struct schema_key limits_keys[] = {
	{ "processes", KIND_NUMBER, NULL, NULL },
	{ "open_files", KIND_NUMBER, NULL, NULL },
	{ "memory", KIND_LATER, NULL, "a limit of memory needs a cgroup and is not supported yet" },
	{ NULL, KIND_STRING, NULL, NULL },
};

static const struct schema_key defaults_keys[] = {
	{ "files", KIND_STRING, NULL, NULL },
	{ "commands", KIND_STRING, NULL, NULL },
	{ "network", KIND_STRING, NULL, NULL },
	{ "sockets", KIND_STRING, NULL, NULL },
	{ NULL, KIND_STRING, NULL, NULL },
};

static const struct schema_key root_keys[] = {
	{ "$schema", KIND_STRING, NULL, NULL },
	{ "version", KIND_NUMBER, NULL, NULL },
	{ "name", KIND_STRING, NULL, NULL },
	{ "reason", KIND_STRING, NULL, NULL },
	{ "extends", KIND_LIST, NULL, NULL },
	{ "files", KIND_RULES, files_keys, NULL },
	{ "commands", KIND_RULES, commands_keys, NULL },
	{ "network", KIND_RULES, network_keys, NULL },
	{ "sockets", KIND_RULES, sockets_keys, NULL },
	{ "environment", KIND_OBJECT, environment_keys, NULL },
	{ "limits", KIND_OBJECT, limits_keys, NULL },
	{ "tracing", KIND_STRING, NULL, NULL },
	{ "nested", KIND_BOOL, NULL, NULL },
	{ "package_manager", KIND_BOOL, NULL, NULL },
	{ "defaults", KIND_OBJECT, defaults_keys, NULL },
	{ "ask", KIND_LATER, NULL, "questions are not supported yet" },
	{ NULL, KIND_STRING, NULL, NULL },
};

static int wrong(const struct json_value *v, const char *want, struct policy_diag *d)
{
	if (v->key)
		return diag_at(d, v->line, v->column, "%s takes %s, not %s", diag_quote(v->key).s,
			       want, json_type_name(v->type));
	return diag_at(d, v->line, v->column, "%s should be here, not %s", want,
		       json_type_name(v->type));
}

static int check_type(const struct json_value *v, enum json_type type, struct policy_diag *d)
{
	return v->type == type ? 0 : wrong(v, json_type_name(type), d);
}

/* One value or a list, each a string or, where ports stand, a number */
static int check_list(const struct json_value *v, enum schema_kind kind, struct policy_diag *d)
{
	bool numbers = kind == KIND_PORTS;
	const char *want = numbers ? "a port, \"first-last\", or a list of them" :
				     "a string or a list of strings";
	bool is_list = v->type == JSON_ARRAY;
	const struct json_value *item = is_list ? v->child : v;

	if (is_list && !item && kind != KIND_LIST)
		return diag_at(d, v->line, v->column, "an empty list in %s matches nothing; leave the key out",
			       diag_quote(v->key).s);
	for (; item; item = is_list ? item->next : NULL)
		if (item->type != JSON_STRING && !(numbers && item->type == JSON_NUMBER))
			return wrong(item, want, d);
	return 0;
}

static int check_texts(const struct json_value *v, struct policy_diag *d)
{
	int r = check_type(v, JSON_OBJECT, d);

	for (const struct json_value *c = v->child; r == 0 && c; c = c->next)
		r = check_type(c, JSON_STRING, d);
	return r;
}

static int check_object(const struct json_value *v, const struct schema_key *keys,
			struct policy_diag *d);

static int check_rules(const struct json_value *v, const struct schema_key *keys,
		       struct policy_diag *d)
{
	int r = check_type(v, JSON_ARRAY, d);

	for (const struct json_value *c = v->child; r == 0 && c; c = c->next)
		r = check_object(c, keys, d);
	return r;
}

static int check_value(const struct json_value *v, const struct schema_key *k, struct policy_diag *d)
{
	switch (k->kind) {
	case KIND_STRING:
		return check_type(v, JSON_STRING, d);
	case KIND_LIST:
	case KIND_STRINGS:
	case KIND_PORTS:
		return check_list(v, k->kind, d);
	case KIND_BOOL:
		return check_type(v, JSON_BOOL, d);
	case KIND_NUMBER:
		return check_type(v, JSON_NUMBER, d);
	case KIND_TEXTS:
		return check_texts(v, d);
	case KIND_OBJECT:
		return check_object(v, k->keys, d);
	case KIND_RULES:
		return check_rules(v, k->keys, d);
	case KIND_LATER:
		break;
	}
	return diag_at(d, v->key_line, v->key_column, "%s: %s", diag_quote(k->name).s, k->later);
}

static int check_object(const struct json_value *v, const struct schema_key *keys,
			struct policy_diag *d)
{
	int r = check_type(v, JSON_OBJECT, d);

	for (const struct json_value *c = v->child; r == 0 && c; c = c->next) {
		const struct schema_key *k = keys;

		while (k->name && strcmp(k->name, c->key) != 0)
			k++;
		if (!k->name)
			return diag_at(d, c->key_line, c->key_column, "unknown key %s",
				       diag_quote(c->key).s);
		r = check_value(c, k, d);
	}
	return r;
}

int schema_check(const struct json_value *root, struct policy_diag *reterr)
{
	const struct json_value *version;
	int r = check_object(root, root_keys, reterr);

	if (r < 0)
		return r;
	version = json_get(root, "version");
	if (!version)
		return diag_at(reterr, root->line, root->column, "\"version\": 1 is missing");
	if (version->number != 1)
		return diag_at(reterr, version->line, version->column,
			       "this agentsh reads policies of version 1 only");
	return 0;
}
