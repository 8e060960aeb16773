/* SPDX-License-Identifier: Apache-2.0
 *
 * audit/who.c - Who asked: process, parent and program of a task, read once in a while
 */
#include "audit/who.h"

#include <string.h>
#include <time.h>

#include "common/proc.h"

/* Shorter than any way to use up all process ids */
#define KEEP_NS (200 * 1000 * 1000ull)

static uint64_t now_ns(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);	/* cannot fail with this clock */
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

void who_init(struct who_cache *c)
{
	memset(c, 0, sizeof(*c));
	(void)pthread_mutex_init(&c->lock, NULL);	/* cannot fail with default attributes */
}

void who_ids(struct who_cache *c, pid_t tid, struct who_ids *ret)
{
	size_t i = (size_t)tid % WHO_SLOTS;
	uint64_t now = now_ns();
	struct proc_status st;
	bool hit;

	*ret = (struct who_ids){ .tid = tid };
	if (tid <= 0)
		return;
	pthread_mutex_lock(&c->lock);
	hit = c->slot[i].ids.tid == tid && now < c->slot[i].until_ns;
	if (hit)
		*ret = c->slot[i].ids;
	pthread_mutex_unlock(&c->lock);
	if (hit || proc_status(tid, &st) < 0)
		return;
	ret->tgid = st.tgid;
	ret->parent = st.ppid;
	ret->inner = st.inner_tgid;
	pthread_mutex_lock(&c->lock);
	c->slot[i].ids = *ret;
	c->slot[i].until_ns = now + KEEP_NS;
	pthread_mutex_unlock(&c->lock);
}

size_t who_program(pid_t tid, char *buf, size_t size)
{
	ssize_t n = tid > 0 ? proc_exe(tid, buf, size) : -1;

	if (n >= 0)
		return (size_t)n;
	buf[0] = '\0';
	return 0;
}
