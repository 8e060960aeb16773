/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/fuzz/log_fuzz.c - A log that anybody may have written: lines, chain, filters; and command lines to be masked
 */
#include <stdlib.h>
#include <string.h>

#include "audit/chain.h"
#include "audit/key.h"
#include "audit/mask.h"
#include "audit/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one_line(struct chain *c, const char *line, size_t len)
{
	const struct chain_key key = { .public = { 1 } };
	const struct audit_filter filter = {
		.denied = true, .op = "read", .path = "*/x*[a-z]", .program = "c*", .since = "2026-01-01T",
	};
	char *scratch = malloc(len ? len : 1);
	struct audit_record *rec = malloc(sizeof(*rec));

	if (!scratch || !rec)
		abort();
	if (audit_record_parse(rec, scratch, line, len) == 0) {
		(void)audit_filter_matches(&filter, rec);
		for (uint32_t i = 0; i < rec->argc; i++)
			if (rec->argv[i].s < scratch || rec->argv[i].s + rec->argv[i].len > scratch + len)
				abort();
	}
	if (chain_check(c, line, len) == CHAIN_SIGNED && chain_signature_ok(c, line, len, &key))
		abort();	/* nobody has signed with this key */
	free(scratch);
	free(rec);
}

static void masked(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *out = malloc(4 * MASK_ARG_MAX);
	struct mask m = { .arg_count = 0 };

	if (!text || !out)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	for (size_t off = 0; off < size; off += strlen(text + off) + 1)
		if (mask_arg(&m, text + off, out).len > 4 * MASK_ARG_MAX)
			abort();
	free(text);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data, *end = p + size;
	struct chain c = { .session = "20260101-000000-abcdef" };

	masked(data, size);
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((nl ? nl : end) - p);

		one_line(&c, p, len);
		p += len + 1;
	}
	return 0;
}
