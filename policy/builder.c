/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/builder.c - Collect rules: all checks that need no other rule
 */
#include "policy/builder.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base.h"
#include "policy/grow.h"
#include "policy/pattern.h"

#define BUILDER_RULE_MAX (1u << 20)
#define BUILDER_NET_MAX	 8192		/* each is compared with all before it, and at each connection */
#define BUILDER_ERR_MAX	 4095

static void strings_free(struct builder_strings *l)
{
	size_t i;

	for (i = 0; i < l->count; i++)
		free(l->s[i]);
	free(l->s);
}

static void rule_free(struct builder_rule *r)
{
	free(r->id);
	free(r->message);
	free(r->target);
	strings_free(&r->pattern);
	strings_free(&r->args);
	strings_free(&r->by);
	free(r->net);
}

int policy_builder_new(struct policy_builder **ret)
{
	struct policy_builder *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	*ret = b;
	return 0;
}

struct policy_builder *policy_builder_free(struct policy_builder *b)
{
	size_t i;

	if (!b)
		return NULL;
	for (i = 0; i < b->layer_count; i++)
		free(b->layer[i].name);
	for (i = 0; i < b->rule_count; i++)
		rule_free(&b->rule[i]);
	free(b->rule);
	free(b);
	return NULL;
}

int policy_builder_layer(struct policy_builder *b, const char *name, bool is_base)
{
	struct builder_layer *l = &b->layer[b->layer_count];
	char *copy;

	if (b->layer_count >= POLICY_LAYER_MAX)
		return -E2BIG;
	copy = strdup(name);
	if (!copy)
		return -ENOMEM;
	*l = (struct builder_layer){ .name = copy, .is_base = is_base };
	b->layer_count++;
	return 0;
}

void policy_builder_overrides(struct policy_builder *b)
{
	if (b->layer_count > 0)
		b->layer[b->layer_count - 1].overrides = true;
}

int policy_builder_default(struct policy_builder *b, enum policy_section section,
			   enum policy_verdict v)
{
	if (b->layer_count == 0 || section <= POLICY_SECTION_NONE ||
	    section >= POLICY_SECTION_COUNT || v == POLICY_REDIRECT ||
	    (unsigned int)v >= POLICY_VERDICT_COUNT)
		return -EINVAL;	/* a default has no target to redirect to */
	b->layer[b->layer_count - 1].fallback[section] = v;
	return 0;
}

PRINTF_LIKE(3, 4)
static int refuse(struct policy_diag *reterr, const struct policy_rule *rule, const char *format, ...)
{
	va_list ap;

	reterr->line = rule->line;
	reterr->column = rule->column;
	va_start(ap, format);
	(void)vsnprintf(reterr->message, sizeof(reterr->message), format, ap); /* cut is fine */
	va_end(ap);
	return -EINVAL;
}

/* What each section's rules are made of */
struct section_shape {
	bool has_path, has_run, has_net, has_stood;
};

static const struct section_shape section_shape[] = {
	[POLICY_SECTION_FILES] = { .has_path = true, .has_stood = true },
	[POLICY_SECTION_COMMANDS] = { .has_run = true },
	[POLICY_SECTION_NETWORK] = { .has_net = true },
	[POLICY_SECTION_SOCKETS] = { .has_path = true, .has_stood = true },
};
static_assert(ARRAY_SIZE(section_shape) == POLICY_SECTION_COUNT, "one shape each");

#define RULE_STOOD (POLICY_RULE_STOOD_SELF | POLICY_RULE_STOOD_FOLDER)

static int check_shape(const struct policy_rule *r, struct policy_diag *reterr)
{
	const struct section_shape *shape;
	uint64_t ops = 0;
	unsigned int op;

	if (r->section <= POLICY_SECTION_NONE || r->section >= POLICY_SECTION_COUNT)
		return refuse(reterr, r, "A rule belongs to no section.");
	shape = &section_shape[r->section];
	for (op = 0; op < POLICY_OP_COUNT; op++)
		if (policy_op_section((enum policy_op)op) == r->section)
			ops |= POLICY_OP_BIT(op);
	if (!r->id || !*r->id)
		return refuse(reterr, r, "A rule has no id.");
	if (r->ops == 0 || (r->ops & ~ops))
		return refuse(reterr, r, "Rule \"%s\" names no operation of its section.", r->id);
	if (shape->has_path != (r->path_count > 0))
		return refuse(reterr, r, "Rule \"%s\" %s.", r->id,
			      shape->has_path ? "has no path" : "cannot have a path");
	if (shape->has_run != (r->run_count > 0))
		return refuse(reterr, r, "Rule \"%s\" %s.", r->id,
			      shape->has_run ? "names no program to run" : "cannot have \"run\"");
	if (r->args && !shape->has_run)
		return refuse(reterr, r, "Rule \"%s\" cannot have \"args\".", r->id);
	if (shape->has_net != (r->net_count > 0))
		return refuse(reterr, r, "Rule \"%s\" %s.", r->id,
			      shape->has_net ? "names no address" : "cannot have an address");
	if ((r->flags & RULE_STOOD) && !shape->has_stood)
		return refuse(reterr, r, "Rule \"%s\" cannot have \"stood\".", r->id);
	return 0;
}

static int check_verdict(const struct policy_rule *r, struct policy_diag *reterr)
{
	if ((unsigned int)r->verdict >= POLICY_VERDICT_COUNT)
		return refuse(reterr, r, "Rule \"%s\" has no decision.", r->id);
	if (r->flags & ~(POLICY_F_AUDIT | POLICY_F_HIDE | RULE_STOOD | POLICY_RULE_DEFAULT))
		return refuse(reterr, r, "Rule \"%s\" has unknown flags.", r->id);
	if ((r->flags & POLICY_RULE_DEFAULT) &&
	    (r->section != POLICY_SECTION_FILES || r->verdict != POLICY_DENY || r->by_count > 0 ||
	     (r->flags & (RULE_STOOD | POLICY_F_HIDE))))
		return refuse(reterr, r, "Rule \"%s\" leaves its names to the default and can do no more.",
			      r->id);
	if (r->verdict == POLICY_ALLOW && (r->by_count > 0 || (r->flags & RULE_STOOD)))
		return refuse(reterr, r, "Rule \"%s\" allows: \"by\" and \"stood\" may only restrict.",
			      r->id);
	if ((r->flags & POLICY_F_HIDE) && r->verdict != POLICY_DENY)
		return refuse(reterr, r, "Rule \"%s\" hides but does not deny.", r->id);
	if (r->err < 0 || r->err > BUILDER_ERR_MAX || (r->err && r->verdict != POLICY_DENY) ||
	    ((r->flags & POLICY_F_HIDE) && r->err != 0 && r->err != ENOENT))
		return refuse(reterr, r, "Rule \"%s\" has an error number that does not fit.", r->id);
	return 0;
}

/* Words of a command: at least one, none of them the first and empty, all of them ended */
static bool is_words(const char *target, size_t len)
{
	return len > 1 && target[0] && !target[len - 1];
}

static int check_target(const struct policy_rule *r, struct policy_diag *reterr)
{
	size_t len = r->target ? (r->target_len ? r->target_len : strlen(r->target)) : 0;

	if (r->verdict != POLICY_REDIRECT)
		return len == 0 ? 0 :
		       refuse(reterr, r, "Rule \"%s\" has a target but does not redirect.", r->id);
	if (len == 0)
		return refuse(reterr, r, "Rule \"%s\" redirects to nowhere.", r->id);
	if (r->section == POLICY_SECTION_COMMANDS && !is_words(r->target, len))
		return refuse(reterr, r, "Rule \"%s\" redirects to no program.", r->id);
	if (r->section != POLICY_SECTION_COMMANDS && memchr(r->target, '\0', len))
		return refuse(reterr, r, "Rule \"%s\" redirects to more than one place.", r->id);
	if (r->section == POLICY_SECTION_FILES &&
	    (r->target[0] != '/' || (r->ops & ~POLICY_OPS_REDIRECT)))
		return refuse(reterr, r, "Rule \"%s\" redirects what cannot be, or to no path.", r->id);
	return 0;
}

static enum pattern_kind name_or_path(const char *s)
{
	return strchr(s, '/') ? PATTERN_PATH : PATTERN_NAME;
}

static int check_pattern(const struct policy_rule *r, const char *text, enum pattern_kind kind,
			 struct policy_diag *reterr)
{
	const char *why = "";
	int e = pattern_check(text, kind, &why);

	if (e == -EINVAL)
		return refuse(reterr, r, "Rule \"%.60s\", pattern \"%.80s\": %s.", r->id, text, why);
	return e;
}

static int check_patterns(const struct policy_rule *r, struct policy_diag *reterr)
{
	int e = 0;
	size_t i;

	for (i = 0; e == 0 && i < r->path_count; i++)
		e = check_pattern(r, r->path[i], PATTERN_PATH, reterr);
	for (i = 0; e == 0 && i < r->run_count; i++)
		e = check_pattern(r, r->run[i], name_or_path(r->run[i]), reterr);
	for (i = 0; e == 0 && i < r->args_count; i++)
		e = check_pattern(r, r->args[i], PATTERN_ARG, reterr);
	for (i = 0; e == 0 && i < r->by_count; i++)
		e = check_pattern(r, r->by[i], name_or_path(r->by[i]), reterr);
	return e;
}

static int check_net(const struct policy_builder *b, const struct policy_rule *r,
		     struct policy_diag *reterr)
{
	size_t i;

	if (r->net_count > BUILDER_NET_MAX - b->net_count)
		return refuse(reterr, r, "Rule \"%s\" is one too many: a policy has at most %d ranges of "
			      "addresses and ports.", r->id, BUILDER_NET_MAX);
	for (i = 0; i < r->net_count; i++) {
		const struct policy_net *n = &r->net[i];

		if (n->prefix_bits > 128)
			return refuse(reterr, r, "Rule \"%s\" has a network prefix that is too long.",
				      r->id);
		if (n->port_low > n->port_high)
			return refuse(reterr, r, "Rule \"%s\" has a port range that runs backwards.",
				      r->id);
	}
	return 0;
}

static int copy_string(char **ret, const char *s)
{
	*ret = strdup(s ? s : "");
	return *ret ? 0 : -ENOMEM;
}

static int copy_strings(struct builder_strings *ret, const char *const *s, size_t count)
{
	int r = 0;

	if (count == 0)
		return 0;
	ret->s = calloc(count, sizeof(*ret->s));
	if (!ret->s)
		return -ENOMEM;
	for (; r == 0 && ret->count < count; ret->count++)
		r = copy_string(&ret->s[ret->count], s[ret->count]);
	return r;
}

static int copy_target(struct builder_rule *to, const struct policy_rule *from)
{
	size_t len = from->target ? (from->target_len ? from->target_len : strlen(from->target)) : 0;

	to->target = calloc(1, len + 1);
	if (!to->target)
		return -ENOMEM;
	if (len > 0)
		memcpy(to->target, from->target, len);
	to->target_len = len;
	return 0;
}

static int copy_rule(struct builder_rule *to, const struct policy_rule *from)
{
	int r;

	r = copy_string(&to->id, from->id);
	if (r == 0)
		r = copy_string(&to->message, from->message);
	if (r == 0)
		r = copy_target(to, from);
	if (r == 0 && from->path_count)
		r = copy_strings(&to->pattern, from->path, from->path_count);
	if (r == 0 && from->run_count)
		r = copy_strings(&to->pattern, from->run, from->run_count);
	if (r == 0)
		r = copy_strings(&to->args, from->args, from->args_count);
	if (r == 0)
		r = copy_strings(&to->by, from->by, from->by_count);
	if (r < 0 || from->net_count == 0)
		return r;
	to->net = calloc(from->net_count, sizeof(*to->net));
	if (!to->net)
		return -ENOMEM;
	memcpy(to->net, from->net, from->net_count * sizeof(*to->net));
	to->net_count = from->net_count;
	return 0;
}

static int32_t rule_err(const struct policy_rule *r)
{
	if (r->verdict != POLICY_DENY)
		return 0;
	if (r->flags & POLICY_F_HIDE)
		return ENOENT;
	return r->err ? r->err : EACCES;
}

static_assert(POLICY_RULE_STOOD_SELF == BLOB_COND_STOOD_SELF, "taken over as they are");
static_assert(POLICY_RULE_STOOD_FOLDER == BLOB_COND_STOOD_FOLDER, "taken over as they are");

static int check_rule(const struct policy_builder *b, const struct policy_rule *rule,
		      struct policy_diag *reterr)
{
	int r;

	if (b->layer_count == 0)
		return refuse(reterr, rule, "A rule comes before the first layer.");
	if (b->rule_count >= BUILDER_RULE_MAX)
		return refuse(reterr, rule, "The policy has too many rules.");
	r = check_shape(rule, reterr);
	if (r == 0)
		r = check_verdict(rule, reterr);
	if (r == 0)
		r = check_target(rule, reterr);
	if (r == 0)
		r = check_patterns(rule, reterr);
	return r < 0 ? r : check_net(b, rule, reterr);
}

int policy_builder_add(struct policy_builder *b, const struct policy_rule *rule,
		       struct policy_diag *reterr)
{
	struct builder_rule copy = {
		.section = rule->section,
		.ops = rule->ops,
		.verdict = rule->verdict,
		.flags = rule->flags,
		.source = rule->source,
		.line = rule->line,
		.column = rule->column,
	};
	int r;

	r = check_rule(b, rule, reterr);
	if (r < 0)
		return r;
	r = grow(&b->rule, &b->rule_cap, b->rule_count + 1, sizeof(*b->rule));
	if (r == 0)
		r = copy_rule(&copy, rule);
	if (r < 0) {
		rule_free(&copy);
		return r;
	}
	b->net_count += rule->net_count;
	copy.err = rule_err(rule);
	copy.layer_idx = b->layer_count - 1;
	if (rule->by_count)
		copy.flags |= BLOB_COND_BY;
	if (rule->args)
		copy.flags |= BLOB_COND_ARGS;
	b->rule[b->rule_count++] = copy;
	return 0;
}
