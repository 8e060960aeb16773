/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/fuzz/jsonw_fuzz.c - Whatever bytes are written, the line is valid, printable and one line
 */
#include <stdlib.h>
#include <string.h>

#include "audit/reader.h"
#include "cli/words_text.h"
#include "common/jsonw.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void is_printable(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_str s = { (const char *)data, (uint32_t)size };
	size_t room = size > 1 ? (size_t)(data[0] << 8 | data[1]) % (6 * size + 64) : 64;
	char *buf = malloc(6 * size + 64), *small = malloc(room ? room : 1), *scratch = malloc(6 * size + 64);
	struct audit_record *rec = malloc(sizeof(*rec));
	char text[300];
	struct jsonw w;

	if (!buf || !small || !scratch || !rec)
		abort();
	jsonw_init(&w, buf, 6 * size + 64);
	jsonw_object_begin(&w);
	jsonw_key(&w, "seq");
	jsonw_uint(&w, 1);
	jsonw_key(&w, "object");
	jsonw_str(&w, s);
	jsonw_object_end(&w);
	if (w.overflowed || audit_record_parse(rec, scratch, buf, w.len) != 0)
		abort();
	is_printable(buf, w.len);
	jsonw_init(&w, small, room);
	jsonw_str(&w, s);
	if (room > 0 && small[w.len] != '\0')
		abort();
	text_path(text, room % sizeof(text) + 1, s, "/ho");
	is_printable(text, strlen(text));
	free(buf);
	free(small);
	free(scratch);
	free(rec);
	return 0;
}
