/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/load.c - From files and command-line grants to one loaded policy
 */
#include "policy/load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "policy/arena.h"
#include "policy/cache.h"
#include "policy/diag.h"
#include "policy/layers.h"

struct loaded {
	struct policy_loaded public;	/* first: what callers hold points here */
	struct arena arena;
	bool is_mapped;
};

static int emit(struct layers_stack *s, struct policy_builder *b, struct loaded *l)
{
	uint32_t source = UINT32_MAX;
	void *blob = NULL;
	size_t size;
	int r = cache_emit(b, s->src->cache_dir, &blob, &size, s->diag, &source);

	if (r < 0) {
		if (s->diag->line && source < s->file_count)	/* else it is of all files together */
			diag_file(s->diag, s->file[source].name);
		return r;
	}
	r = policy_seal(blob, size, &l->public.fd);
	free(blob);
	if (r == 0)
		r = policy_map_fd(&l->public.policy, l->public.fd);
	if (r == 0)
		l->is_mapped = true;
	else
		(void)diag_at(s->diag, 0, 0, "the compiled policy cannot be sealed: %s", strerror(-r));
	return r;
}

static void drop_policy(struct loaded *l)
{
	if (l->is_mapped)
		policy_unmap(&l->public.policy);
	if (l->public.fd >= 0)
		(void)close(l->public.fd);	/* a memfd: nothing to lose */
	l->is_mapped = false;
	l->public.fd = -1;
}

static int compile_once(struct layers_stack *s, size_t base_count, struct loaded *l)
{
	struct policy_builder *b = NULL;
	int r = policy_builder_new(&b);

	if (r < 0)
		return diag_memory(s->diag);
	r = layers_build(s, base_count, b);
	if (r == 0)
		r = emit(s, b, l);
	policy_builder_free(b);
	return r;
}

/* Which links may be followed is the policy's to say: with what they lead to it is built once more */
static int compile(struct layers_stack *s, size_t base_count, struct loaded *l)
{
	int r = compile_once(s, base_count, l);

	if (r == 0)
		r = links_find(s, &l->public.policy);
	if (r == 0 && s->link.count > 0) {
		drop_policy(l);
		s->rule_count = s->anchor_count = s->command_count = 0;
		r = compile_once(s, base_count, l);
	}
	return r < 0 ? r : redirect_check(s, &l->public.policy);
}

/* The blob holds the rules; this keeps what else a session needs */
static int keep(struct layers_stack *s, struct loaded *l)
{
	struct policy_loaded *p = &l->public;

	p->anchor = s->anchor;
	p->anchor_count = s->anchor_count;
	p->rule = s->rule;
	p->rule_count = s->rule_count;
	p->command = s->command;
	p->command_count = s->command_count;
	p->workspace = arena_strdup(s->arena, s->vars->workspace);
	p->home = arena_strdup(s->arena, s->vars->home);
	p->files = arena_alloc(s->arena, (s->file_count + 1) * sizeof(*p->files));
	if (!p->workspace || !p->home || !p->files)
		return diag_memory(s->diag);
	for (size_t i = 0, n = 0; i < s->file_count; i++) {
		if (s->file[i].is_builtin)
			continue;
		p->files[n] = arena_strdup(s->arena, s->file[i].name);
		if (!p->files[n++])
			return diag_memory(s->diag);
	}
	p->search_path = expand_getenv(s->vars, "PATH");
	if (p->search_path)
		p->search_path = arena_strdup(s->arena, p->search_path);
	return 0;
}

/* Sentences of the builder end with a full stop, ours do not */
static void trim(struct policy_diag *d)
{
	size_t len = strlen(d->message);

	if (len > 0 && d->message[len - 1] == '.')
		d->message[len - 1] = '\0';
}

int policy_load(struct policy_loaded **ret, const struct policy_sources *src,
		const struct policy_vars *vars, struct policy_diag *reterr)
{
	struct loaded *l = calloc(1, sizeof(*l));
	struct layers_stack *s = calloc(1, sizeof(*s));
	size_t base_count = 0;
	int r = -ENOMEM;

	*reterr = (struct policy_diag){ .line = 0 };
	if (!l || !s) {
		r = diag_memory(reterr);
		goto out;
	}
	l->public.fd = -1;
	*s = (struct layers_stack){ .arena = &l->arena, .vars = vars, .src = src, .diag = reterr };
	r = layers_read(s, &base_count);
	if (r == 0)
		r = layers_settings(s, base_count, &l->public);
	if (r == 0)
		r = compile(s, base_count, l);
	if (r == 0)
		r = keep(s, l);
	layers_release(s);
out:
	free(s);
	if (r < 0) {
		trim(reterr);
		if (l)
			policy_loaded_free(&l->public);
		return r;
	}
	*ret = &l->public;
	return 0;
}

struct policy_loaded *policy_loaded_free(struct policy_loaded *p)
{
	struct loaded *l = (struct loaded *)p;

	if (!l)
		return NULL;
	drop_policy(l);
	arena_free(&l->arena);
	free(l);
	return NULL;
}
