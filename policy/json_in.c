/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/json_in.c - A JSON text as a tree whose every key and value knows its place
 *
 * json_scan() has seen to the grammar and noted where keys and values begin;
 * cJSON unescapes and builds its tree; the two are walked in the same order.
 */
#include "policy/json_in.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/arena.h"
#include "policy/diag.h"
#include "policy/json_scan.h"

#define MEMBERS_MAX	1024		/* keys of one object: they are compared with each other */

struct json_doc {
	struct arena arena;
	struct json_value root;
};

struct builder {
	struct arena *arena;
	const struct json_scan *scan;
	size_t pos_idx;
	struct policy_diag *diag;
};

static int take_pos(struct builder *b, uint32_t *ret_line, uint32_t *ret_column)
{
	if (b->pos_idx >= b->scan->pos_count)	/* cJSON saw more than the scanner did */
		return diag_at(b->diag, 0, 0, "the two JSON readers disagree");
	*ret_line = b->scan->pos[b->pos_idx].line;
	*ret_column = b->scan->pos[b->pos_idx++].column;
	return 0;
}

static int check_key(struct builder *b, const struct json_value *first, const struct json_value *v)
{
	size_t count = 0;

	for (const struct json_value *o = first; o && o != v; o = o->next) {
		if (++count > MEMBERS_MAX)
			return diag_at(b->diag, v->key_line, v->key_column,
				       "an object has more than %d keys", MEMBERS_MAX);
		if (strcmp(o->key, v->key) == 0)
			return diag_at(b->diag, v->key_line, v->key_column,
				       "key %s stands here twice; the first is on line %u",
				       diag_quote(v->key).s, o->key_line);
	}
	return 0;
}

static int convert(struct builder *b, const cJSON *item, struct json_value *v);

static int convert_children(struct builder *b, const cJSON *item, struct json_value *v)
{
	struct json_value *last = NULL;

	for (const cJSON *c = item->child; c; c = c->next) {
		struct json_value *n = arena_alloc(b->arena, sizeof(*n));
		int r;

		if (!n)
			return diag_memory(b->diag);
		if (last)
			last->next = n;
		else
			v->child = n;
		last = n;
		if (v->type == JSON_OBJECT) {
			n->key = arena_strdup(b->arena, c->string);
			if (!n->key)
				return diag_memory(b->diag);
			r = take_pos(b, &n->key_line, &n->key_column);
			if (r == 0)
				r = check_key(b, v->child, n);
			if (r < 0)
				return r;
		}
		r = convert(b, c, n);
		if (r < 0)
			return r;
	}
	return 0;
}

static int convert(struct builder *b, const cJSON *item, struct json_value *v)
{
	int r = take_pos(b, &v->line, &v->column);

	if (r < 0)
		return r;
	if (cJSON_IsBool(item)) {
		v->type = JSON_BOOL;
		v->boolean = cJSON_IsTrue(item);
	} else if (cJSON_IsNumber(item)) {
		v->type = JSON_NUMBER;
		v->number = (int64_t)item->valuedouble;	/* whole and of 15 digits at most: exact */
	} else if (cJSON_IsString(item)) {
		v->type = JSON_STRING;
		v->string = arena_strdup(b->arena, item->valuestring);
		return v->string ? 0 : diag_memory(b->diag);
	} else if (cJSON_IsArray(item) || cJSON_IsObject(item)) {
		v->type = cJSON_IsArray(item) ? JSON_ARRAY : JSON_OBJECT;
		return convert_children(b, item, v);
	} else {
		v->type = JSON_NULL;
	}
	return 0;
}

static int read_scanned(struct json_doc *doc, const struct json_scan *scan,
			struct policy_diag *reterr)
{
	struct builder b = { .arena = &doc->arena, .scan = scan, .diag = reterr };
	cJSON *tree = cJSON_ParseWithLengthOpts(scan->text, scan->len + 1, NULL, true);
	int r;

	if (!tree)	/* memory, or a text that only one of the two readers takes */
		return diag_at(reterr, 0, 0, "the text cannot be read as JSON");
	r = convert(&b, tree, &doc->root);
	cJSON_Delete(tree);
	if (r == 0 && b.pos_idx != scan->pos_count)
		r = diag_at(reterr, 0, 0, "the two JSON readers disagree");
	return r;
}

int json_read(struct json_doc **ret, const char *text, size_t len, struct policy_diag *reterr)
{
	struct json_scan scan = { 0 };
	struct json_doc *doc;
	int r = json_scan(&scan, text, len, reterr);

	if (r < 0)
		return r;
	doc = calloc(1, sizeof(*doc));
	r = doc ? read_scanned(doc, &scan, reterr) : diag_memory(reterr);
	json_scan_free(&scan);
	if (r < 0) {
		json_free(doc);
		return r;
	}
	*ret = doc;
	return 0;
}

const struct json_value *json_root(const struct json_doc *doc)
{
	return &doc->root;
}

struct json_doc *json_free(struct json_doc *doc)
{
	if (doc)
		arena_free(&doc->arena);
	free(doc);
	return NULL;
}

const struct json_value *json_get(const struct json_value *object, const char *key)
{
	for (const struct json_value *v = object ? object->child : NULL; v; v = v->next)
		if (v->key && strcmp(v->key, key) == 0)
			return v;
	return NULL;
}

const char *json_type_name(enum json_type t)
{
	static const char *const names[JSON_TYPE_COUNT] = {
		[JSON_NULL] = "null",
		[JSON_BOOL] = "true or false",
		[JSON_NUMBER] = "a number",
		[JSON_STRING] = "a string",
		[JSON_ARRAY] = "a list",
		[JSON_OBJECT] = "an object",
	};

	return t < JSON_TYPE_COUNT ? names[t] : "?";
}
