/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/arena.c - Memory of one load: handed out piecemeal, released at once
 */
#include "policy/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE	(16 * 1024)
#define ALIGNMENT	16

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size;		/* bytes of @data */
	_Alignas(ALIGNMENT) char data[];
};

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_chunk *c = a->chunk;
	size_t want;
	void *p;

	if (size > SIZE_MAX / 2)
		return NULL;
	want = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	if (!c || c->size - c->used < want) {
		size_t data_size = want > CHUNK_SIZE ? want : CHUNK_SIZE;

		c = calloc(1, sizeof(*c) + data_size);
		if (!c)
			return NULL;
		c->size = data_size;
		c->next = a->chunk;
		a->chunk = c;
	}
	p = c->data + c->used;
	c->used += want;
	return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
	char *p = arena_alloc(a, len + 1);

	if (p)
		memcpy(p, s, len);
	return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0)
		return NULL;
	p = arena_alloc(a, (size_t)len + 1);
	if (!p)
		return NULL;
	va_start(ap, fmt);
	(void)vsnprintf(p, (size_t)len + 1, fmt, ap);	/* measured above */
	va_end(ap);
	return p;
}

void *arena_grow(struct arena *a, void *array, size_t count, size_t size)
{
	void *grown;

	if (array && (count & (count - 1)))
		return array;
	if (count > SIZE_MAX / 4 / size)
		return NULL;
	grown = arena_alloc(a, (count ? count * 2 : 1) * size);
	if (grown && count)
		memcpy(grown, array, count * size);
	return grown;
}

void arena_free(struct arena *a)
{
	struct arena_chunk *next;

	for (struct arena_chunk *c = a->chunk; c; c = next) {
		next = c->next;
		free(c);
	}
	a->chunk = NULL;
}
