/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/notifyd_memo_test.c - What is remembered of programs, and when it is not taken for true
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "notifyd/memo.h"

static struct stat file(void)
{
	struct stat st = { .st_dev = 1, .st_ino = 2, .st_mode = S_IFREG | 0755, .st_size = 3, .st_nlink = 1 };

	st.st_ctim.tv_sec = 4;
	st.st_ctim.tv_nsec = 5;
	return st;
}

static struct resolver_reply *make_reply(uint32_t flags)
{
	struct resolver_reply *rep = calloc(1, sizeof(*rep));

	assert_non_null(rep);
	rep->count = 1;
	rep->object[0] = (struct resolver_object){
		.dev = 1, .ino = 2, .mode = S_IFREG | 0755, .size = 3, .ctime_sec = 4, .ctime_nsec = 5, .flags = flags,
		.path_off = 0, .asked_off = 9,
	};
	rep->text_len = 16;
	memcpy(rep->text, "/bin/cat\0/bin/c\0", 16);
	return rep;
}

static void test_found(void **state)
{
	struct resolver_reply *rep = make_reply(RESOLVER_O_FIXED), *got = calloc(1, sizeof(*got));
	struct memo m;
	struct stat st = file();

	(void)state;
	assert_non_null(got);
	memo_init(&m);
	assert_false(memo_find(&m, "/bin/c", &st, got));
	memo_keep(&m, "/bin/c", rep);
	assert_true(memo_find(&m, "/bin/c", &st, got));
	assert_int_equal(got->count, 1);
	assert_memory_equal(got->object, rep->object, sizeof(rep->object[0]));
	assert_memory_equal(got->text, rep->text, rep->text_len);
	assert_false(memo_find(&m, "/bin/d", &st, got));
	memo_keep(&m, "/bin/c", rep);	/* in its own place */
	assert_true(memo_find(&m, "/bin/c", &st, got));
	memo_free(&m);
	free(rep);
	free(got);
}

/* Another file, another content, another mode, no name any more: each is another program */
static void test_changed(void **state)
{
	struct resolver_reply *rep = make_reply(RESOLVER_O_FIXED), *got = calloc(1, sizeof(*got));
	struct stat other[8];
	struct memo m;

	(void)state;
	assert_non_null(got);
	memo_init(&m);
	memo_keep(&m, "/bin/c", rep);
	for (size_t i = 0; i < 8; i++)
		other[i] = file();
	other[0].st_dev++;
	other[1].st_ino++;
	other[2].st_mode ^= 0100;
	other[3].st_size++;
	other[4].st_ctim.tv_sec++;
	other[5].st_ctim.tv_nsec++;
	other[6].st_nlink = 0;
	for (size_t i = 0; i < 7; i++) {
		assert_false(memo_find(&m, "/bin/c", &other[i], got));
		assert_false(memo_is_same(&rep->object[0], &other[i]));
	}
	assert_true(memo_find(&m, "/bin/c", &other[7], got));
	memo_free(&m);
	free(rep);
	free(got);
}

static void test_not_kept(void **state)
{
	struct resolver_reply *rep = make_reply(0), *got = calloc(1, sizeof(*got));
	struct stat st = file();
	struct memo m;

	(void)state;
	assert_non_null(got);
	memo_init(&m);
	memo_keep(&m, "/bin/c", rep);	/* who inside can change it might do so within a tick of the clock */
	assert_false(memo_find(&m, "/bin/c", &st, got));
	rep->object[0].flags = RESOLVER_O_FIXED;
	rep->text_len = MEMO_TEXT_MAX + 1;
	memo_keep(&m, "/bin/c", rep);
	assert_false(memo_find(&m, "/bin/c", &st, got));
	rep->text_len = 16;
	rep->count = MEMO_OBJECTS_MAX + 1;
	memo_keep(&m, "/bin/c", rep);
	assert_false(memo_find(&m, "/bin/c", &st, got));
	rep->count = 0;
	memo_keep(&m, "/bin/c", rep);
	assert_false(memo_find(&m, "/bin/c", &st, got));
	memo_free(&m);
	free(rep);
	free(got);
}

/* However many there are, those that are found are right */
static void test_many(void **state)
{
	struct resolver_reply *rep = make_reply(RESOLVER_O_FIXED), *got = calloc(1, sizeof(*got));
	unsigned found = 0;
	struct memo m;
	char name[32];

	(void)state;
	assert_non_null(got);
	memo_init(&m);
	for (unsigned i = 0; i < 4 * MEMO_SLOTS; i++) {
		(void)snprintf(name, sizeof(name), "/bin/%u", i);
		rep->object[0].ino = i;
		memo_keep(&m, name, rep);
	}
	for (unsigned i = 0; i < 4 * MEMO_SLOTS; i++) {
		struct stat st = file();

		(void)snprintf(name, sizeof(name), "/bin/%u", i);
		st.st_ino = i;
		if (memo_find(&m, name, &st, got)) {
			assert_int_equal(got->object[0].ino, i);
			found++;
		}
	}
	assert_in_range(found, 1, MEMO_SLOTS);
	memo_free(&m);
	free(rep);
	free(got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found), cmocka_unit_test(test_changed), cmocka_unit_test(test_not_kept),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
