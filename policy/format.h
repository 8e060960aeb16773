/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/format.h - Layout of a compiled policy; private to policy/
 *
 * DOC: Theory of Operation
 *
 * One header, then tables. Offsets count bytes from the start of the blob and
 * there are no pointers, so every process maps it where it likes.
 *
 * All automata of a policy share one table of states; an automaton is just the
 * number of its first state. There is one for the files patterns of each layer,
 * one for its socket patterns, one for its programs, and a small one for each
 * "by" list and each argument pattern. State 0 is dead: nothing matches here
 * nor further on.
 *
 * A transition on byte b from state s:
 *
 *  - s is a sink: stay, whatever follows.
 *  - s is a chain: its text must follow. As much as agrees is consumed; when
 *    all of it did, go to chain.next, else look the next byte up in s.fail.
 *    A path that ends in the middle of a chain ends in s.fail: the builder only
 *    makes chains whose inner positions are equal to s.fail but for the next
 *    byte of the text, and no text holds a '/'.
 *  - cell[s.base + b].check == s: go to cell.next.
 *  - s.fail with BLOB_FAIL_RETRY: look the same byte up in that state, which is
 *    neither a chain nor has a retry itself.
 *  - else go to s.fail.
 *
 * Paths are fed without the root's slash ("/" is the empty string), so that a
 * name beneath a directory is always '/' and the name.
 */
#ifndef POLICY_FORMAT_H
#define POLICY_FORMAT_H

#include "common/base.h"
#include "policy/policy.h"

#define BLOB_MAGIC	0x43504741u	/* "AGPC" */
#define BLOB_VERSION	1u
#define BLOB_ORDER	0x01020304u
#define BLOB_SIZE_MAX	(256u << 20)

/* struct blob_state.base */
#define BLOB_BASE_CHAIN	(1u << 31)	/* the rest is a chain's number */
#define BLOB_BASE_SINK	(1u << 30)	/* no way out */
/* struct blob_state.fail */
#define BLOB_FAIL_RETRY	(1u << 31)

/* struct blob_layer.flags */
#define BLOB_LAYER_BASE		(1u << 0)
#define BLOB_LAYER_OVERRIDES	(1u << 1)	/* its redirects win over those of earlier layers */

#define BLOB_STATE_MAX	(1u << 20)
#define BLOB_LIST_MAX	(1u << 16)	/* policy_state_class() has 16 bits for each layer */
#define BLOB_ARG_ANY	UINT32_MAX	/* "**": any number of arguments */

/* struct blob_rule.flags: POLICY_F_* below, conditions here */
#define BLOB_COND_STOOD_SELF	(1u << 16)
#define BLOB_COND_STOOD_FOLDER	(1u << 17)
#define BLOB_COND_BY		(1u << 18)
#define BLOB_COND_ARGS		(1u << 19)
#define BLOB_COND_MASK		(15u << 16)
#define BLOB_RULE_DEFAULT	(1u << 24)	/* decided as if no rule of the layer had matched */
#define BLOB_FLAG_MASK		(POLICY_F_AUDIT | POLICY_F_HIDE)

enum blob_table {
	BLOB_TABLE_STATE = 0,
	BLOB_TABLE_CELL,
	BLOB_TABLE_CHAIN,
	BLOB_TABLE_TEXT,
	BLOB_TABLE_LIST,
	BLOB_TABLE_ENTRY,
	BLOB_TABLE_RULE,
	BLOB_TABLE_ARG,
	BLOB_TABLE_NET,
	BLOB_TABLE_SUMMARY,
	BLOB_TABLE_STRING,
	BLOB_TABLE_COUNT
};

struct blob_range {
	uint32_t off;		/* bytes, 8-byte aligned */
	uint32_t count;		/* elements */
};

struct blob_str {
	uint32_t off;		/* bytes from the start of the string table */
	uint32_t len;		/* a NUL follows */
};

struct blob_layer {
	struct blob_str name;
	uint32_t flags;				/* BLOB_LAYER_* */
	uint32_t dead_summary_idx;		/* what lies beneath a directory nothing reaches into */
	uint32_t root[POLICY_SECTION_COUNT];	/* first states */
	uint32_t fallback[POLICY_SECTION_COUNT]; /* enum policy_verdict; only the base's count */
	uint32_t net_first_idx, net_count;
};

struct blob_header {
	uint32_t magic, version, order, size;
	uint32_t layer_count, reserved;
	struct blob_range table[BLOB_TABLE_COUNT];
	struct blob_layer layer[POLICY_LAYER_MAX];
};

struct blob_state {
	uint32_t base, fail;
	uint32_t list_idx;	/* rules that match here */
	uint32_t summary_idx;	/* what lies strictly beneath; files automata only */
};

struct blob_cell {
	uint32_t check, next;	/* check 0: free */
};

struct blob_chain {
	uint32_t text_off;	/* bytes from the start of the text table */
	uint32_t text_len;	/* at least 1 */
	uint32_t next;
	uint32_t reserved;
};

/** struct blob_list - Candidate rules in order; cut where every op is decided. List 0 is empty. */
struct blob_list {
	uint32_t entry_first_idx, entry_count;
};

struct blob_entry {
	uint64_t ops;		/* of the rule, repeated to save a cache line */
	uint32_t rule_idx;	/* ascending within a list */
	uint32_t cond;		/* rule.flags & BLOB_COND_MASK */
};

struct blob_rule {
	uint64_t ops;
	uint32_t section, layer_idx;
	uint32_t verdict;
	int32_t err;
	uint32_t flags;
	uint32_t by;		/* first state, with BLOB_COND_BY */
	uint32_t arg_first_idx, arg_count;
	struct blob_str id, message, target;
};

struct blob_net {
	uint8_t ip[16];
	uint32_t prefix_bits;
	uint16_t port_low, port_high;
	uint32_t rule_idx;	/* ascending within a layer */
	uint32_t reserved;
};

#define BLOB_SUMMARY_HIDES	 (1u << 0)
#define BLOB_SUMMARY_CONDITIONAL (1u << 1)

struct blob_summary {
	uint64_t pass;		/* ops some name beneath is not refused by this layer */
	uint64_t refuse;
	uint32_t flags, reserved;
};

static_assert(sizeof(struct blob_layer) == 64, "blob layout");
static_assert(sizeof(struct blob_header) == 24 + 8 * BLOB_TABLE_COUNT + 64 * POLICY_LAYER_MAX,
	      "blob layout");
static_assert(sizeof(struct blob_header) % 8 == 0, "tables follow, aligned");
static_assert(sizeof(struct blob_state) == 16, "blob layout");
static_assert(sizeof(struct blob_cell) == 8, "blob layout");
static_assert(sizeof(struct blob_chain) == 16, "blob layout");
static_assert(sizeof(struct blob_list) == 8, "blob layout");
static_assert(sizeof(struct blob_entry) == 16, "blob layout");
static_assert(sizeof(struct blob_rule) == 64, "blob layout");
static_assert(sizeof(struct blob_net) == 32, "blob layout");
static_assert(sizeof(struct blob_summary) == 24, "blob layout");
static_assert(POLICY_OP_COUNT <= 64, "ops are bits of a uint64_t");

/** struct blob - A checked blob, its tables found. Borrowed pointers. */
struct blob {
	const struct blob_header *header;
	const struct blob_state *state;
	const struct blob_cell *cell;
	const struct blob_chain *chain;
	const uint8_t *text;
	const struct blob_list *list;
	const struct blob_entry *entry;
	const struct blob_rule *rule;
	const uint32_t *arg;
	const struct blob_net *net;
	const struct blob_summary *summary;
	const char *string;
};

static inline const void *blob_table(const void *base, enum blob_table t)
{
	const struct blob_header *h = base;

	return (const char *)base + h->table[t].off;
}

/** blob_view() - Find the tables; @p from policy_open() */
static inline struct blob blob_view(const struct policy *p)
{
	return (struct blob){
		.header = p->base,
		.state = blob_table(p->base, BLOB_TABLE_STATE),
		.cell = blob_table(p->base, BLOB_TABLE_CELL),
		.chain = blob_table(p->base, BLOB_TABLE_CHAIN),
		.text = blob_table(p->base, BLOB_TABLE_TEXT),
		.list = blob_table(p->base, BLOB_TABLE_LIST),
		.entry = blob_table(p->base, BLOB_TABLE_ENTRY),
		.rule = blob_table(p->base, BLOB_TABLE_RULE),
		.arg = blob_table(p->base, BLOB_TABLE_ARG),
		.net = blob_table(p->base, BLOB_TABLE_NET),
		.summary = blob_table(p->base, BLOB_TABLE_SUMMARY),
		.string = blob_table(p->base, BLOB_TABLE_STRING),
	};
}

static inline struct policy_str blob_string(const struct blob *b, struct blob_str s)
{
	return (struct policy_str){ b->string + s.off, s.len };
}

/** blob_walk() - Feed bytes to an automaton; a state out of range counts as dead */
uint32_t blob_walk(const struct blob *b, uint32_t state, const char *bytes, size_t len);

/** blob_walk_path() - As blob_walk() for a whole absolute path */
uint32_t blob_walk_path(const struct blob *b, uint32_t state, struct policy_str path);

#endif /* POLICY_FORMAT_H */
