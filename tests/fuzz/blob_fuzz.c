/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/fuzz/blob_fuzz.c - Arbitrary bytes as a compiled policy, then questions to it
 *
 * First byte 0: the rest is a blob; magic, version, order and size are put
 * right, because guessing those teaches nothing. Else: the rest is a list of
 * changes to a good blob, each a table, a word in it and its new value.
 * Whatever policy_open() takes must answer any question.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/compile.h"
#include "policy/format.h"

#define BIT(op) POLICY_OP_BIT(POLICY_OP_##op)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const paths[] = { "/w/src", "/w/**/*.pem", "/w/a?c/[x-z]*" };
static const char *const trees[] = { "/w/**", "/w/{literal,lateral}" };
static const char *const run[] = { "git", "/usr/sbin/*" };
static const char *const args[] = { "push", "**", "--f*" };
static const char *const elsewhere[] = { "/v/**" };
static const char *const by[] = { "cat", "/opt/**" };
static const struct policy_net net = { .prefix_bits = 9, .port_low = 1, .port_high = 99 };

static const struct policy_rule rules[] = {
	{ .id = "keys", .section = POLICY_SECTION_FILES, .ops = BIT(READ), .path = paths, .path_count = 3,
	  .by = by, .by_count = 2, .message = "No." },
	{ .id = "stood", .section = POLICY_SECTION_FILES, .ops = BIT(WRITE), .path = paths, .path_count = 2,
	  .flags = POLICY_RULE_STOOD_SELF | POLICY_F_HIDE },
	{ .id = "work", .section = POLICY_SECTION_FILES, .ops = POLICY_OPS_FILES, .verdict = POLICY_ALLOW,
	  .path = trees, .path_count = 2 },
	{ .id = "git", .section = POLICY_SECTION_COMMANDS, .ops = BIT(RUN), .run = run, .run_count = 2,
	  .args = args, .args_count = 3 },
	{ .id = "net", .section = POLICY_SECTION_NETWORK, .ops = BIT(CONNECT), .net = &net, .net_count = 1 },
	{ .id = "agent", .section = POLICY_SECTION_SOCKETS, .ops = BIT(SOCKET), .verdict = POLICY_REDIRECT,
	  .target = "/x", .path = trees, .path_count = 1 },
	{ .id = "to", .section = POLICY_SECTION_FILES, .ops = POLICY_OPS_REDIRECT, .verdict = POLICY_REDIRECT,
	  .target = "/there", .path = elsewhere, .path_count = 1 },
	{ .id = "words", .section = POLICY_SECTION_COMMANDS, .ops = BIT(RUN), .verdict = POLICY_REDIRECT,
	  .target = "a\0\0${ARGS}", .target_len = 11, .run = trees, .run_count = 1 },
};

static void *good_blob(size_t *ret_size)
{
	struct policy_builder *b;
	struct policy_diag diag;
	uint32_t source;
	void *blob;
	size_t i;

	if (policy_builder_new(&b) < 0 || policy_builder_layer(b, "base", true) < 0)
		abort();
	for (i = 0; i < ARRAY_SIZE(rules); i++) {
		if (i == 1 && policy_builder_layer(b, "system", false) < 0)
			abort();
		if (policy_builder_add(b, &rules[i], &diag) < 0)
			abort();
	}
	if (policy_builder_emit(b, &blob, ret_size, &diag, &source) < 0)
		abort();
	policy_builder_free(b);
	return blob;
}

static const uint32_t words_of[] = {
	[BLOB_TABLE_STATE] = 4, [BLOB_TABLE_CELL] = 2, [BLOB_TABLE_CHAIN] = 4, [BLOB_TABLE_TEXT] = 1,
	[BLOB_TABLE_LIST] = 2, [BLOB_TABLE_ENTRY] = 4, [BLOB_TABLE_RULE] = 16, [BLOB_TABLE_ARG] = 1,
	[BLOB_TABLE_NET] = 8, [BLOB_TABLE_SUMMARY] = 6, [BLOB_TABLE_STRING] = 1,
};

/* 6 bytes each: table (or BLOB_TABLE_COUNT: the header), element, word, and 3 of the value */
static void *changed_blob(const uint8_t *data, size_t size, size_t *ret_size)
{
	static void *good;		/* compiled once: it is most of the time otherwise */
	static size_t good_size;
	uint32_t *word;
	struct blob_header h;

	if (!good)
		good = good_blob(&good_size);
	word = malloc(good_size);
	if (!word)
		abort();
	memcpy(word, good, good_size);
	*ret_size = good_size;
	memcpy(&h, word, sizeof(h));
	for (; size >= 6; data += 6, size -= 6) {
		uint32_t table = data[0] % (BLOB_TABLE_COUNT + 1), value, at;

		value = data[3] | (uint32_t)data[4] << 8 | (uint32_t)(data[5] & 0x3f) << 16 |
			(uint32_t)(data[5] & 0xc0) << 24;
		at = table == BLOB_TABLE_COUNT ? data[1] % (sizeof(h) / 4) :
			h.table[table].off / 4 +
			(h.table[table].count ? data[1] % h.table[table].count : 0) * words_of[table] +
			data[2] % words_of[table];
		if (at < *ret_size / 4)
			word[at] = value;
	}
	return word;
}

static void *raw_blob(const uint8_t *data, size_t size, size_t *ret_size)
{
	struct blob_header *h = malloc(size ? size : 1);

	if (!h)
		abort();
	if (size)
		memcpy(h, data, size);
	if (size >= sizeof(*h)) {
		h->magic = BLOB_MAGIC;
		h->version = BLOB_VERSION;
		h->order = BLOB_ORDER;
		h->size = (uint32_t)size;
	}
	*ret_size = size;
	return h;
}

/* Every byte of an answer must be there to read */
static uint64_t read_all(struct policy_str s)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i <= s.len; i++)
		sum += (unsigned char)s.s[i];
	return sum;
}

static void ask(const struct policy *p, const struct policy_request *req)
{
	struct policy_decision d;
	volatile uint64_t sink;

	policy_eval(p, req, &d);
	sink = read_all(d.rule) + read_all(d.message) + read_all(d.target);
	(void)sink;
	if (req->op == POLICY_OP_RUN && d.verdict == POLICY_REDIRECT &&
	    (d.target.len < 2 || !d.target.s[0] || d.target.s[d.target.len - 1]))
		abort();	/* a program, and a NUL behind its last word */
	if (d.verdict >= POLICY_VERDICT_COUNT || (d.verdict == POLICY_DENY) != (d.err > 0))
		abort();
}

static const char *const some_path[] = {
	"/", "/v/x", "/w", "/w/src", "/w/literal", "/w/latex", "/w/a/b.pem", "/w/abc/xyz", "/usr/sbin/x", "/w/src/deep/er/x.pem",
};

static void ask_all(const struct policy *p)
{
	static const char *const argv[] = { "git", "push", "a", "--force" };
	size_t i;
	uint32_t op;

	for (i = 0; i < ARRAY_SIZE(some_path); i++) {
		for (op = 0; op < POLICY_OP_COUNT; op++) {
			struct policy_request req = { .op = (enum policy_op)op, .traits = op % 4 };

			req.subject.exe = policy_str(i % 2 ? "/opt/x/cat" : "");
			req.object.kind = policy_op_object(req.op);
			if (req.object.kind == POLICY_OBJECT_PATH)
				req.object.path = policy_str(some_path[i]);
			if (req.object.kind == POLICY_OBJECT_EXEC) {
				req.object.exec.path = policy_str(some_path[i]);
				req.object.exec.asked = policy_str("git");
				req.object.exec.argv = argv;
				req.object.exec.argc = ARRAY_SIZE(argv);
			}
			ask(p, &req);
		}
	}
}

static void walk_states(const struct policy *p)
{
	struct policy_state st;
	struct policy_beneath b;
	struct policy_decision d;
	struct policy_subject s = { policy_str("/bin/cat") };
	size_t i;

	policy_state_root(p, &st);
	for (i = 0; i < ARRAY_SIZE(some_path); i++) {
		policy_state_step(p, &st, policy_str(some_path[i] + 1), &st);
		policy_state_beneath(p, &st, &b);
		policy_eval_state(p, &st, POLICY_OP_READ, POLICY_T_UNKNOWN, &s, &d);
		(void)policy_state_class(p, &st);	/* must only end */
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy p;
	size_t blob_size;
	void *blob;

	if (size == 0)
		return 0;
	blob = data[0] ? changed_blob(data + 1, size - 1, &blob_size) :
			 raw_blob(data + 1, size - 1, &blob_size);
	if (policy_open(&p, blob, blob_size) == 0) {
		uint32_t section, i;
		struct policy_str s;

		ask_all(&p);
		walk_states(&p);
		for (section = 0; section <= POLICY_SECTION_COUNT; section++)
			(void)(policy_has_by(&p, (enum policy_section)section) +
			       policy_has_rules(&p, (enum policy_section)section));	/* must only end */
		for (i = 0; policy_rule_get(&p, i, &s, &s, &s); i++)
			(void)read_all(s);	/* must be there to read */
	}
	free(blob);
	return 0;
}
