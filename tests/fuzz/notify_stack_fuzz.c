/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/fuzz/notify_stack_fuzz.c - The initial stack of a new program, which its siblings may write to
 *
 * The first byte chooses 32 or 64 bits; the rest is the stack, from 0x1000 on.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "notifyd/exec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct new_image *m;
	uint64_t base;
	size_t len = 0;

	if (size < 1)
		return 0;
	m = calloc(1, sizeof(*m));
	if (!m)
		return 0;
	if (new_image_parse((const char *)data + 1, size - 1, 0x1000, data[0] & 1 ? 4 : 8, m, &base) == 0) {
		for (uint32_t i = 0; i < m->argv.argc; i++)
			len += strlen(m->argv.v[i]) + 1;
		if (len != m->argv.len || m->argv.v[m->argv.argc] != NULL ||
		    !memchr(m->execfn, '\0', sizeof(m->execfn)))
			abort();
	}
	new_image_free(m);
	return 0;
}
