/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/layers.c - The rules of all files, in layers, into the builder
 *
 * DOC: Order
 *
 *	agentsh	what is agentsh's own: its policy and its state
 *	base	own rules, then what it extends, in the order written; the grants of the
 *		command line, and what readable links of the home lead to, stand behind its last deny rule, so they open what no rule
 *		mentions and nothing that a rule refuses (DESIGN 16.4)
 *	system	may only take away; of several redirects of one object its own holds
 *	project	may only take away; a redirect's new object is judged as if asked for
 */
#include "policy/layers.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "policy/diag.h"

/* Sources beside the files, whose index is theirs. Each rule has one of its own: that such rules
 * cover each other (a workspace that is the home, a grant given twice) is nobody's mistake. */
#define SOURCE_BUILTIN	(1u << 16)
#define SOURCE_OWN	(2u << 16)	/* agentsh's own */
#define SOURCE_GRANT	(3u << 16)	/* the command line */
#define SOURCE_LINK	(4u << 16)	/* what links of the home lead to */

static const struct {
	const char *key;
	enum policy_section section;
} sections[] = {
	{ "files", POLICY_SECTION_FILES },
	{ "commands", POLICY_SECTION_COMMANDS },
	{ "network", POLICY_SECTION_NETWORK },
	{ "sockets", POLICY_SECTION_SOCKETS },
};

/* ---- into the builder, and noted for the plan ---- */

static int note_anchors(struct layers_stack *s, const struct policy_rule *r)
{
	for (size_t i = 0; i < r->path_count; i++) {
		struct policy_anchor *a = arena_grow(s->arena, s->anchor, s->anchor_count, sizeof(*a));

		if (!a)
			return diag_memory(s->diag);
		s->anchor = a;
		s->anchor[s->anchor_count++] = (struct policy_anchor){
			.pattern = r->path[i],
			.rule = r->id,
			.ops = r->ops,
			.verdict = r->verdict,
			.flags = r->flags,
			.by = r->by_count > 0,
			.target = r->target,
		};
	}
	return 0;
}

static int note_commands(struct layers_stack *s, const struct policy_rule *r)
{
	if (r->verdict != POLICY_DENY || r->args_count)
		return 0;
	for (size_t i = 0; i < r->run_count; i++) {
		struct policy_command *c = arena_grow(s->arena, s->command, s->command_count, sizeof(*c));

		if (!c)
			return diag_memory(s->diag);
		s->command = c;
		s->command[s->command_count++] = (struct policy_command){ r->run[i], r->id };
	}
	return 0;
}

static const char *source_name(const struct layers_stack *s, uint32_t source)
{
	if (source < s->file_count)
		return s->file[source].name;
	return source >= SOURCE_LINK ? "a link" : source >= SOURCE_GRANT ? "command line" : source >= SOURCE_OWN ? "agentsh" : "built-in";
}

static int note_rule(struct layers_stack *s, const struct policy_rule *r)
{
	struct policy_listed *l = arena_grow(s->arena, s->rule, s->rule_count, sizeof(*l));

	if (!l)
		return diag_memory(s->diag);
	s->rule = l;
	s->rule[s->rule_count++] = (struct policy_listed){
		.section = r->section,
		.verdict = r->verdict,
		.flags = r->flags,
		.ops = r->ops,
		.id = r->id,
		.layer = s->layer,
		.file = source_name(s, r->source),
		.line = r->line,
		.column = r->column,
		.pattern = r->path_count ? r->path : r->run,
		.pattern_count = r->path_count ? r->path_count : r->run_count,
		.net = r->net,
		.net_count = r->net_count,
		.has_args = r->args_count > 0,
		.has_by = r->by_count > 0,
		.target = r->target,
		.target_len = r->target_len,
	};
	return 0;
}

static int begin_layer(struct layers_stack *s, struct policy_builder *b, const char *name, bool is_base)
{
	s->layer = name;
	s->layer_rule_idx = s->rule_count;
	return policy_builder_layer(b, name, is_base);
}

static int add_rule(struct layers_stack *s, struct policy_builder *b, const struct policy_rule *rule)
{
	int r = policy_builder_add(b, rule, s->diag);

	if (r < 0 && rule->source < s->file_count)
		diag_file(s->diag, s->file[rule->source].name);
	if (r == 0)
		r = note_rule(s, rule);
	if (r == 0 && rule->section == POLICY_SECTION_FILES)
		r = note_anchors(s, rule);
	if (r == 0 && rule->section == POLICY_SECTION_COMMANDS)
		r = note_commands(s, rule);
	return r;
}

static int add_rules(struct layers_stack *s, struct policy_builder *b, const struct rule_list *list)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < list->count; i++)
		r = add_rule(s, b, &list->rule[i]);
	return r;
}

/* ---- agentsh's own ---- */

/* A directory and what is in it, as patterns that mean just that */
static int tree_patterns(struct layers_stack *s, const char *path, bool beneath_too,
			 struct policy_rule *rule)
{
	const char **p = arena_alloc(s->arena, 2 * sizeof(*p));
	char *quoted = expand_quote(s->arena, path);

	if (!p || !quoted)
		return diag_memory(s->diag);
	p[0] = quoted;
	p[1] = arena_printf(s->arena, "%s/**", strcmp(quoted, "/") == 0 ? "" : quoted);
	if (!p[1])
		return diag_memory(s->diag);
	rule->path = p;
	rule->path_count = beneath_too ? 2 : 1;
	return aliases_add(rule, s->arena, s->vars) < 0 ? diag_memory(s->diag) : 0;
}

static int reserve(struct layers_stack *s, struct policy_builder *b, const char *id, const char *path,
		   uint64_t ops, uint32_t flags)
{
	struct policy_rule rule = {
		.id = id,
		.section = POLICY_SECTION_FILES,
		.ops = ops,
		.verdict = POLICY_DENY,
		.flags = flags,
		.source = SOURCE_OWN + (uint32_t)s->rule_count,
		.message = "agentsh's own files are out of reach in the cage.",
	};
	int r = tree_patterns(s, path, true, &rule);

	return r < 0 ? r : add_rule(s, b, &rule);
}

static int reserve_xdg(struct layers_stack *s, struct policy_builder *b, const char *variable,
		       const char *fallback, const char *id, uint32_t flags)
{
	const char *xdg = expand_getenv(s->vars, variable);
	char *path = arena_printf(s->arena, "%s/%s/agentsh", s->vars->home, fallback);
	char dir[PATH_MAX];
	int r = path ? reserve(s, b, id, path, POLICY_OPS_FILES, flags) : diag_memory(s->diag);

	/* It need not be there yet: the session makes it. Links are followed in reserve(). */
	if (r < 0 || !xdg || xdg[0] != '/')
		return r;
	if (policy_path_join(dir, sizeof(dir), policy_str("/"), policy_str(xdg)) < 0)
		return diag_at(s->diag, 0, 0, "%s is longer than any path", variable);
	id = arena_printf(s->arena, "%s-xdg", id);
	path = arena_printf(s->arena, "%s/agentsh", strcmp(dir, "/") == 0 ? "" : dir);
	return id && path ? reserve(s, b, id, path, POLICY_OPS_FILES, flags) : diag_memory(s->diag);
}

static int reserve_all(struct layers_stack *s, struct policy_builder *b)
{
	char *project = arena_printf(s->arena, "%s/.agentsh", s->vars->workspace);
	int r = begin_layer(s, b, "agentsh", false);

	if (r == 0)
		r = project ? reserve(s, b, "agentsh-project", project, POLICY_OPS_MODIFY, 0) :
			      diag_memory(s->diag);
	if (r == 0)
		r = reserve(s, b, "agentsh-system", "/etc/agentsh", POLICY_OPS_MODIFY, 0);
	if (r == 0)
		r = reserve_xdg(s, b, "XDG_CONFIG_HOME", ".config", "agentsh-config", 0);
	if (r == 0)
		r = reserve_xdg(s, b, "XDG_STATE_HOME", ".local/state", "agentsh-state", POLICY_F_HIDE);
	for (size_t i = 0; r == 0 && i < s->file_count; i++) {
		char *id = arena_printf(s->arena, "agentsh-policy-%zu", i + 1);

		if (!id)
			return diag_memory(s->diag);
		if (!s->file[i].is_builtin)
			r = reserve(s, b, id, s->file[i].name, POLICY_OPS_MODIFY, 0);
	}
	return r;
}

/* ---- the command line ---- */

static int grant_paths(struct layers_stack *s, struct rule_list *list, const char *const *paths,
		       const char *option, uint64_t ops)
{
	for (size_t i = 0; paths && paths[i]; i++) {
		struct policy_rule rule = {
			.id = option + 2,		/* without its dashes */
			.section = POLICY_SECTION_FILES,
			.ops = ops,
			.verdict = POLICY_ALLOW,
			.source = SOURCE_GRANT + (uint32_t)list->count,
		};
		char real[PATH_MAX];
		int r;

		if (!realpath(paths[i], real)) {
			int err = errno;

			(void)diag_at(s->diag, 0, 0, "%s %s: %s", option, diag_quote(paths[i]).s,
				      strerror(err));
			return -EINVAL;
		}
		rule.id = arena_printf(s->arena, "%s-%zu", option + 2, i + 1);
		r = rule.id ? tree_patterns(s, real, true, &rule) : diag_memory(s->diag);
		if (r == 0 && rules_append(list, s->arena, &rule) < 0)
			r = diag_memory(s->diag);
		if (r < 0)
			return r;
	}
	return 0;
}

static int grant_hosts(struct layers_stack *s, struct rule_list *list)
{
	const char *const *hosts = s->src->allow_host;

	for (size_t i = 0; hosts && hosts[i]; i++) {
		struct policy_rule rule = {
			.id = arena_printf(s->arena, "allow-host-%zu", i + 1),
			.section = POLICY_SECTION_NETWORK,
			.ops = POLICY_OP_BIT(POLICY_OP_CONNECT),
			.verdict = POLICY_ALLOW,
			.source = SOURCE_GRANT + (uint32_t)list->count,
		};
		int r = rule.id ? addresses_grant(&rule, s->arena, hosts[i], s->diag) :
				  diag_memory(s->diag);

		if (r == 0 && rules_append(list, s->arena, &rule) < 0)
			r = diag_memory(s->diag);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_grants(struct layers_stack *s, struct rule_list grants[POLICY_SECTION_COUNT])
{
	struct rule_list *files = &grants[POLICY_SECTION_FILES];
	uint64_t look = POLICY_OP_BIT(POLICY_OP_LIST) | POLICY_OP_BIT(POLICY_OP_STAT) |
			POLICY_OP_BIT(POLICY_OP_READ) | POLICY_OP_BIT(POLICY_OP_EXEC);
	int r = grant_paths(s, files, s->src->allow_write, "--allow-write", POLICY_OPS_FILES);

	if (r == 0)
		r = grant_paths(s, files, s->src->allow_read, "--allow-read", look);
	if (r == 0)
		r = grant_hosts(s, &grants[POLICY_SECTION_NETWORK]);
	return r;
}

/* ---- layers ---- */

static int read_file(struct layers_stack *s, size_t idx, struct rule_list list[POLICY_SECTION_COUNT])
{
	struct rules_context c = {
		.expand = { s->arena, s->vars, s->diag, s->file[idx].is_builtin },
		.is_restricting = strcmp(s->file[idx].layer, "base") != 0,
		.is_project = strcmp(s->file[idx].layer, "project") == 0,
		.source = (uint32_t)idx,
	};
	int r = rules_read(list, &c, json_root(s->file[idx].doc));

	if (r < 0)
		diag_file(s->diag, s->file[idx].name);
	return r;
}

/* Ids that words and log cite where no rule of a file decided */
static bool is_reserved_id(const char *id)
{
	static const char *const doorman[] = {
		"default", "cage", "changed-program", "descriptor", "filter-for-tracer", "memory-file",
		"nameless", "own-listener", "port-taken", "socket-option", "unix-socket", "unjudged",
	};

	for (size_t i = 0; i < ARRAY_SIZE(doorman); i++)
		if (strcmp(id, doorman[i]) == 0)
			return true;
	return strncmp(id, "agentsh-", strlen("agentsh-")) == 0;
}

/*
 * A rule of a system or project file that has the id of somebody else's is called by its
 * layer as well: a repository shall not speak in another's name.
 */
static int name_apart(struct layers_stack *s, struct rule_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		bool is_taken = is_reserved_id(list->rule[i].id);

		for (size_t k = 0; !is_taken && k < s->layer_rule_idx; k++)
			is_taken = strcmp(s->rule[k].id, list->rule[i].id) == 0;
		if (!is_taken)
			continue;
		list->rule[i].id = arena_printf(s->arena, "%s:%s", s->layer, list->rule[i].id);
		if (!list->rule[i].id)
			return diag_memory(s->diag);
	}
	return 0;
}

static int add_default(struct layers_stack *s, struct policy_builder *b, size_t base_count,
		       const char *key, enum policy_section section)
{
	for (size_t i = 0; i < base_count; i++) {
		const struct json_value *v = json_get(json_get(json_root(s->file[i].doc), "defaults"), key);
		bool is_allow = v && strcmp(v->string, "allow") == 0;
		const char *wrong = NULL;

		if (!v)
			continue;
		if (!is_allow && strcmp(v->string, "deny") != 0)
			wrong = "a default is \"allow\" or \"deny\"";
		else if (is_allow && section == POLICY_SECTION_SOCKETS)
			wrong = "sockets cannot be allowed yet; the default is \"deny\"";
		if (wrong) {
			diag_file(s->diag, s->file[i].name);
			return diag_at(s->diag, v->line, v->column, "%s", wrong);
		}
		return policy_builder_default(b, section, is_allow ? POLICY_ALLOW : POLICY_DENY);
	}
	return policy_builder_default(b, section, POLICY_DENY);
}

/* Rules of a built-in policy are tested where they are written, in policy/profiles */
static void part_builtin(const struct layers_stack *s, struct rule_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->rule[i].source < s->file_count && s->file[list->rule[i].source].is_builtin)
			list->rule[i].source = SOURCE_BUILTIN + (uint32_t)i;
}

/* Behind the last rule that restricts; what comes before it and allows says the same as the grant */
static size_t grants_idx(const struct rule_list *list)
{
	size_t idx = 0;

	for (size_t i = 0; i < list->count; i++)
		if (list->rule[i].verdict != POLICY_ALLOW &&
		    !(list->rule[i].flags & POLICY_RULE_DEFAULT))
			idx = i + 1;
	return idx;
}

static int keep_base(struct layers_stack *s, const struct rule_list *list)
{
	s->base = (struct rule_list){ .count = list->count };
	if (list->count == 0)
		return 0;
	s->base.rule = arena_alloc(s->arena, list->count * sizeof(*list->rule));
	if (!s->base.rule)
		return diag_memory(s->diag);
	memcpy(s->base.rule, list->rule, list->count * sizeof(*list->rule));
	return 0;
}

static int build_base(struct layers_stack *s, size_t base_count, struct policy_builder *b)
{
	struct rule_list list[POLICY_SECTION_COUNT] = { 0 }, grants[POLICY_SECTION_COUNT] = { 0 };
	int r = begin_layer(s, b, "base", true);

	for (size_t i = 0; r == 0 && i < base_count; i++)
		r = read_file(s, i, list);
	if (r == 0)
		r = keep_base(s, &list[POLICY_SECTION_FILES]);
	if (r == 0)
		r = read_grants(s, grants);
	for (size_t i = 0; r == 0 && i < s->link.count; i++) {
		s->link.rule[i].source = SOURCE_LINK + (uint32_t)i;
		if (rules_append(&grants[POLICY_SECTION_FILES], s->arena, &s->link.rule[i]) < 0)
			r = diag_memory(s->diag);
	}
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(sections); i++) {
		struct rule_list *l = &list[sections[i].section];
		size_t split = grants_idx(l);
		struct rule_list head = { l->rule, split };
		struct rule_list tail = { l->rule + split, l->count - split };

		part_builtin(s, l);
		r = add_default(s, b, base_count, sections[i].key, sections[i].section);
		if (r == 0)
			r = add_rules(s, b, &head);
		if (r == 0)
			r = add_rules(s, b, &grants[sections[i].section]);
		if (r == 0)
			r = add_rules(s, b, &tail);
	}
	return r;
}

int layers_build(struct layers_stack *s, size_t base_count, struct policy_builder *b)
{
	int r = reserve_all(s, b);

	if (r == 0)
		r = build_base(s, base_count, b);
	for (size_t i = base_count; r == 0 && i < s->file_count; i++) {
		struct rule_list list[POLICY_SECTION_COUNT] = { 0 };

		r = read_file(s, i, list);
		if (r == 0)
			r = begin_layer(s, b, s->file[i].layer, false);
		if (r == 0 && strcmp(s->file[i].layer, "system") == 0)
			policy_builder_overrides(b);
		for (size_t k = 0; r == 0 && k < ARRAY_SIZE(sections); k++) {
			r = name_apart(s, &list[sections[k].section]);
			if (r == 0)
				r = add_rules(s, b, &list[sections[k].section]);
		}
	}
	return r;
}
