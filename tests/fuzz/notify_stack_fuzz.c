/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/fuzz/notify_stack_fuzz.c - The initial stack of a new program, which its siblings may write to
 *
 * The first byte chooses 32 or 64 bits; the rest is the stack, from 0x1000 on.
 * What is read of it is written out again as for a second exec, and read as the
 * kernel would.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "notifyd/exec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TOP UINT64_C(0x7ffc12345670)

/* The strings at @list must be those of @want, and inside the block */
static void check_list(const struct block *b, uint64_t list, const struct argv_copy *want)
{
	for (uint32_t i = 0; i <= want->argc; i++) {
		uint64_t at;
		const char *s;

		if (list < b->addr || list - b->addr + (i + 1) * sizeof(at) > b->len)
			abort();
		memcpy(&at, b->data + (list - b->addr) + i * sizeof(at), sizeof(at));
		if (i == want->argc) {
			if (at != 0)
				abort();
			return;
		}
		if (at < b->addr || at - b->addr >= b->len)
			abort();
		s = b->data + (at - b->addr);
		if (!memchr(s, '\0', b->len - (at - b->addr)) || strcmp(s, want->v[i]) != 0)
			abort();
	}
}

static void check_block(const struct new_image *m)
{
	struct block b;

	if (block_build(&b, TOP, m->execfn, m->argv.v, (char *const *)(uintptr_t)m->env.v, m->envp) < 0)
		abort();	/* nothing that was read is too long */
	if (b.addr % 16 != 0 || b.addr + b.len > TOP || strcmp(b.data + (b.path - b.addr), m->execfn) != 0)
		abort();
	check_list(&b, b.argv, &m->argv);
	check_list(&b, b.envp, &m->env);
	block_free(&b);
}

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
	m->wants_env = true;
	if (new_image_parse((const char *)data + 1, size - 1, 0x1000, data[0] & 1 ? 4 : 8, m, &base) == 0) {
		for (uint32_t i = 0; i < m->argv.argc; i++)
			len += strlen(m->argv.v[i]) + 1;
		if (len != m->argv.len || m->argv.v[m->argv.argc] != NULL ||
		    !memchr(m->execfn, '\0', sizeof(m->execfn)))
			abort();
		check_block(m);
	}
	new_image_free(m);
	return 0;
}
