/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/rules.c - The rules of one policy file, ready for the builder
 */
#include "policy/rules.h"

#include <errno.h>
#include <string.h>

#include "policy/diag.h"
#include "policy/pattern.h"

#define ID_MAX		64
#define MESSAGE_MAX	400

struct reader {
	const struct rules_context *c;
	struct arena *arena;
	const struct policy_vars *vars;
	struct policy_diag *diag;
	struct rule_list *list;
	const char **id;		/* of the file so far */
	size_t id_count;
};

int rules_append(struct rule_list *list, struct arena *a, const struct policy_rule *rule)
{
	struct policy_rule *grown = arena_grow(a, list->rule, list->count, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	list->rule = grown;
	list->rule[list->count++] = *rule;
	return 0;
}

static const struct json_value *first_of(const struct json_value *v)
{
	return v && v->type == JSON_ARRAY ? v->child : v;
}

static const struct json_value *next_of(const struct json_value *list, const struct json_value *item)
{
	return list->type == JSON_ARRAY ? item->next : NULL;
}

/* ---- what all sections have ---- */

static int read_id(struct reader *r, const struct json_value *v, const char *section, size_t idx,
		   const char **ret)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._:+-";
	const struct json_value *id = json_get(v, "id");
	const char **grown;

	if (!id) {
		*ret = arena_printf(r->arena, "%s-%zu", section, idx + 1);
	} else {
		if (!*id->string || strlen(id->string) > ID_MAX ||
		    id->string[strspn(id->string, allowed)])
			return diag_at(r->diag, id->line, id->column,
				       "an id has 1 to %d letters, digits, and . _ : + -", ID_MAX);
		if (strcmp(id->string, "default") == 0)
			return diag_at(r->diag, id->line, id->column,
				       "\"default\" is what is said where no rule matched; it is no id");
		*ret = arena_strdup(r->arena, id->string);
	}
	grown = *ret ? arena_grow(r->arena, r->id, r->id_count, sizeof(*grown)) : NULL;
	if (!grown)
		return diag_memory(r->diag);
	for (size_t i = 0; i < r->id_count; i++)
		if (strcmp(grown[i], *ret) == 0)
			return diag_at(r->diag, id ? id->line : v->line, id ? id->column : v->column,
				       "another rule of this file has the id %s", diag_quote(*ret).s);
	r->id = grown;
	r->id[r->id_count++] = *ret;
	return 0;
}

static const struct {
	const char *word;
	enum policy_verdict verdict;
	uint32_t flags;
	const char *later;
} decisions[] = {
	{ "allow", POLICY_ALLOW, 0, NULL },
	{ "deny", POLICY_DENY, 0, NULL },
	{ "default", POLICY_DENY, POLICY_RULE_DEFAULT, NULL },
	{ "ask", POLICY_ASK, 0, "\"ask\": questions are not supported yet; until then use \"deny\"" },
	{ "redirect", POLICY_REDIRECT, 0, NULL },
};

static int read_decision(struct reader *r, const struct json_value *v, struct policy_rule *rule)
{
	const struct json_value *d = json_get(v, "decision");

	if (!d)
		return diag_at(r->diag, v->line, v->column, "this rule has no \"decision\"");
	for (size_t i = 0; i < ARRAY_SIZE(decisions); i++) {
		if (strcmp(decisions[i].word, d->string) != 0)
			continue;
		if (decisions[i].later)
			return diag_at(r->diag, d->line, d->column, "%s", decisions[i].later);
		if (r->c->is_restricting && (decisions[i].verdict == POLICY_ALLOW || decisions[i].flags))
			return diag_at(r->diag, d->line, d->column,
				       "this file may only take away: its rules deny or redirect");
		if ((decisions[i].flags & POLICY_RULE_DEFAULT) &&
		    rule->section != POLICY_SECTION_FILES)
			return diag_at(r->diag, d->line, d->column,
				       "\"default\" is a decision of files rules only");
		rule->verdict = decisions[i].verdict;
		rule->flags |= decisions[i].flags;
		return 0;
	}
	return diag_at(r->diag, d->line, d->column,
		       "unknown decision %s; it is allow, deny, redirect or default",
		       diag_quote(d->string).s);
}

/*
 * Nothing that moves a terminal's cursor, starts a sequence or turns the order of the words
 * round: C0, C1, line and paragraph separators, marks and overrides of direction, byte order marks
 */
static bool is_one_line(const char *s)
{
	for (const unsigned char *p = (const unsigned char *)s; *p; p++) {
		if (*p < ' ' || *p == 0x7f || (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f))
			return false;
		if (p[0] == 0xe2 && p[1] == 0x80 &&
		    ((p[2] >= 0x8b && p[2] <= 0x8f) || (p[2] >= 0xa8 && p[2] <= 0xae)))
			return false;
		if (p[0] == 0xe2 && p[1] == 0x81 && p[2] >= 0xa0 && p[2] <= 0xaf)
			return false;
		if (p[0] == 0xef && p[1] == 0xbb && p[2] == 0xbf)
			return false;
	}
	return true;
}

static int read_message(struct reader *r, const struct json_value *v, struct policy_rule *rule)
{
	const struct json_value *m = json_get(v, "message");

	if (!m)
		return 0;
	if (strlen(m->string) > MESSAGE_MAX)
		return diag_at(r->diag, m->line, m->column, "a message has at most %d bytes",
			       MESSAGE_MAX);
	if (!is_one_line(m->string))
		return diag_at(r->diag, m->line, m->column,
			       "a message is one line without control characters");
	rule->message = arena_strdup(r->arena, m->string);
	return rule->message ? 0 : diag_memory(r->diag);
}

typedef int (*expand_fn)(const struct expand *e, const struct json_value *at, const char **ret);

static int expand_argument(const struct expand *e, const struct json_value *at, const char **ret)
{
	const char *why = "";

	if (pattern_check(at->string, PATTERN_ARG, &why) < 0)
		return diag_at(e->diag, at->line, at->column, "%s: %s", diag_quote(at->string).s,
			       why);
	*ret = arena_strdup(e->arena, at->string);
	return *ret ? 0 : diag_memory(e->diag);
}

static int read_patterns(struct reader *r, const struct json_value *list, expand_fn expand,
			 const char *const **ret, size_t *ret_count)
{
	const char **array = NULL;
	size_t count = 0;

	for (const struct json_value *i = first_of(list); i; i = next_of(list, i)) {
		const char **grown = arena_grow(r->arena, array, count, sizeof(*grown));
		int err;

		if (!grown)
			return diag_memory(r->diag);
		array = grown;
		err = expand(&r->c->expand, i, &array[count]);
		if (err < 0)
			return err;
		count++;
	}
	*ret = array;
	*ret_count = count;
	return 0;
}

/* A condition that an allowing rule may not have: it would grant to whoever meets it */
static int only_restricts(struct reader *r, const struct json_value *at, const struct policy_rule *rule)
{
	if (rule->verdict == POLICY_ALLOW || (rule->flags & POLICY_RULE_DEFAULT))
		return diag_at(r->diag, at->key_line, at->key_column,
			       "%s may only restrict: it stands with \"decision\": \"deny\"",
			       diag_quote(at->key).s);
	return 0;
}

static int read_common(struct reader *r, const struct json_value *v, struct policy_rule *rule)
{
	const struct json_value *by = json_get(v, "by"), *audit = json_get(v, "audit");
	int err = read_decision(r, v, rule);

	if (err == 0)
		err = read_message(r, v, rule);
	if (err == 0 && by)
		err = only_restricts(r, by, rule);
	if (err == 0 && by)
		err = read_patterns(r, by, expand_program, &rule->by, &rule->by_count);
	if (audit && audit->boolean)
		rule->flags |= POLICY_F_AUDIT;
	return err;
}

/* ---- operations ---- */

static const struct {
	const char *name;
	uint64_t ops;
} groups[] = {
	{ "modify", POLICY_OPS_MODIFY },
	{ "all", POLICY_OPS_FILES },
};

static uint64_t op_mask(const char *name, enum policy_section section)
{
	if (section == POLICY_SECTION_FILES)
		for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
			if (strcmp(groups[i].name, name) == 0)
				return groups[i].ops;
	for (unsigned int op = 0; op < POLICY_OP_COUNT; op++)
		if (policy_op_section((enum policy_op)op) == section &&
		    strcmp(policy_op_name((enum policy_op)op), name) == 0)
			return POLICY_OP_BIT(op);
	return 0;
}

static int read_ops(struct reader *r, const struct json_value *v, struct policy_rule *rule)
{
	const struct json_value *list = json_get(v, "ops");

	for (const struct json_value *i = first_of(list); i; i = next_of(list, i)) {
		uint64_t mask = op_mask(i->string, rule->section);

		if (!mask)
			return diag_at(r->diag, i->line, i->column, "unknown operation %s",
				       diag_quote(i->string).s);
		rule->ops |= mask;
	}
	return 0;
}

/* ---- sections ---- */

static int read_stood(struct reader *r, const struct json_value *v, struct policy_rule *rule)
{
	const struct json_value *s = json_get(v, "stood");

	if (!s)
		return 0;
	if (strcmp(s->string, "self") == 0)
		rule->flags |= POLICY_RULE_STOOD_SELF;
	else if (strcmp(s->string, "folder") == 0)
		rule->flags |= POLICY_RULE_STOOD_FOLDER;
	else
		return diag_at(r->diag, s->line, s->column, "\"stood\" is \"self\" or \"folder\", not %s",
			       diag_quote(s->string).s);
	return only_restricts(r, s, rule);
}

static int read_path(struct reader *r, const struct json_value *v, struct policy_rule *rule)
{
	const struct json_value *path = json_get(v, "path");

	if (!path)
		return diag_at(r->diag, v->line, v->column, "this rule has no \"path\"");
	return read_patterns(r, path, expand_path, &rule->path, &rule->path_count);
}

static int read_files_rule(struct reader *r, const struct json_value *v, struct policy_rule *rule)
{
	const struct json_value *hide = json_get(v, "hide");
	int err = read_path(r, v, rule);

	if (err == 0 && !json_get(v, "ops"))
		err = diag_at(r->diag, v->line, v->column, "this rule has no \"ops\"");
	if (err == 0)
		err = read_ops(r, v, rule);
	if (err == 0)
		err = read_stood(r, v, rule);
	if (err == 0 && hide && hide->boolean) {
		err = rule->verdict == POLICY_REDIRECT ?
		      diag_at(r->diag, hide->key_line, hide->key_column,
			      "what is redirected is there: \"hide\" stands with \"decision\": \"deny\"") :
		      only_restricts(r, hide, rule);
		rule->flags |= POLICY_F_HIDE;
	}
	if (err == 0)
		err = redirect_read_path(rule, &r->c->expand, v);
	if (err == 0 && aliases_add(rule, r->arena, r->vars) < 0)
		err = diag_memory(r->diag);
	return err;
}

static int read_commands_rule(struct reader *r, const struct json_value *v, struct policy_rule *rule)
{
	const struct json_value *run = json_get(v, "run"), *args = json_get(v, "args");
	int err;

	rule->ops = POLICY_OP_BIT(POLICY_OP_RUN);
	if (!run)
		return diag_at(r->diag, v->line, v->column, "this rule has no \"run\"");
	err = read_patterns(r, run, expand_program, &rule->run, &rule->run_count);
	if (err == 0 && args)
		err = read_patterns(r, args, expand_argument, &rule->args, &rule->args_count);
	return err < 0 ? err : redirect_read_words(rule, &r->c->expand, v, r->c->is_project);
}

static int read_network_rule(struct reader *r, const struct json_value *v, struct policy_rule *rule,
			     bool *ret_dropped)
{
	const struct json_value *d = json_get(v, "decision");
	int err = read_ops(r, v, rule);

	if (err < 0)
		return err;
	if (rule->verdict == POLICY_REDIRECT)
		return diag_at(r->diag, d->line, d->column,
			       "redirects of the network are not supported yet");
	if (!rule->ops)
		rule->ops = POLICY_OP_BIT(POLICY_OP_CONNECT);
	if (rule->verdict == POLICY_ALLOW && !json_get(v, "host") && !json_get(v, "cidr") &&
	    !json_get(v, "url"))
		return diag_at(r->diag, v->line, v->column,
			       "this rule has no \"host\" or \"cidr\"; every address is "
			       "[\"0.0.0.0/0\", \"::/0\"]");
	return addresses_read(rule, ret_dropped, &r->c->expand, v);
}

static int read_sockets_rule(struct reader *r, const struct json_value *v, struct policy_rule *rule)
{
	const struct json_value *d = json_get(v, "decision");
	int err;

	rule->ops = POLICY_OP_BIT(POLICY_OP_SOCKET);
	if (rule->verdict != POLICY_DENY)
		return diag_at(r->diag, d->line, d->column,
			       "sockets cannot be allowed yet; a rule here may only deny");
	err = read_path(r, v, rule);
	if (err == 0 && aliases_add(rule, r->arena, r->vars) < 0)
		err = diag_memory(r->diag);
	return err;
}

static int read_rule(struct reader *r, const struct json_value *v, struct policy_rule *rule,
		     bool *ret_dropped)
{
	switch (rule->section) {
	case POLICY_SECTION_FILES:
		return read_files_rule(r, v, rule);
	case POLICY_SECTION_COMMANDS:
		return read_commands_rule(r, v, rule);
	case POLICY_SECTION_NETWORK:
		return read_network_rule(r, v, rule, ret_dropped);
	case POLICY_SECTION_SOCKETS:
		return read_sockets_rule(r, v, rule);
	case POLICY_SECTION_NONE:
	case POLICY_SECTION_COUNT:
		break;
	}
	return diag_at(r->diag, v->line, v->column, "a rule of no section");
}

static int read_section(struct reader *r, const struct json_value *root, const char *key,
			enum policy_section section)
{
	const struct json_value *rules = json_get(root, key);
	size_t idx = 0;

	for (const struct json_value *v = rules ? rules->child : NULL; v; v = v->next, idx++) {
		struct policy_rule rule = {
			.section = section,
			.source = r->c->source,
			.line = v->line,
			.column = v->column,
		};
		bool is_dropped = false;
		int err = read_id(r, v, key, idx, &rule.id);

		if (err == 0)
			err = read_common(r, v, &rule);
		if (err == 0)
			err = read_rule(r, v, &rule, &is_dropped);
		if (err == 0 && !is_dropped && rules_append(&r->list[section], r->arena, &rule) < 0)
			err = diag_memory(r->diag);
		if (err < 0)
			return err;
	}
	return 0;
}

int rules_read(struct rule_list list[POLICY_SECTION_COUNT], const struct rules_context *c,
	       const struct json_value *root)
{
	static const struct {
		const char *key;
		enum policy_section section;
	} sections[] = {
		{ "files", POLICY_SECTION_FILES },
		{ "commands", POLICY_SECTION_COMMANDS },
		{ "network", POLICY_SECTION_NETWORK },
		{ "sockets", POLICY_SECTION_SOCKETS },
	};
	struct reader r = {
		.c = c,
		.arena = c->expand.arena,
		.vars = c->expand.vars,
		.diag = c->expand.diag,
		.list = list,
	};
	int err = 0;

	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(sections); i++)
		err = read_section(&r, root, sections[i].key, sections[i].section);
	return err;
}
