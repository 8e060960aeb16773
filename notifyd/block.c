/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/block.c - What an exec reads from memory: path, argv and environment in one piece
 *
 * From its address upwards: argv, its NULL, the environment, its NULL, then the
 * strings in the same order with the path before them.
 */
#include "notifyd/block.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_ALIGN	UINT64_C(16)

/** struct filling - Where the next pointer and the next string go, as offsets */
struct filling {
	struct block *b;
	size_t pointer, string;
};

static bool add_size(size_t *total, size_t more)
{
	if (more > BLOCK_MAX - *total)
		return false;
	*total += more;
	return true;
}

static bool add_list(size_t *total, size_t *pointers, const char *const *list)
{
	size_t count = 1;

	for (; *list; list++, count++)
		if (!add_size(total, strlen(*list) + 1))
			return false;
	*pointers += count * sizeof(uint64_t);
	return add_size(total, count * sizeof(uint64_t));
}

static uint64_t put_string(struct filling *f, const char *s)
{
	uint64_t at = f->b->addr + f->string;
	size_t size = strlen(s) + 1;

	memcpy(f->b->data + f->string, s, size);
	f->string += size;
	return at;
}

static uint64_t put_list(struct filling *f, const char *const *list)
{
	uint64_t first = f->b->addr + f->pointer;

	for (;; list++) {
		uint64_t at = *list ? put_string(f, *list) : 0;

		memcpy(f->b->data + f->pointer, &at, sizeof(at));
		f->pointer += sizeof(at);
		if (!*list)
			return first;
	}
}

int block_build(struct block *ret, uint64_t top, const char *path, const char *const *argv, char *const *env,
		uint64_t old_envp)
{
	size_t total = 0, pointers = 0;
	struct filling f = { .b = ret };

	*ret = (struct block){ .envp = old_envp };
	if (!add_size(&total, strlen(path) + 1) || !add_list(&total, &pointers, argv) ||
	    (env && !add_list(&total, &pointers, (const char *const *)env)) || top < total + BLOCK_ALIGN)
		return -E2BIG;
	ret->data = malloc(total);
	if (!ret->data)
		return -ENOMEM;
	ret->len = total;
	ret->addr = (top - total) & ~(BLOCK_ALIGN - 1);
	f.string = pointers;
	ret->path = put_string(&f, path);
	ret->argv = put_list(&f, argv);
	if (env)
		ret->envp = put_list(&f, (const char *const *)env);
	return 0;
}

void block_free(struct block *b)
{
	free(b->data);
	*b = (struct block){ 0 };
}
