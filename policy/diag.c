/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/diag.c - Filling a struct policy_diag
 */
#include "policy/diag.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Copy printable ASCII; a text that does not fit loses its middle */
static void shorten(char *buf, size_t size, const char *s)
{
	size_t len = strlen(s), room = size - 1, head = len, tail = 0, n = 0;

	if (len > room) {
		head = (room - 3) / 2;
		tail = room - 3 - head;
	}
	for (size_t i = 0; i < head; i++)
		buf[n++] = s[i] >= ' ' && s[i] <= '~' ? s[i] : '?';
	if (tail) {
		memcpy(buf + n, "...", 3);
		n += 3;
	}
	for (size_t i = len - tail; i < len; i++)
		buf[n++] = s[i] >= ' ' && s[i] <= '~' ? s[i] : '?';
	buf[n] = '\0';
}

struct diag_quoted diag_quote(const char *s)
{
	struct diag_quoted q;
	size_t len;

	q.s[0] = '"';
	shorten(q.s + 1, sizeof(q.s) - 2, s);
	len = strlen(q.s);
	q.s[len] = '"';
	q.s[len + 1] = '\0';
	return q;
}

int diag_at(struct policy_diag *d, uint32_t line, uint32_t column, const char *fmt, ...)
{
	va_list ap;

	d->line = line;
	d->column = column;
	va_start(ap, fmt);
	(void)vsnprintf(d->message, sizeof(d->message), fmt, ap); /* a cut sentence still says it */
	va_end(ap);
	return -EINVAL;
}

void diag_file(struct policy_diag *d, const char *file)
{
	shorten(d->file, sizeof(d->file), file);
}

int diag_memory(struct policy_diag *d)
{
	(void)diag_at(d, 0, 0, "memory is short");
	return -ENOMEM;
}
