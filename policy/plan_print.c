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
#define OPEN_COST	"13 us an open for writing"

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

struct mechanism {
	char text[320];
	const char *cost;
};

static struct mechanism plain(const char *text, const char *cost)
{
	struct mechanism m = { .cost = cost };

	(void)snprintf(m.text, sizeof(m.text), "%s", text);	/* literals of this file: they fit */
	return m;
}

static bool is_private_tmp(const char *path)
{
	return strcmp(path, "/tmp") == 0 || plan_is_beneath(path, "/tmp") ||
	       strcmp(path, "/dev/shm") == 0 || plan_is_beneath(path, "/dev/shm");
}

/* Bits of the faces that a pattern reaches into; bit PLAN_FACE_COUNT is the private /tmp */
static unsigned int faces_of_pattern(const struct plan *p, const char *pattern)
{
	const struct plan_entry *e;
	char literal[4096];
	const char *rest;
	unsigned int mask = 0;

	if (expand_literal(pattern, literal, sizeof(literal), &rest) < 0)
		return 0;
	e = plan_find(p, literal);
	if (is_private_tmp(literal) && (!e || strcmp(e->path, "/") == 0))
		return 1u << PLAN_FACE_COUNT;
	mask |= 1u << (e ? e->face : PLAN_ABSENT);
	for (size_t i = 0; *rest && i < p->entry_count; i++)
		if (plan_is_beneath(p->entry[i].path, literal))
			mask |= 1u << p->entry[i].face;
	return mask;
}

static struct mechanism of_path(const struct plan *p, const struct policy_listed *r)
{
	struct mechanism m = { .cost = "none" };
	unsigned int mask = 0;
	bool is_guarded = r->verdict == POLICY_DENY && !(r->flags & POLICY_RULE_DEFAULT) &&
			  (r->ops & PLAN_LOOK);
	size_t len = 0;

	for (size_t i = 0; i < r->pattern_count; i++)
		mask |= faces_of_pattern(p, r->pattern[i]);
	if (mask & (1u << PLAN_SERVED | 1u << PLAN_READONLY | 1u << PLAN_WRITABLE))
		mask &= ~(1u << PLAN_SKELETON);
	if (mask == 1u << PLAN_READONLY && is_guarded)
		return plain("the file's own permissions, which refuse this user; Landlock", "none");
	if (r->verdict == POLICY_REDIRECT)
		return plain("doorman opens the target and hands it in; mounts and Landlock keep the rest shut", OPEN_COST);
	if (mask == 1u << PLAN_READONLY && p->traps_opens && r->verdict == POLICY_ALLOW &&
	    (r->ops & POLICY_OP_BIT(POLICY_OP_WRITE)))
		return plain("doorman opens the file and hands it in; mounts and Landlock keep the rest shut", OPEN_COST);
	if (mask == 1u << PLAN_FACE_COUNT)
		return plain("the view: private to the session", "none");
	for (size_t i = 0; i < ARRAY_SIZE(faces); i++) {
		if (!(mask & 1u << faces[i].face) || len >= sizeof(m.text))
			continue;
		len += (size_t)snprintf(m.text + len, sizeof(m.text) - len, "%s%s", len ? " | " : "",
					faces[i].mechanism);
		m.cost = faces[i].cost;		/* the dearest stands last */
	}
	return m;
}

static struct mechanism of_rule(const struct plan *p, const struct policy_loaded *l,
				const struct policy_listed *r)
{
	switch (r->section) {
	case POLICY_SECTION_FILES:
		return of_path(p, r);
	case POLICY_SECTION_COMMANDS:
		return plain(r->has_args && l->tracing ?
			     "doorman before the exec and at its stop; advisory, because tracing is allowed" :
			     "doorman before the exec and at its stop", "1.1 to 1.25 x an exec");
	case POLICY_SECTION_NETWORK:
		return plain("empty network namespace; Landlock; doorman makes the socket outside",
			     "40 us a connection");
	case POLICY_SECTION_SOCKETS:
		return plain("the view; doorman connects by pin", "13 us a connection");
	case POLICY_SECTION_NONE:
	case POLICY_SECTION_COUNT:
		break;
	}
	return plain("?", "?");
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

static void print_target(const struct policy_listed *r, FILE *f)
{
	if (r->target)
		(void)fprintf(f, "  %-8s %-20s %-8s ", "", "", "to");
	for (size_t at = 0; at < r->target_len; at += strlen(r->target + at) + 1)
		(void)fprintf(f, " %s", r->target + at);
	if (r->target)
		(void)fprintf(f, "\n");
}

static void print_rules(const struct plan *p, const struct policy_loaded *l, FILE *f)
{
	(void)fprintf(f, "\nrules\n");
	for (size_t i = 0; i < l->rule_count; i++) {
		const struct policy_listed *r = &l->rule[i];
		struct mechanism m = of_rule(p, l, r);

		(void)fprintf(f, "  %-8s %-20s %-8s  %s\n", r->layer, r->id, decision_of(r), m.text);
		print_target(r, f);
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
	if (p->traps_opens)
		(void)fprintf(f, "  open       " OPEN_COST " outside served trees: there is something to decide or to record\n");
	(void)fprintf(f, "\nnot recorded: reads%s in trees that are bound, not served\n",
		      p->traps_opens ? ", and changes other than opens for writing," : " and changes");
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
	jsonw_key(j, "traps_opens");
	jsonw_bool(j, p->traps_opens);
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
