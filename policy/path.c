/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/path.c - Textual resolution of "." and ".."
 */
#include <errno.h>
#include <string.h>

#include "policy/policy.h"

struct path_out {
	char *buf;
	size_t size, len;	/* @len without the NUL; the root is the empty string here */
};

static void drop_last(struct path_out *o)
{
	while (o->len > 0 && o->buf[--o->len] != '/')
		;
}

static int append_component(struct path_out *o, const char *name, size_t len)
{
	if (len == 0 || (len == 1 && name[0] == '.'))
		return 0;
	if (len == 2 && name[0] == '.' && name[1] == '.') {
		drop_last(o);
		return 0;
	}
	if (len >= o->size || o->len + 1 >= o->size - len)
		return -ENAMETOOLONG;
	o->buf[o->len++] = '/';
	memcpy(o->buf + o->len, name, len);
	o->len += len;
	return 0;
}

static int append_path(struct path_out *o, struct policy_str path)
{
	uint32_t start = 0;

	while (start < path.len) {
		uint32_t end = start;
		int r;

		while (end < path.len && path.s[end] != '/')
			end++;
		r = append_component(o, path.s + start, end - start);
		if (r < 0)
			return r;
		start = end + 1;
	}
	return 0;
}

int policy_path_join(char *buf, size_t size, struct policy_str base, struct policy_str path)
{
	struct path_out o = { buf, size, 0 };
	int r = 0;

	if (size > INT32_MAX)
		o.size = INT32_MAX;	/* the length is returned as an int */
	if (o.size < 2)
		return -ENAMETOOLONG;
	if (path.len == 0 || path.s[0] != '/') {
		if (base.len == 0 || base.s[0] != '/')
			return -EINVAL;
		r = append_path(&o, base);
	}
	if (r == 0)
		r = append_path(&o, path);
	if (r < 0)
		return r;
	if (o.len == 0)
		buf[o.len++] = '/';
	buf[o.len] = '\0';
	return (int)o.len;
}
