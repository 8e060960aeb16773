/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/plan_print.c - "agentsh policy plan": the view, the rules with their mechanisms, the cost
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/fdio.h"
#include "common/jsonw.h"
#include "policy/expand.h"
#include "policy/plan_walk.h"

#define JSON_OUT_SIZE	(4u << 20)

/* Per call, against the same call outside; figures of docs/design.md */
static const struct {
	enum plan_face face;
	const char *mechanism, *cost;
} faces[] = {
	{ PLAN_ABSENT, "the view: not there", "none" },
	{ PLAN_SKELETON, "the view: an empty directory", "none" },
	{ PLAN_READONLY, "the view: mounted read-only; Landlock", "1.1 x an open for reading" },
	{ PLAN_WRITABLE, "the view: mounted writable; Landlock", "1.1 x an open" },
	{ PLAN_SERVED, "fusefs: each operation judged by name", "10 to 30 us for a first look or open; cached after" },
};

static const char *mechanism_of(enum plan_face f)
{
	for (size_t i = 0; i < ARRAY_SIZE(faces); i++)
		if (faces[i].face == f)
			return faces[i].mechanism;
	return "?";
}

static const char *cost_of(enum plan_face f)
{
	for (size_t i = 0; i < ARRAY_SIZE(faces); i++)
		if (faces[i].face == f)
			return faces[i].cost;
	return "?";
}

struct mechanism {
	const char *text, *cost;
};

static bool is_private_tmp(const char *path)
{
	return strcmp(path, "/tmp") == 0 || plan_is_beneath(path, "/tmp") ||
	       strcmp(path, "/dev/shm") == 0 || plan_is_beneath(path, "/dev/shm");
}

/* Where the first pattern of a files rule falls */
static struct mechanism of_path(const struct plan *p, const struct policy_listed *r)
{
	const struct plan_entry *e;
	char literal[4096];
	const char *rest;

	if (!r->pattern_count || expand_literal(r->pattern[0], literal, sizeof(literal), &rest) < 0)
		return (struct mechanism){ "?", "?" };
	e = plan_find(p, literal);
	if (is_private_tmp(literal) && (!e || strcmp(e->path, "/") == 0))
		return (struct mechanism){ "the view: private to the session", "none" };
	if (!e)
		return (struct mechanism){ mechanism_of(PLAN_ABSENT), cost_of(PLAN_ABSENT) };
	if (e->face == PLAN_READONLY && r->verdict == POLICY_DENY && !(r->flags & POLICY_RULE_DEFAULT) &&
	    (r->ops & PLAN_LOOK))
		return (struct mechanism){ "the file's own permissions, which refuse this user", "none" };
	return (struct mechanism){ mechanism_of(e->face), cost_of(e->face) };
}

static struct mechanism of_rule(const struct plan *p, const struct policy_loaded *l,
				const struct policy_listed *r)
{
	switch (r->section) {
	case POLICY_SECTION_FILES:
		return of_path(p, r);
	case POLICY_SECTION_COMMANDS:
		if (r->has_args && l->tracing)
			return (struct mechanism){ "doorman before the exec and at its stop; advisory for "
				"arguments, because tracing is allowed", "1.1 to 1.25 x an exec" };
		return (struct mechanism){ "doorman before the exec and at its stop",
					   "1.1 to 1.25 x an exec" };
	case POLICY_SECTION_NETWORK:
		return (struct mechanism){ "empty network namespace; Landlock; doorman makes the socket outside",
					   "40 us a connection" };
	case POLICY_SECTION_SOCKETS:
		return (struct mechanism){ "the view; doorman connects by pin", "13 us a connection" };
	case POLICY_SECTION_NONE:
	case POLICY_SECTION_COUNT:
		break;
	}
	return (struct mechanism){ "?", "?" };
}

static const char *decision_of(const struct policy_listed *r)
{
	return r->flags & POLICY_RULE_DEFAULT ? "default" : policy_verdict_name(r->verdict);
}

/* ---- text ---- */

static void print_view(const struct plan *p, FILE *f)
{
	(void)fprintf(f, "view\n");
	for (size_t i = 0; i < p->entry_count; i++) {
		const struct plan_entry *e = &p->entry[i];

		(void)fprintf(f, "  %-9s  %s%s%s  (%s)\n", e->link ? "link" : plan_face_name(e->face),
			      e->path, e->link ? " -> " : "", e->link ? e->link : "", e->why);
	}
	(void)fprintf(f, "  %-9s  /tmp, /dev/shm  (private to the session)\n", plan_face_name(p->tmp));
	(void)fprintf(f, "  made by the cage: /proc, /sys, /dev, /run\n");
}

static void print_rules(const struct plan *p, const struct policy_loaded *l, FILE *f)
{
	(void)fprintf(f, "\nrules\n");
	for (size_t i = 0; i < l->rule_count; i++) {
		const struct policy_listed *r = &l->rule[i];
		struct mechanism m = of_rule(p, l, r);

		(void)fprintf(f, "  %-8s %-20s %-7s  %s\n", r->layer, r->id, decision_of(r), m.text);
	}
}

static void print_costs(const struct plan *p, const struct policy_loaded *l, FILE *f)
{
	(void)fprintf(f, "\ncost per call\n");
	for (size_t i = 0; i < ARRAY_SIZE(faces); i++)
		if (faces[i].face >= PLAN_READONLY)
			(void)fprintf(f, "  %-9s  %s\n", plan_face_name(faces[i].face), faces[i].cost);
	(void)fprintf(f, "  exec       1.1 to 1.25 x\n  connect    40 us more\n");
	if (l->tracing)
		(void)fprintf(f, "\ntracing is allowed: rules on arguments are advisory\n");
	(void)fprintf(f, "\nnot recorded: reads and changes in trees that are bound, not served\n");
	(void)p;
}

static int print_text(const struct plan *p, const struct policy_loaded *l, int fd)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	int r;

	if (!f)
		return -ENOMEM;
	(void)fprintf(f, "policy %s\nworkspace %s\nhome %s\n\n", l->name, l->workspace, l->home);
	print_view(p, f);
	print_rules(p, l, f);
	print_costs(p, l, f);
	if (fclose(f) != 0) {		/* sees every failed write before it */
		free(text);
		return -ENOMEM;
	}
	r = fdio_write_full(fd, text, size);
	free(text);
	return r;
}

/* ---- JSON ---- */

static void json_pair(struct jsonw *j, const char *key, const char *value)
{
	jsonw_key(j, key);
	jsonw_cstr(j, value);
}

static void json_view(struct jsonw *j, const struct plan *p)
{
	jsonw_key(j, "view");
	jsonw_array_begin(j);
	for (size_t i = 0; i < p->entry_count; i++) {
		const struct plan_entry *e = &p->entry[i];

		jsonw_object_begin(j);
		json_pair(j, "path", e->path);
		json_pair(j, "face", plan_face_name(e->face));
		if (e->link)
			json_pair(j, "link", e->link);
		json_pair(j, "why", e->why);
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
	json_pair(j, "tmp", plan_face_name(p->tmp));
}

static void json_rules(struct jsonw *j, const struct plan *p, const struct policy_loaded *l)
{
	jsonw_key(j, "rules");
	jsonw_array_begin(j);
	for (size_t i = 0; i < l->rule_count; i++) {
		const struct policy_listed *r = &l->rule[i];
		struct mechanism m = of_rule(p, l, r);

		jsonw_object_begin(j);
		json_pair(j, "layer", r->layer);
		json_pair(j, "id", r->id);
		json_pair(j, "decision", decision_of(r));
		json_pair(j, "mechanism", m.text);
		json_pair(j, "cost", m.cost);
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
}

static int print_json(const struct plan *p, const struct policy_loaded *l, int fd)
{
	char *buf = malloc(JSON_OUT_SIZE);
	struct jsonw j;
	int r;

	if (!buf)
		return -ENOMEM;
	jsonw_init(&j, buf, JSON_OUT_SIZE - 1);
	jsonw_object_begin(&j);
	json_pair(&j, "policy", l->name);
	json_pair(&j, "workspace", l->workspace);
	json_pair(&j, "home", l->home);
	json_view(&j, p);
	json_rules(&j, p, l);
	jsonw_key(&j, "tracing");
	jsonw_bool(&j, l->tracing);
	jsonw_object_end(&j);
	if (!j.overflowed) {
		buf[j.len] = '\n';
		r = fdio_write_full(fd, buf, j.len + 1);
	} else {
		r = -E2BIG;
	}
	free(buf);
	return r;
}

int plan_print(const struct plan *p, const struct policy_loaded *l, int fd, bool json)
{
	return json ? print_json(p, l, fd) : print_text(p, l, fd);
}
