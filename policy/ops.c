/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/ops.c - Names and kinds of the operations, from ops.def
 */
#include "common/base.h"
#include "policy/policy.h"

struct op_info {
	const char *name;
	enum policy_section section;
	enum policy_object_kind object;
};

static const struct op_info op_info[] = {
#define POLICY_OP(id, name, section, object) \
	[POLICY_OP_##id] = { name, POLICY_SECTION_##section, POLICY_OBJECT_##object },
#include "policy/ops.def"
#undef POLICY_OP
};
static_assert(ARRAY_SIZE(op_info) == POLICY_OP_COUNT, "ops.def");

static const char *const verdict_name[] = {
	[POLICY_DENY] = "deny",
	[POLICY_ASK] = "ask",
	[POLICY_REDIRECT] = "redirect",
	[POLICY_ALLOW] = "allow",
};
static_assert(ARRAY_SIZE(verdict_name) == POLICY_VERDICT_COUNT, "one name each");

const char *policy_op_name(enum policy_op op)
{
	return (unsigned int)op < POLICY_OP_COUNT ? op_info[op].name : "?";
}

enum policy_section policy_op_section(enum policy_op op)
{
	return (unsigned int)op < POLICY_OP_COUNT ? op_info[op].section : POLICY_SECTION_NONE;
}

enum policy_object_kind policy_op_object(enum policy_op op)
{
	return (unsigned int)op < POLICY_OP_COUNT ? op_info[op].object : POLICY_OBJECT_NONE;
}

const char *policy_verdict_name(enum policy_verdict v)
{
	return (unsigned int)v < POLICY_VERDICT_COUNT ? verdict_name[v] : "?";
}
