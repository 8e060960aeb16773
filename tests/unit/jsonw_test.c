/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/jsonw_test.c - The JSON writer: escapes, bounds, commas
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

#include "common/jsonw.h"

static void expect_str(const char *in, size_t len, const char *want)
{
	char buf[256];
	struct jsonw w;

	jsonw_init(&w, buf, sizeof(buf));
	jsonw_str(&w, (struct policy_str){ in, (uint32_t)len });
	assert_false(w.overflowed);
	assert_string_equal(buf, want);
}
#define STR(in, want) expect_str(in, sizeof(in) - 1, want)

static void escapes(void **state)
{
	(void)state;
	STR("plain /path", "\"plain /path\"");
	STR("a\"b\\c", "\"a\\\"b\\\\c\"");
	STR("a\nb\tc\rd", "\"a\\nb\\tc\\rd\"");
	STR("\0\x1b\x7f", "\"\\u0000\\u001b\\u007f\"");
	STR("\xff\xfe", "\"\\u00ff\\u00fe\"");
	STR("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"");
	STR("\xc2\x9b", "\"\\u009b\"");			/* CSI in one character */
	STR("\xe2\x80\xae\xe2\x80\x8b", "\"\\u202e\\u200b\"");	/* turns the text round; is not seen */
	STR("\xf3\xa0\x81\x81", "\"\\udb40\\udc41\"");	/* tag letters */
	STR("\xc0\x80", "\"\\u00c0\\u0080\"");		/* overlong */
	STR("\xed\xa0\x80", "\"\\u00ed\\u00a0\\u0080\"");	/* surrogate */
	STR("\xf5\x80\x80\x80", "\"\\u00f5\\u0080\\u0080\\u0080\"");
	STR("x\xe2\x82", "\"x\\u00e2\\u0082\"");		/* cut short */
}

static void structure(void **state)
{
	char buf[256];
	struct jsonw w;

	(void)state;
	jsonw_init(&w, buf, sizeof(buf));
	jsonw_object_begin(&w);
	jsonw_key(&w, "a");
	jsonw_array_begin(&w);
	jsonw_array_end(&w);
	jsonw_key(&w, "b");
	jsonw_array_begin(&w);
	jsonw_int(&w, -5);
	jsonw_int(&w, INT64_MIN);
	jsonw_uint(&w, UINT64_MAX);
	jsonw_bool(&w, true);
	jsonw_cstr(&w, NULL);
	jsonw_object_begin(&w);
	jsonw_object_end(&w);
	jsonw_array_end(&w);
	jsonw_key(&w, "c");
	jsonw_uint(&w, 0);
	jsonw_object_end(&w);
	assert_string_equal(buf, "{\"a\":[],\"b\":[-5,-9223372036854775808,18446744073709551615,true,null,{}],\"c\":0}");
	assert_int_equal(w.len, strlen(buf));
}

static void overflow_is_sticky_and_stays_inside(void **state)
{
	(void)state;
	for (size_t size = 0; size < 24; size++) {
		char buf[32];
		struct jsonw w;

		memset(buf, '#', sizeof(buf));
		jsonw_init(&w, buf, size);
		jsonw_object_begin(&w);
		jsonw_key(&w, "key");
		jsonw_str(&w, (struct policy_str){ "\x01 long", 6 });
		jsonw_object_end(&w);
		assert_int_equal(w.overflowed, size < sizeof("{\"key\":\"\\u0001 long\"}"));
		assert_true(w.len < size || size == 0);
		if (size > 0)
			assert_int_equal(buf[w.len], '\0');
		for (size_t i = size; i < sizeof(buf); i++)
			assert_int_equal(buf[i], '#');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escapes), cmocka_unit_test(structure),
		cmocka_unit_test(overflow_is_sticky_and_stays_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
