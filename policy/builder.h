/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/builder.h - Rules as the builder keeps them; private to the write side
 */
#ifndef POLICY_BUILDER_H
#define POLICY_BUILDER_H

#include "policy/compile.h"
#include "policy/format.h"

/** struct builder_strings - An owned list of owned strings */
struct builder_strings {
	char **s;
	size_t count;
};

struct builder_rule {
	char *id, *message, *target;
	size_t target_len;
	enum policy_section section;
	uint64_t ops;
	enum policy_verdict verdict;
	int32_t err;
	uint32_t flags;			/* as in the blob */
	uint32_t source, line, column;
	uint32_t layer_idx;
	struct builder_strings pattern;	/* path or run */
	struct builder_strings args, by;
	struct policy_net *net;
	size_t net_count;
};

struct builder_layer {
	char *name;
	bool is_base, overrides;
	enum policy_verdict fallback[POLICY_SECTION_COUNT];
};

struct policy_builder {
	struct builder_layer layer[POLICY_LAYER_MAX];
	uint32_t layer_count;
	struct builder_rule *rule;	/* layers one after the other */
	size_t rule_count, rule_cap;
	size_t net_count;		/* of all rules */
};

#endif /* POLICY_BUILDER_H */
