/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/fuzz/json_fuzz.c - Any bytes as a policy: refused with a place, or compiled into a blob that opens
 */
#include <stdlib.h>
#include <string.h>

#include "policy/json_in.h"
#include "policy/layers.h"
#include "policy/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A refusal has one printable sentence; its place lies in the text */
static void check_diag(const struct policy_diag *d)
{
	if (!d->message[0])
		abort();
	for (const char *p = d->message; *p; p++)
		if (*p < ' ' || *p > '~')
			abort();
	if ((d->line == 0) != (d->column == 0))
		abort();
}

static void check_tree(const struct json_value *v, unsigned int depth)
{
	if (depth > 64 || v->line == 0 || v->column == 0)
		abort();
	for (const struct json_value *c = v->child; c; c = c->next) {
		if ((v->type == JSON_OBJECT) != (c->key != NULL))
			abort();
		check_tree(c, depth + 1);
	}
}

static int compile(struct layers_stack *s, size_t base_count)
{
	struct policy_builder *b = NULL;
	struct policy_loaded l = { .fd = -1 };
	uint32_t source;
	void *blob = NULL;
	size_t size;
	struct policy p;
	int r = policy_builder_new(&b);

	if (r < 0)
		abort();
	r = layers_settings(s, base_count, &l);
	if (r == 0)
		r = layers_build(s, base_count, b);
	if (r == 0)
		r = policy_builder_emit(b, &blob, &size, s->diag, &source);
	if (r == 0 && policy_open(&p, blob, size) < 0)
		abort();
	if (r == 0)
		r = redirect_check(s, &p);
	free(blob);
	policy_builder_free(b);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char *env[] = { (char *)"API=http://127.0.0.1:1", NULL };
	static const char base_text[] = "{\"version\":1,\"files\":[{\"path\":\"/**\",\"ops\":\"all\",\"decision\":\"allow\"}]}";
	static char *command[] = { (char *)"c", (char *)"-c", (char *)"x=1, base_url=\"http://[::1]:9/\"", NULL };
	const struct policy_vars vars = { "/srv/[p]", "/home/user", "/session", env, command };
	const struct policy_sources src = { .base = NULL };
	struct policy_diag d = { .line = 0 };
	struct arena arena = { NULL };
	struct layers_stack *s = calloc(1, sizeof(*s));
	struct json_doc *doc = NULL, *base = NULL;
	bool is_project = size % 2;	/* as a project's file, over a base that allows */

	if (!s)
		return 0;
	if (json_read(&doc, (const char *)data, size, &d) < 0) {
		check_diag(&d);
		free(s);
		return 0;
	}
	check_tree(json_root(doc), 0);
	*s = (struct layers_stack){ .arena = &arena, .vars = &vars, .src = &src, .diag = &d };
	if (is_project && json_read(&base, base_text, sizeof(base_text) - 1, &d) < 0)
		abort();
	if (is_project)
		s->file[s->file_count++] = (struct layers_file){ .name = "base", .folder = "/", .layer = "base", .doc = base };
	s->file[s->file_count++] = (struct layers_file){
		.name = "fuzz", .folder = "/", .layer = is_project ? "project" : "base", .doc = doc,
	};
	if (schema_check(json_root(doc), &d) < 0 || compile(s, 1) < 0)
		check_diag(&d);
	layers_release(s);
	arena_free(&arena);
	free(s);
	return 0;
}
