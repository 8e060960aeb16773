/* SPDX-License-Identifier: Apache-2.0
 *
 * common/utf8.h - Bytes from inside the cage, read as text without trusting them
 */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include "common/base.h"

/**
 * utf8_next() - The next character of untrusted bytes
 * @s:		At least one byte
 * @len:	Bytes left, > 0
 * @ret_c:	The code point; a byte that is no part of valid UTF-8 gives its own value
 *
 * Return: bytes taken, 1 to 4; 1 for an invalid byte
 */
static inline size_t utf8_next(const char *s, size_t len, uint32_t *ret_c)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)s;
	size_t want = p[0] < 0x80 ? 1 : (p[0] & 0xe0) == 0xc0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 :
		(p[0] & 0xf8) == 0xf0 ? 4 : 0;
	uint32_t c;

	*ret_c = p[0];
	if (want <= 1 || want > len)
		return 1;
	c = p[0] & (0xffu >> (want + 1));
	for (size_t i = 1; i < want; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 1;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[want] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 1;
	*ret_c = c;
	return want;
}

/**
 * utf8_is_plain() - May these bytes be shown to a person as they are?
 * @first:	First byte
 * @len, @c:	What utf8_next() said
 *
 * No: control characters of either set, invalid bytes, and the characters that
 * turn the direction of writing, join lines, or are there without being seen.
 */
static inline bool utf8_is_plain(char first, size_t len, uint32_t c)
{
	if (len == 1)
		return c >= 0x20 && c < 0x7f && (unsigned char)first < 0x80;
	return c >= 0xa0 && c != 0xad && c != 0x61c && !(c >= 0x200b && c <= 0x200f) &&
		!(c >= 0x2028 && c <= 0x202e) && !(c >= 0x2060 && c <= 0x206f) && c != 0xfeff &&
		!(c >= 0xfff0 && c <= 0xfffb) && !(c >= 0xe0000 && c <= 0xe0fff);
}

#endif /* COMMON_UTF8_H */
