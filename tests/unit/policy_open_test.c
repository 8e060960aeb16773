/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/policy_open_test.c - Compiled policies that lie, one lie each
 *
 * Each lie changes one field of a good blob, which is opened before and after
 * to show that it was this field and no other.
 */
#include "tests/unit/policy_fixture.h"

#include <errno.h>

#include "policy/format.h"

/* Which element of a table the lie is told about */
enum pick { FIRST, LAST, CHAIN_STATE, CELL_STATE, RETRY_STATE, SINK_STATE, TAKEN_CELL, FULL_LIST, LONG_LIST, HEADER };

struct lie {
	enum blob_table table;
	enum pick pick;
	size_t off;		/* of the field, in the element */
	uint32_t value;
	int err;		/* 0: -EBADMSG */
};

#define F(type, field) offsetof(struct type, field)
#define LAYER(field) (F(blob_header, layer) + F(blob_layer, field))
#define TABLE_OFF(t) (F(blob_header, table) + (t) * sizeof(struct blob_range))
#define TABLE_COUNT(t) (TABLE_OFF(t) + 4)

static const struct lie lie[] = {
	{ 0, HEADER, F(blob_header, magic), 1, 0 },
	{ 0, HEADER, F(blob_header, version), 2, -EPROTO },
	{ 0, HEADER, F(blob_header, order), 0x04030201, 0 },
	{ 0, HEADER, F(blob_header, size), 64, 0 },
	{ 0, HEADER, F(blob_header, layer_count), 0, 0 },
	{ 0, HEADER, F(blob_header, layer_count), POLICY_LAYER_MAX + 1, 0 },
	{ 0, HEADER, F(blob_header, layer_count), 3, 0 },	/* a layer of zeros: no name */
	{ 0, HEADER, TABLE_OFF(BLOB_TABLE_STATE), 0, 0 },
	{ 0, HEADER, TABLE_OFF(BLOB_TABLE_CELL), UINT32_MAX - 7, 0 },
	{ 0, HEADER, TABLE_OFF(BLOB_TABLE_RULE), sizeof(struct blob_header) + 4, 0 },
	{ 0, HEADER, TABLE_COUNT(BLOB_TABLE_STATE), 0, 0 },
	{ 0, HEADER, TABLE_COUNT(BLOB_TABLE_STATE), UINT32_MAX, 0 },
	{ 0, HEADER, TABLE_COUNT(BLOB_TABLE_CELL), 1, 0 },
	{ 0, HEADER, TABLE_COUNT(BLOB_TABLE_CELL), 1u << 29, 0 },	/* times 8 wraps */
	{ 0, HEADER, TABLE_COUNT(BLOB_TABLE_CHAIN), 0, 0 },
	{ 0, HEADER, TABLE_COUNT(BLOB_TABLE_TEXT), 1, 0 },
	{ 0, HEADER, TABLE_COUNT(BLOB_TABLE_LIST), 0, 0 },
	{ 0, HEADER, TABLE_COUNT(BLOB_TABLE_ENTRY), 0, 0 },
	{ 0, HEADER, TABLE_COUNT(BLOB_TABLE_RULE), 0, 0 },
	{ 0, HEADER, TABLE_COUNT(BLOB_TABLE_RULE), 1u << 26, 0 },	/* times 64 wraps */
	{ 0, HEADER, TABLE_COUNT(BLOB_TABLE_ARG), 0, 0 },
	{ 0, HEADER, TABLE_COUNT(BLOB_TABLE_NET), 0, 0 },
	{ 0, HEADER, TABLE_COUNT(BLOB_TABLE_SUMMARY), 0, 0 },
	{ 0, HEADER, TABLE_COUNT(BLOB_TABLE_STRING), 1, 0 },

	{ 0, HEADER, LAYER(name.off), UINT32_MAX, 0 },
	{ 0, HEADER, LAYER(name.len), UINT32_MAX, 0 },
	{ 0, HEADER, LAYER(name.len), 3, 0 },		/* "base": no NUL there */
	{ 0, HEADER, LAYER(flags), 0, 0 },
	{ 0, HEADER, LAYER(flags), 2, 0 },
	{ 0, HEADER, LAYER(flags), 5, 0 },
	{ 0, HEADER, LAYER(flags) + sizeof(struct blob_layer), 1, 0 },
	{ 0, HEADER, LAYER(dead_summary_idx), 1u << 20, 0 },
	{ 0, HEADER, LAYER(root[POLICY_SECTION_FILES]), 1u << 20, 0 },
	{ 0, HEADER, LAYER(root[POLICY_SECTION_COMMANDS]), UINT32_MAX, 0 },
	{ 0, HEADER, LAYER(fallback[POLICY_SECTION_FILES]), POLICY_VERDICT_COUNT, 0 },
	{ 0, HEADER, LAYER(fallback[POLICY_SECTION_NETWORK]), POLICY_REDIRECT, 0 },
	{ 0, HEADER, LAYER(net_first_idx), UINT32_MAX, 0 },
	{ 0, HEADER, LAYER(net_count), 3, 0 },

	{ BLOB_TABLE_STATE, FIRST, F(blob_state, base), 0, 0 },
	{ BLOB_TABLE_STATE, FIRST, F(blob_state, fail), 1, 0 },		/* a sink with a way out */
	{ BLOB_TABLE_STATE, FIRST, F(blob_state, list_idx), 1, 0 },
	{ BLOB_TABLE_STATE, SINK_STATE, F(blob_state, base), BLOB_BASE_SINK | 1, 0 },
	{ BLOB_TABLE_STATE, SINK_STATE, F(blob_state, fail), 0, 0 },
	{ BLOB_TABLE_STATE, LAST, F(blob_state, list_idx), 1u << 20, 0 },
	{ BLOB_TABLE_STATE, LAST, F(blob_state, summary_idx), 1u << 20, 0 },
	{ BLOB_TABLE_STATE, CELL_STATE, F(blob_state, base), 1u << 24, 0 },
	{ BLOB_TABLE_STATE, CELL_STATE, F(blob_state, fail), 1u << 24, 0 },
	{ BLOB_TABLE_STATE, CHAIN_STATE, F(blob_state, base), BLOB_BASE_CHAIN | 1u << 20, 0 },
	{ BLOB_TABLE_STATE, RETRY_STATE, F(blob_state, fail), BLOB_FAIL_RETRY | 1u << 20, 0 },

	{ BLOB_TABLE_CELL, TAKEN_CELL, F(blob_cell, next), 1u << 20, 0 },
	{ BLOB_TABLE_CELL, TAKEN_CELL, F(blob_cell, check), 1u << 20, 0 },
	{ BLOB_TABLE_CHAIN, FIRST, F(blob_chain, text_off), 1u << 20, 0 },
	{ BLOB_TABLE_CHAIN, FIRST, F(blob_chain, text_len), 1u << 20, 0 },
	{ BLOB_TABLE_CHAIN, FIRST, F(blob_chain, text_len), 0, 0 },
	{ BLOB_TABLE_CHAIN, FIRST, F(blob_chain, next), 1u << 20, 0 },
	{ BLOB_TABLE_LIST, FIRST, F(blob_list, entry_count), 1, 0 },
	{ BLOB_TABLE_LIST, LAST, F(blob_list, entry_count), UINT32_MAX, 0 },
	{ BLOB_TABLE_LIST, LAST, F(blob_list, entry_first_idx), UINT32_MAX, 0 },
	{ BLOB_TABLE_ENTRY, FIRST, F(blob_entry, ops), 1u << 20, 0 },
	{ BLOB_TABLE_ENTRY, FIRST, F(blob_entry, rule_idx), 1u << 20, 0 },
	{ BLOB_TABLE_ENTRY, FIRST, F(blob_entry, cond), BLOB_COND_ARGS, 0 },

	{ BLOB_TABLE_RULE, FIRST, F(blob_rule, section), 0, 0 },
	{ BLOB_TABLE_RULE, FIRST, F(blob_rule, section), POLICY_SECTION_COUNT, 0 },
	{ BLOB_TABLE_RULE, FIRST, F(blob_rule, layer_idx), 2, 0 },
	{ BLOB_TABLE_RULE, FIRST, F(blob_rule, verdict), POLICY_VERDICT_COUNT, 0 },
	{ BLOB_TABLE_RULE, FIRST, F(blob_rule, verdict), POLICY_ALLOW, 0 },	/* "by" with allow, and an errno */
	{ BLOB_TABLE_RULE, FIRST, F(blob_rule, err), 0, 0 },
	{ BLOB_TABLE_RULE, FIRST, F(blob_rule, err), 4096, 0 },
	{ BLOB_TABLE_RULE, FIRST, F(blob_rule, err), (uint32_t)-1, 0 },
	{ BLOB_TABLE_RULE, FIRST, F(blob_rule, flags), 1u << 31, 0 },
	{ BLOB_TABLE_RULE, FIRST, F(blob_rule, flags), POLICY_F_HIDE, 0 },	/* hides, but EACCES */
	{ BLOB_TABLE_RULE, FIRST, F(blob_rule, by), 1u << 20, 0 },
	{ BLOB_TABLE_RULE, FIRST, F(blob_rule, arg_first_idx), UINT32_MAX, 0 },
	{ BLOB_TABLE_RULE, FIRST, F(blob_rule, arg_count), UINT32_MAX, 0 },
	{ BLOB_TABLE_RULE, FIRST, F(blob_rule, id.off), UINT32_MAX, 0 },
	{ BLOB_TABLE_RULE, FIRST, F(blob_rule, id.len), 1, 0 },
	{ BLOB_TABLE_RULE, FIRST, F(blob_rule, message.len), UINT32_MAX, 0 },
	{ BLOB_TABLE_RULE, FIRST, F(blob_rule, message.len), 9, 0 },	/* over the NUL into the next */
	{ BLOB_TABLE_RULE, FIRST, F(blob_rule, target.off), UINT32_MAX, 0 },
	{ BLOB_TABLE_RULE, FIRST, F(blob_rule, target.len), 1, 0 },
	{ BLOB_TABLE_RULE, LAST, F(blob_rule, target.len), 0, 0 },
	{ BLOB_TABLE_RULE, LAST, F(blob_rule, target.len), 1, 0 },
	{ BLOB_TABLE_RULE, LAST, F(blob_rule, target.len), 5, 0 },	/* in the middle of a word */
	{ BLOB_TABLE_RULE, LAST, F(blob_rule, target.len), UINT32_MAX, 0 },
	{ BLOB_TABLE_RULE, LAST, F(blob_rule, target.off), UINT32_MAX, 0 },
	{ BLOB_TABLE_RULE, LAST, F(blob_rule, target.off), 0, 0 },
	{ BLOB_TABLE_RULE, LAST, F(blob_rule, section), POLICY_SECTION_FILES, 0 },	/* NULs, and no path */
	{ BLOB_TABLE_RULE, LAST, F(blob_rule, verdict), POLICY_ALLOW, 0 },
	{ BLOB_TABLE_ARG, FIRST, 0, 1u << 20, 0 },
	{ BLOB_TABLE_NET, FIRST, F(blob_net, prefix_bits), 129, 0 },
	{ BLOB_TABLE_NET, FIRST, F(blob_net, rule_idx), 1u << 20, 0 },
};

static void make(struct fixture *f)
{
	static const struct policy_net net[2] = { { .port_high = 9 }, { .port_low = 10, .port_high = 12 } };

	fixture_begin(f);
	fixture_add(f, (struct policy_rule){ FILES_RULE, .id = "long-id", .ops = BIT(READ), .verdict = POLICY_DENY,
					     .message = "Message", PATHS("/w/literal", "/w/lateral", "/w/**/*.key"),
					     BYS("cat") });
	fixture_add(f, (struct policy_rule){ FILES_RULE, .id = "work", .ops = BIT(READ), .verdict = POLICY_ALLOW,
					     PATHS("/w/**") });
	fixture_add(f, (struct policy_rule){ .section = POLICY_SECTION_COMMANDS, .id = "git", .ops = BIT(RUN),
					     RUNS("git"), ARGS("push") });
	fixture_add(f, (struct policy_rule){ .section = POLICY_SECTION_NETWORK, .id = "net", .ops = BIT(CONNECT),
					     .net = net, .net_count = 2 });
	fixture_layer(f, "system");
	fixture_add(f, (struct policy_rule){ .section = POLICY_SECTION_COMMANDS, .id = "to", .ops = BIT(RUN),
					     .verdict = POLICY_REDIRECT, .target = "fetch\0${ARGS}", .target_len = 14,
					     RUNS("curl") });
	fixture_open(f);
}

static bool is_picked(const struct blob *b, enum pick pick, uint32_t i, uint32_t count)
{
	switch (pick) {
	case FIRST:
		return i == 0;
	case LAST:
		return i == count - 1;
	case CHAIN_STATE:
		return b->state[i].base & BLOB_BASE_CHAIN;
	case CELL_STATE:
		return !(b->state[i].base & (BLOB_BASE_CHAIN | BLOB_BASE_SINK));
	case RETRY_STATE:
		return b->state[i].fail & BLOB_FAIL_RETRY;
	case SINK_STATE:
		return i > 0 && b->state[i].base == BLOB_BASE_SINK;
	case TAKEN_CELL:
		return b->cell[i].check;
	case FULL_LIST:
		return b->list[i].entry_count > 0;
	case LONG_LIST:
		return b->list[i].entry_count > 1;
	case HEADER:
		break;
	}
	return false;
}

static const size_t size_of[] = {
	[BLOB_TABLE_STATE] = sizeof(struct blob_state), [BLOB_TABLE_CELL] = sizeof(struct blob_cell),
	[BLOB_TABLE_CHAIN] = sizeof(struct blob_chain), [BLOB_TABLE_TEXT] = 1,
	[BLOB_TABLE_LIST] = sizeof(struct blob_list), [BLOB_TABLE_ENTRY] = sizeof(struct blob_entry),
	[BLOB_TABLE_RULE] = sizeof(struct blob_rule), [BLOB_TABLE_ARG] = 4,
	[BLOB_TABLE_NET] = sizeof(struct blob_net), [BLOB_TABLE_SUMMARY] = sizeof(struct blob_summary),
	[BLOB_TABLE_STRING] = 1,
};

/* Where in the blob the picked element begins */
static size_t find_element(const struct fixture *f, enum blob_table table, enum pick pick)
{
	struct blob b = blob_view(&f->p);
	uint32_t i, count = b.header->table[table].count;

	if (pick == HEADER)
		return 0;
	for (i = 0; i < count; i++)
		if (is_picked(&b, pick, i, count))
			return b.header->table[table].off + i * size_of[table];
	fail_msg("no element %d in table %d", (int)pick, (int)table);
	return 0;
}

static void write_word(struct fixture *f, size_t at, uint32_t value)
{
	assert_true(at + 4 <= f->size);
	memcpy((char *)f->blob + at, &value, 4);
}

static uint32_t read_word(const struct fixture *f, size_t at)
{
	uint32_t value;

	memcpy(&value, (char *)f->blob + at, 4);
	return value;
}

static void test_lies(void **unused)
{
	struct policy p = { 0 };
	struct fixture f;
	size_t i;

	(void)unused;
	make(&f);
	for (i = 0; i < ARRAY_SIZE(lie); i++) {
		size_t at = find_element(&f, lie[i].table, lie[i].pick) + lie[i].off;
		uint32_t old = read_word(&f, at);

		if (old == lie[i].value)
			fail_msg("lie %zu is the truth", i);
		write_word(&f, at, lie[i].value);
		if (policy_open(&p, f.blob, f.size) != (lie[i].err ? lie[i].err : -EBADMSG))
			fail_msg("lie %zu believed (table %d, offset %zu)", i, (int)lie[i].table, lie[i].off);
		assert_null(p.base);
		write_word(&f, at, old);
		assert_int_equal(policy_open(&(struct policy){ 0 }, f.blob, f.size), 0);
	}
	fixture_end(&f);
}

/* A walk that would go round in circles */
static void test_circles(void **unused)
{
	struct policy p;
	struct fixture f;
	size_t chain, retry, cell;
	uint32_t retry_idx, chain_idx;

	(void)unused;
	make(&f);
	chain = find_element(&f, BLOB_TABLE_STATE, CHAIN_STATE);
	retry = find_element(&f, BLOB_TABLE_STATE, RETRY_STATE);
	cell = find_element(&f, BLOB_TABLE_STATE, CELL_STATE);
	chain_idx = (uint32_t)((chain - find_element(&f, BLOB_TABLE_STATE, FIRST)) / sizeof(struct blob_state));
	retry_idx = (uint32_t)((retry - find_element(&f, BLOB_TABLE_STATE, FIRST)) / sizeof(struct blob_state));
	write_word(&f, cell + F(blob_state, fail), BLOB_FAIL_RETRY | retry_idx);	/* to one that retries */
	assert_int_equal(policy_open(&p, f.blob, f.size), -EBADMSG);
	write_word(&f, cell + F(blob_state, fail), BLOB_FAIL_RETRY | chain_idx);
	assert_int_equal(policy_open(&p, f.blob, f.size), -EBADMSG);
	write_word(&f, cell + F(blob_state, fail), 0);
	assert_int_equal(policy_open(&p, f.blob, f.size), 0);
	write_word(&f, chain + F(blob_state, fail), chain_idx);		/* a chain that fails to itself */
	assert_int_equal(policy_open(&p, f.blob, f.size), -EBADMSG);
	fixture_end(&f);
}

static void test_entries_out_of_order(void **unused)
{
	struct policy p;
	struct fixture f;
	size_t list, entry;
	struct blob_entry swap;

	(void)unused;
	make(&f);
	list = find_element(&f, BLOB_TABLE_LIST, LONG_LIST);
	entry = find_element(&f, BLOB_TABLE_ENTRY, FIRST) +
		read_word(&f, list) * sizeof(struct blob_entry);
	memcpy(&swap, (char *)f.blob + entry, sizeof(swap));
	memmove((char *)f.blob + entry, (char *)f.blob + entry + sizeof(swap), sizeof(swap));
	assert_int_equal(policy_open(&p, f.blob, f.size), -EBADMSG);	/* twice the same */
	memcpy((char *)f.blob + entry + sizeof(swap), &swap, sizeof(swap));
	assert_int_equal(policy_open(&p, f.blob, f.size), -EBADMSG);
	fixture_end(&f);
}

static void test_sizes(void **unused)
{
	struct policy p;
	struct fixture f;
	size_t size;
	char *copy;

	(void)unused;
	make(&f);
	for (size = 0; size < f.size; size += size < 400 ? 1 : 97) {
		copy = malloc(size ? size : 1);		/* exact, so that a sanitizer sees a read beyond */
		memcpy(copy, f.blob, size);
		assert_int_equal(policy_open(&p, copy, size), -EBADMSG);
		free(copy);
	}
	copy = calloc(1, f.size + 16);
	memcpy(copy, f.blob, f.size);
	assert_int_equal(policy_open(&p, copy, f.size + 8), -EBADMSG);
	memcpy(copy + 4, f.blob, f.size);
	assert_int_equal(policy_open(&p, copy + 4, f.size), -EINVAL);
	free(copy);
	fixture_end(&f);
}

/* Any one byte changed: refused, or still safe to ask (the sanitizers watch) */
static void test_every_byte(void **unused)
{
	static const char *const path[] = { "/", "/w/literal", "/w/x/y.key", "/w/literaX", "/etc/passwd" };
	struct fixture f;
	size_t i, k, refused = 0;

	(void)unused;
	make(&f);
	for (i = 0; i < f.size; i++) {
		unsigned char *byte = (unsigned char *)f.blob + i, old = *byte;

		*byte = (unsigned char)(old ^ (1u << i % 8));
		if (policy_open(&f.p, f.blob, f.size) == 0)
			for (k = 0; k < ARRAY_SIZE(path); k++)
				(void)ask(&f, POLICY_OP_READ, path[k]);	/* must only end */
		else
			refused++;
		*byte = old;
	}
	assert_true(refused > f.size / 8);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_circles),
		cmocka_unit_test(test_entries_out_of_order),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
