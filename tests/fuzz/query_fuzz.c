/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/fuzz/query_fuzz.c - Questions from inside the cage, parsed and answered
 */
#include <stdlib.h>
#include <string.h>

#include "cli/words_why.h"
#include "policy/compile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add(struct policy_builder *b, enum policy_section section, const char *pattern)
{
	struct policy_diag diag;
	struct policy_rule r = {
		.id = pattern, .section = section, .verdict = POLICY_DENY, .message = "no",
		.ops = section == POLICY_SECTION_FILES ? POLICY_OPS_FILES : POLICY_OP_BIT(POLICY_OP_RUN),
	};

	if (section == POLICY_SECTION_FILES) {
		r.path = &pattern;
		r.path_count = 1;
	} else {
		r.run = &pattern;
		r.run_count = 1;
	}
	if (policy_builder_add(b, &r, &diag) < 0)
		abort();
}

/* Made once; a fuzzer has nowhere else to keep it */
static const struct policy_loaded *world(void)
{
	static struct policy_loaded l;
	struct policy_builder *b;
	struct policy_diag diag;
	uint32_t source;
	void *blob;
	size_t size;

	if (l.name)
		return &l;
	if (policy_builder_new(&b) < 0 || policy_builder_layer(b, "base", true) < 0)
		abort();
	add(b, POLICY_SECTION_FILES, "/home/u/.ssh/**");
	add(b, POLICY_SECTION_COMMANDS, "curl");
	if (policy_builder_emit(b, &blob, &size, &diag, &source) < 0 || policy_open(&l.policy, blob, size) < 0)
		abort();
	policy_builder_free(b);
	l.home = strdup("/home/u");
	l.name = strdup("fuzz");
	return &l;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct why_place at = { .loaded = world() };
	struct why_question *q = malloc(2 * sizeof(*q));
	char *wire = malloc(WHY_MAX + 64), *buf = malloc(WHY_ANSWER_MAX);
	ssize_t n;

	if (!q || !wire || !buf)
		abort();
	if (why_parse(q, (const char *)data, size) == 0) {
		n = why_encode(q, wire, WHY_MAX + 64);
		if (n < 0 || why_parse(q + 1, wire, (size_t)n) < 0)
			abort();
		if (why_answer(&at, q, buf, WHY_ANSWER_MAX) == WHY_ALLOWED && q->kind != WHY_HOST && strstr(buf, ": deny"))
			abort();
		for (const char *p = buf; *p; p++)
			if (((unsigned char)*p < 0x20 && *p != '\n') || *p == 0x7f)
				abort();
	}
	free(q);
	free(wire);
	free(buf);
	return 0;
}
