/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/policy.c - "agentsh policy": check, show, plan, test, diff, schema
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cage/cage.h"
#include "cli/cases.h"
#include "cli/cli.h"
#include "cli/context.h"
#include "cli/policy_diff.h"
#include "common/base.h"
#include "common/fdio.h"
#include "common/jsonw.h"
#include "policy/plan.h"
#include "policy/profiles.h"

#define JSON_OUT_SIZE	(4u << 20)
#define POLICY_FILE_MAX	(1u << 20)

/** struct arguments - Of one "agentsh policy ..." */
struct arguments {
	struct context_options opt;
	bool json;
	const char *operand;		/* FILE, NAME or CASES; NULL if not given */
	const char *second;		/* of diff */
};

static int usage(FILE *out)
{
	(void)fprintf(out,
		      "usage: agentsh policy check [FILE]      is it right? without FILE: all that holds here\n"
		      "       agentsh policy show [NAME|FILE]  the text of one policy; without: the rules that hold here\n"
		      "       agentsh policy plan              the view, and what enforces each rule\n"
		      "       agentsh policy test CASES        questions with the answers they must get\n"
		      "       agentsh policy diff A [B]        what two policies decide differently; without B: what holds here\n"
		      "       agentsh policy schema            the JSON schema, for editors\n"
		      "options: --policy NAME|FILE, --workspace DIR, --json\n");
	return out == stdout ? 0 : CAGE_EXIT_NO_CAGE;
}

static int complain(const char *sentence, const char *what)
{
	(void)fprintf(stderr, "agentsh: policy: %s%s%s\n", sentence, what ? " " : "", what ? what : "");
	return -EINVAL;
}

static int parse(struct arguments *a, int argc, char **argv)
{
	const struct {
		const char *name;
		const char **to;
	} texts[] = { { "--policy", &a->opt.policy }, { "--workspace", &a->opt.workspace } };

	for (int i = 1; i < argc; i++) {
		const char **to = NULL;

		for (size_t k = 0; k < ARRAY_SIZE(texts); k++)
			if (strcmp(argv[i], texts[k].name) == 0)
				to = texts[k].to;
		if (to) {
			if (++i == argc)
				return complain("a value is missing after", argv[i - 1]);
			*to = argv[i];
		} else if (strcmp(argv[i], "--json") == 0) {
			a->json = true;
		} else if (argv[i][0] == '-' && argv[i][1]) {
			return complain("unknown option", argv[i]);
		} else if (a->operand && !a->second && strcmp(argv[0], "diff") == 0) {
			a->second = argv[i];
		} else if (a->operand) {
			return complain("one thing at a time, not also", argv[i]);
		} else {
			a->operand = argv[i];
		}
	}
	return 0;
}

static int find_context(struct context *c, const struct context_options *opt)
{
	char why[256];

	if (context_find(c, opt, why, sizeof(why)) == 0)
		return 0;
	(void)fprintf(stderr, "agentsh: %s\n", why);
	return -EINVAL;
}

/* The policy that a session here would have, or @file alone */
static int load(struct policy_loaded **ret, const struct context *c, const struct arguments *a,
		const char *file)
{
	struct policy_vars vars = { c->workspace, c->home, c->state_dir, environ, NULL };
	struct policy_sources src = { .base = file };
	struct policy_diag d;
	int r = file ? policy_load(ret, &src, &vars, &d) :
		       context_policy(ret, c, &a->opt, c->state_dir, &d);

	if (r < 0)
		context_say_diag(&d);
	return r;
}

static int make_plan(struct plan **ret, const struct policy_loaded *l)
{
	struct policy_diag d;
	int r = plan_make(ret, l, &d);

	if (r < 0)
		context_say_diag(&d);
	return r;
}

/* ---- check ---- */

static int check_loaded(const struct policy_loaded *l, const char *what, bool json)
{
	struct plan *p = NULL;
	int r = make_plan(&p, l);

	plan_free(p);
	if (r < 0)
		return r;
	if (json)
		(void)printf("{\"ok\":true,\"rules\":%zu}\n", l->rule_count);
	else
		(void)printf("%s: right, %zu rules with agentsh's own\n", what, l->rule_count);
	return fflush(stdout) ? -EIO : 0;
}

static int do_check(const struct arguments *a)
{
	struct policy_loaded *l = NULL;
	struct context c;
	char *file = NULL;
	int r = find_context(&c, &a->opt);

	if (r < 0)
		return r;
	/* a name without '/' is a file here all the same, unless it is a built-in's */
	if (a->operand && !strchr(a->operand, '/') && access(a->operand, F_OK) == 0 &&
	    asprintf(&file, "./%s", a->operand) < 0)
		file = NULL;
	r = load(&l, &c, a, file ? file : a->operand);
	if (r == 0)
		r = check_loaded(l, a->operand ? a->operand : l->name, a->json);
	policy_loaded_free(l);
	free(file);
	context_free(&c);
	return r;
}

/* ---- show ---- */

static void put_ops(char *buf, size_t size, uint64_t ops)
{
	size_t len = 0;

	buf[0] = '\0';
	if (ops == POLICY_OPS_FILES)
		(void)snprintf(buf, size, "all");
	for (unsigned int op = 0; ops != POLICY_OPS_FILES && op < POLICY_OP_COUNT && len < size; op++)
		if (ops & POLICY_OP_BIT(op))
			len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? " " : "",
						policy_op_name((enum policy_op)op));
}

static void show_rule(const struct policy_listed *r)
{
	char ops[256];

	put_ops(ops, sizeof(ops), r->ops);
	(void)printf("%-8s %-20s %-8s %s", r->layer, r->id,
		     r->flags & POLICY_RULE_DEFAULT ? "default" : policy_verdict_name(r->verdict), ops);
	for (size_t i = 0; i < r->pattern_count; i++)
		(void)printf("\n         %s", r->pattern[i]);
	if (r->target)
		(void)printf("\n         ->");
	for (size_t at = 0; at < r->target_len; at += strlen(r->target + at) + 1)
		(void)printf(" %s", r->target + at);
	(void)printf("\n");
}

/* As it is written: a path, or the words to run */
static void json_to(struct jsonw *j, const struct policy_listed *r)
{
	if (!r->target)
		return;
	jsonw_key(j, "to");
	if (r->section != POLICY_SECTION_COMMANDS) {
		jsonw_cstr(j, r->target);
		return;
	}
	jsonw_array_begin(j);
	for (size_t at = 0; at < r->target_len; at += strlen(r->target + at) + 1)
		jsonw_cstr(j, r->target + at);
	jsonw_array_end(j);
}

static void json_rule(struct jsonw *j, const struct policy_listed *r)
{
	jsonw_object_begin(j);
	jsonw_key(j, "layer");
	jsonw_cstr(j, r->layer);
	jsonw_key(j, "file");
	jsonw_cstr(j, r->file);
	jsonw_key(j, "id");
	jsonw_cstr(j, r->id);
	jsonw_key(j, "decision");
	jsonw_cstr(j, r->flags & POLICY_RULE_DEFAULT ? "default" : policy_verdict_name(r->verdict));
	jsonw_key(j, "ops");
	jsonw_array_begin(j);
	for (unsigned int op = 0; op < POLICY_OP_COUNT; op++)
		if (r->ops & POLICY_OP_BIT(op))
			jsonw_cstr(j, policy_op_name((enum policy_op)op));
	jsonw_array_end(j);
	jsonw_key(j, "patterns");
	jsonw_array_begin(j);
	for (size_t i = 0; i < r->pattern_count; i++)
		jsonw_cstr(j, r->pattern[i]);
	jsonw_array_end(j);
	json_to(j, r);
	jsonw_object_end(j);
}

static int show_json(const struct policy_loaded *l)
{
	char *buf = malloc(JSON_OUT_SIZE);
	struct jsonw j;
	int r;

	if (!buf)
		return -ENOMEM;
	jsonw_init(&j, buf, JSON_OUT_SIZE - 1);
	jsonw_object_begin(&j);
	jsonw_key(&j, "name");
	jsonw_cstr(&j, l->name);
	jsonw_key(&j, "rules");
	jsonw_array_begin(&j);
	for (size_t i = 0; i < l->rule_count; i++)
		json_rule(&j, &l->rule[i]);
	jsonw_array_end(&j);
	jsonw_object_end(&j);
	r = j.overflowed ? complain("the policy is too large to be shown as JSON", NULL) : 0;
	if (r == 0) {
		buf[j.len] = '\n';
		r = fdio_write_full(STDOUT_FILENO, buf, j.len + 1);
	}
	free(buf);
	return r;
}

static int show_effective(const struct arguments *a)
{
	struct policy_loaded *l = NULL;
	struct context c;
	int r = find_context(&c, &a->opt);

	if (r < 0)
		return r;
	r = load(&l, &c, a, NULL);
	if (r == 0 && a->json) {
		r = show_json(l);
	} else if (r == 0) {
		(void)printf("policy %s, of", l->name);
		for (char **f = l->files; *f; f++)
			(void)printf(" %s", *f);
		(void)printf("%s\n\n", l->files[0] ? "" : " built-in files alone");
		for (size_t i = 0; i < l->rule_count; i++)
			show_rule(&l->rule[i]);
	}
	policy_loaded_free(l);
	context_free(&c);
	return r;
}

static int do_show(const struct arguments *a)
{
	char *text = NULL;
	size_t len;
	int r;

	if (!a->operand)
		return show_effective(a);
	for (const struct policy_profile *p = policy_profiles; p->name; p++)
		if (strcmp(p->name, a->operand) == 0)
			return fdio_write_full(STDOUT_FILENO, p->text, p->len);
	r = fdio_read_file(AT_FDCWD, a->operand, POLICY_FILE_MAX, &text, &len);
	if (r < 0)
		return complain("neither a built-in policy nor a file that can be read:", a->operand);
	r = fdio_write_full(STDOUT_FILENO, text, len);
	free(text);
	return r;
}

/* ---- plan, test, schema ---- */

static int do_plan(const struct arguments *a)
{
	struct policy_loaded *l = NULL;
	struct plan *p = NULL;
	struct context c;
	int r;

	if (a->operand)
		return complain("the policy of a plan is given with --policy, not as", a->operand);
	r = find_context(&c, &a->opt);
	if (r < 0)
		return r;
	r = load(&l, &c, a, NULL);
	if (r == 0)
		r = make_plan(&p, l);
	if (r == 0)
		r = plan_print(p, l, STDOUT_FILENO, a->json);
	plan_free(p);
	policy_loaded_free(l);
	context_free(&c);
	return r;
}

static int do_test(const struct arguments *a)
{
	unsigned int failed = 0;
	int asked;

	if (!a->operand)
		return complain("which cases?", NULL);
	asked = cases_run(a->operand, a->opt.policy, &failed);
	if (asked < 0)
		return asked;
	if (a->json)
		(void)printf("{\"asked\":%d,\"failed\":%u}\n", asked, failed);
	else
		(void)printf("%s: %d questions, %u answered otherwise\n", a->operand, asked, failed);
	if (asked == 0)
		return complain("no question in", a->operand);
	return failed ? 1 : 0;
}

static int do_diff(const struct arguments *a)
{
	struct policy_loaded *from = NULL, *to = NULL;
	struct context c;
	int r;

	if (!a->operand)
		return complain("which policies?", NULL);
	r = find_context(&c, &a->opt);
	if (r < 0)
		return r;
	r = load(&from, &c, a, a->operand);
	if (r == 0)
		r = load(&to, &c, a, a->second);
	if (r == 0)
		r = policy_diff(from, to, a->json);
	if (r >= 0 && fflush(stdout) != 0)
		r = -EIO;
	policy_loaded_free(from);
	policy_loaded_free(to);
	context_free(&c);
	return r;
}

static int do_schema(const struct arguments *a)
{
	if (a->operand)
		return complain("the schema is one for all, not for", a->operand);
	return fdio_write_full(STDOUT_FILENO, policy_schema.text, policy_schema.len);
}

int cmd_policy(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(const struct arguments *a);	/* 0; 1: some answers differ; -errno, said on stderr */
	} verbs[] = {
		{ "check", do_check }, { "show", do_show }, { "plan", do_plan },
		{ "test", do_test },   { "diff", do_diff },   { "schema", do_schema },
	};
	struct arguments a = { .operand = NULL };

	if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0))
		return usage(stdout);
	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(verbs); i++) {
		int r;

		if (strcmp(argv[1], verbs[i].name) != 0)
			continue;
		r = parse(&a, argc - 1, argv + 1);
		if (r == 0)
			r = verbs[i].run(&a);
		return r < 0 ? CAGE_EXIT_NO_CAGE : r;
	}
	return usage(stderr);
}
