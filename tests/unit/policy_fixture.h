/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/policy_fixture.h - Policies in a few words, for the tests of policy/
 */
#ifndef TESTS_UNIT_POLICY_FIXTURE_H
#define TESTS_UNIT_POLICY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base.h"
#include "policy/compile.h"

#define BIT(op) POLICY_OP_BIT(POLICY_OP_##op)
#define LIST(...) (const char *const[]){ __VA_ARGS__ }
#define PATHS(...) .path = LIST(__VA_ARGS__), .path_count = ARRAY_SIZE(LIST(__VA_ARGS__))
#define RUNS(...) .run = LIST(__VA_ARGS__), .run_count = ARRAY_SIZE(LIST(__VA_ARGS__))
#define ARGS(...) .args = LIST(__VA_ARGS__), .args_count = ARRAY_SIZE(LIST(__VA_ARGS__))
#define BYS(...) .by = LIST(__VA_ARGS__), .by_count = ARRAY_SIZE(LIST(__VA_ARGS__))
#define FILES_RULE .section = POLICY_SECTION_FILES

struct fixture {
	struct policy_builder *b;
	struct policy p;
	void *blob;
	size_t size;
	struct policy_diag diag;
	uint32_t source;
};

static inline void fixture_begin(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	assert_int_equal(policy_builder_new(&f->b), 0);
	assert_int_equal(policy_builder_layer(f->b, "base", true), 0);
}

static inline void fixture_add(struct fixture *f, struct policy_rule rule)
{
	int r = policy_builder_add(f->b, &rule, &f->diag);

	if (r)
		fail_msg("rule %s refused: %s", rule.id, f->diag.message);
}

static inline void fixture_layer(struct fixture *f, const char *name)
{
	assert_int_equal(policy_builder_layer(f->b, name, false), 0);
}

static inline void fixture_default(struct fixture *f, enum policy_section s, enum policy_verdict v)
{
	assert_int_equal(policy_builder_default(f->b, s, v), 0);
}

static inline void fixture_open(struct fixture *f)
{
	int r = policy_builder_emit(f->b, &f->blob, &f->size, &f->diag, &f->source);

	if (r)
		fail_msg("emit: %d: %s", r, f->diag.message);
	assert_int_equal(policy_open(&f->p, f->blob, f->size), 0);
}

/* The policy must be refused with words that contain @words */
static inline void fixture_refused(struct fixture *f, int err, const char *words)
{
	assert_int_equal(policy_builder_emit(f->b, &f->blob, &f->size, &f->diag, &f->source), err);
	assert_non_null(strstr(f->diag.message, words));
}

static inline void fixture_end(struct fixture *f)
{
	free(f->blob);
	policy_builder_free(f->b);
}

static inline struct policy_decision ask_as(const struct fixture *f, enum policy_op op,
					    const char *path, uint32_t traits, const char *exe)
{
	struct policy_request req = {
		.op = op,
		.traits = traits,
		.subject.exe = policy_str(exe),
		.object = { .kind = POLICY_OBJECT_PATH, .path = policy_str(path) },
	};
	struct policy_decision d;

	policy_eval(&f->p, &req, &d);
	return d;
}

static inline struct policy_decision ask(const struct fixture *f, enum policy_op op, const char *path)
{
	return ask_as(f, op, path, 0, "/bin/x");
}

/* The answer must come from rule @id */
static inline void expect(const struct fixture *f, enum policy_op op, const char *path, const char *id)
{
	struct policy_decision d = ask(f, op, path);

	if (strcmp(d.rule.s, id) != 0)
		fail_msg("%s %s: rule %s, not %s", policy_op_name(op), path, d.rule.s, id);
}

#endif /* TESTS_UNIT_POLICY_FIXTURE_H */
