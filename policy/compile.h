/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/compile.h - Write side: rules to blob to sealed memfd. May malloc.
 *
 * The builder knows no JSON: policy/json_in.c reads text, policy/layers.c
 * stacks files into layers and calls the builder with expanded patterns.
 */
#ifndef POLICY_COMPILE_H
#define POLICY_COMPILE_H

#include "policy/policy.h"

struct policy_builder;			/* opaque */

/** struct policy_diag - Where and why a policy was refused. Caller-owned. */
struct policy_diag {
	char file[160];			/* empty when not tied to a file; shortened in the middle */
	uint32_t line, column;		/* 1-based; 0 when not tied to the text */
	char message[240];		/* one sentence, no newline */
};

/** struct policy_net - One range of addresses and ports */
struct policy_net {
	uint8_t ip[16];			/* v4-mapped */
	uint8_t prefix_bits;		/* of the 128 */
	uint16_t port_low, port_high;	/* inclusive, host order */
};

/* struct policy_rule.flags, beside POLICY_F_* */
#define POLICY_RULE_STOOD_SELF	(1u << 16)	/* matches only with POLICY_T_STOOD_SELF */
#define POLICY_RULE_STOOD_FOLDER (1u << 17)	/* matches only with POLICY_T_STOOD_FOLDER */
/* FILES, unconditional (no by, no stood): what matches here is decided as if no rule of
 * the layer had matched, whatever later rules say. Carves an allow-list out of a wide
 * allow; policy_decision has POLICY_RULE_NONE then. verdict, err and message are unused. */
#define POLICY_RULE_DEFAULT	(1u << 24)

/** struct policy_rule - One rule before compilation. Everything is copied. */
struct policy_rule {
	const char *id;			/* what audit lines cite; unique within its file */
	enum policy_section section;
	uint64_t ops;			/* POLICY_OP_BIT()s of that section */
	enum policy_verdict verdict;
	int32_t err;			/* POLICY_DENY only; 0 means EACCES (ENOENT with HIDE) */
	uint32_t flags;
	uint32_t source;		/* which file: unreachable is an error only within one */
	uint32_t line, column;		/* for the diagnostics of the builder */
	const char *const *path;	/* FILES, SOCKETS: absolute patterns, variables expanded */
	size_t path_count;
	const char *const *run;		/* COMMANDS: base names, or absolute patterns if they hold a '/' */
	size_t run_count;
	const char *const *args;	/* COMMANDS: patterns for argv[1..], "**" any number; NULL matches all */
	size_t args_count;
	const struct policy_net *net;	/* NETWORK */
	size_t net_count;
	const char *const *by;		/* base names or absolute patterns; restricting rules only */
	size_t by_count;
	const char *message;		/* NULL when unused */
	/* Only with POLICY_REDIRECT. FILES: a path. COMMANDS: the words to run, each followed by a
	 * NUL; the word POLICY_TARGET_ARGS stands for the caller's argv[1..]. */
	const char *target;
	size_t target_len;		/* 0: up to the first NUL */
};

int policy_builder_new(struct policy_builder **ret) POLICY_MUST_USE;
struct policy_builder *policy_builder_free(struct policy_builder *b); /* NULL ok; returns NULL */

/**
 * policy_builder_layer() - Start the next layer; rules and defaults that follow belong to it
 * @name:	"base", "project", "system" ...: for words and the audit log
 * @is_base:	Its defaults count and a missing one denies. Other layers have
 *		no opinion where nothing matches
 *
 * Return: 0; -E2BIG beyond POLICY_LAYER_MAX; -ENOMEM
 */
int policy_builder_layer(struct policy_builder *b, const char *name, bool is_base) POLICY_MUST_USE;

/** policy_builder_overrides() - Where layers redirect the same object, this one's target is taken */
void policy_builder_overrides(struct policy_builder *b);

int policy_builder_default(struct policy_builder *b, enum policy_section section,
			   enum policy_verdict v) POLICY_MUST_USE;

/** policy_builder_add() - Append a rule to the layer; all or nothing. -EINVAL fills @reterr (message, line, column) */
int policy_builder_add(struct policy_builder *b, const struct policy_rule *rule,
		       struct policy_diag *reterr) POLICY_MUST_USE;

/**
 * policy_builder_emit() - Compile
 * @ret_blob:	free() it
 *
 * Refuses a rule that can never match because of earlier rules of the same
 * source (-EINVAL), and a policy whose automaton outgrows its limit (-EFBIG).
 * Both fill @reterr; diag.line/column are the rule's, diag.file is left alone
 * and @reterr_source says which source.
 */
int policy_builder_emit(const struct policy_builder *b, void **ret_blob, size_t *ret_size,
			struct policy_diag *reterr, uint32_t *reterr_source) POLICY_MUST_USE;

/** policy_seal() - Copy a blob into a memfd (CLOEXEC) with all four seals */
int policy_seal(const void *blob, size_t size, int *ret_fd) POLICY_MUST_USE;

/** policy_dump() - Text, for people and golden tests */
int policy_dump(const struct policy *p, int fd) POLICY_MUST_USE;

/** policy_rule_get() - A compiled rule's id, layer name and message by rule_id; false if there is none */
bool policy_rule_get(const struct policy *p, uint32_t rule_id, struct policy_str *ret_id,
		     struct policy_str *ret_layer, struct policy_str *ret_message);

/** policy_pattern_check() - Is this a pattern the builder takes? -EINVAL fills @reterr->message */
int policy_pattern_check(const char *pattern, struct policy_diag *reterr) POLICY_MUST_USE;

/** policy_pattern_match() - One pattern against one string, components by '/'. For tests and small lists. */
bool policy_pattern_match(const char *pattern, struct policy_str s);

#endif /* POLICY_COMPILE_H */
