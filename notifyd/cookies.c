/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/cookies.c - The sockets that this session listens on
 *
 * The kernel never gives a cookie twice, so nothing is ever taken out: whether
 * a socket still listens is asked of the kernel (diag.c), each time.
 */
#include "notifyd/socket.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#define COOKIES_MAX	((size_t)1 << 18)	/* 2 MiB; a session that listened more often than half of it listens no more */

static size_t place(const uint64_t *slot, size_t size, uint64_t cookie)
{
	size_t i = (size_t)(cookie * UINT64_C(0x9e3779b97f4a7c15)) & (size - 1);

	while (slot[i] != 0 && slot[i] != cookie)
		i = (i + 1) & (size - 1);
	return i;
}

static int grow(struct cookies *k)
{
	size_t size = k->size ? k->size * 2 : 64;
	uint64_t *slot;

	if (size > COOKIES_MAX)
		return -ENOSPC;
	slot = calloc(size, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	for (size_t i = 0; i < k->size; i++)
		if (k->slot[i])
			slot[place(slot, size, k->slot[i])] = k->slot[i];
	free(k->slot);
	k->slot = slot;
	k->size = size;
	return 0;
}

int cookies_add(struct cookies *k, int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);
	size_t i;
	int r = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) < 0)
		return -errno;
	(void)pthread_mutex_lock(&k->lock);
	if (k->count * 2 >= k->size)
		r = grow(k);
	if (r == 0) {
		i = place(k->slot, k->size, cookie);
		k->count += k->slot[i] == 0;
		k->slot[i] = cookie;
	}
	(void)pthread_mutex_unlock(&k->lock);
	return r;
}

bool cookies_has(struct cookies *k, uint64_t cookie)
{
	bool ret = false;

	(void)pthread_mutex_lock(&k->lock);
	if (k->size > 0 && cookie != 0)
		ret = k->slot[place(k->slot, k->size, cookie)] == cookie;
	(void)pthread_mutex_unlock(&k->lock);
	return ret;
}
