/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/recent.c - What was changed from inside in the last moments
 */
#include "fusefs/recent.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "fusefs/hash.h"

#define RECENT_NS	300000000u	/* how long after it a change may still be news to who watches */
#define RECENT_SETS	1024u		/* power of two */
#define RECENT_WAYS	4

struct mark {
	uint64_t key, when;
};

struct recent {
	atomic_bool is_watched;
	pthread_mutex_t lock;
	struct mark mark[RECENT_SETS][RECENT_WAYS];	/* the oldest of a set gives way */
};

static uint64_t now(void)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);	/* exists on every Linux */
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* FNV-1a over the name, from where the object's own key begins; without a name, that itself */
static uint64_t key_of(uint64_t dev, uint64_t ino, const char *name)
{
	uint64_t h = hash_id(dev, ino);

	for (const char *p = name; p && *p; p++)
		h = (h ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
	return h;
}

static struct mark *set_of(struct recent *r, uint64_t key)
{
	return r->mark[(key >> 20) & (RECENT_SETS - 1)];
}

struct recent *recent_new(void)
{
	struct recent *r = calloc(1, sizeof(*r));

	if (r)
		(void)pthread_mutex_init(&r->lock, NULL);	/* default attributes: cannot fail */
	return r;
}

struct recent *recent_free(struct recent *r)
{
	if (r)
		(void)pthread_mutex_destroy(&r->lock);	/* nobody holds it */
	free(r);
	return NULL;
}

void recent_begin(struct recent *r)
{
	atomic_store(&r->is_watched, true);
}

static void add(struct recent *r, uint64_t dev, uint64_t ino, const char *name)
{
	uint64_t key = key_of(dev, ino, name);
	struct mark *set = set_of(r, key), *to = set;

	(void)pthread_mutex_lock(&r->lock);	/* never destroyed while in use */
	for (size_t i = 0; i < RECENT_WAYS; i++) {
		if (set[i].key == key) {
			to = &set[i];
			break;
		}
		if (set[i].when < to->when)
			to = &set[i];
	}
	*to = (struct mark){ key, now() };
	(void)pthread_mutex_unlock(&r->lock);
}

void recent_object(struct recent *r, uint64_t dev, uint64_t ino)
{
	if (atomic_load_explicit(&r->is_watched, memory_order_relaxed))
		add(r, dev, ino, NULL);
}

void recent_name(struct recent *r, uint64_t dev, uint64_t ino, const char *name)
{
	if (atomic_load_explicit(&r->is_watched, memory_order_relaxed))
		add(r, dev, ino, name);
}

bool recent_has(struct recent *r, uint64_t dev, uint64_t ino, const char *name)
{
	uint64_t key = key_of(dev, ino, name), t = now();
	const struct mark *set = set_of(r, key);
	bool has = false;

	(void)pthread_mutex_lock(&r->lock);	/* never destroyed while in use */
	for (size_t i = 0; i < RECENT_WAYS; i++)
		has |= set[i].key == key && set[i].when && t - set[i].when < RECENT_NS;
	(void)pthread_mutex_unlock(&r->lock);
	return has;
}
