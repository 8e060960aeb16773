/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/born.c - Which inodes were made in this session
 *
 * Open addressing with linear probing and backward-shift deletion: 16 bytes a
 * file at a load of at most 3/4, which a clone of a large repository can afford.
 */
#include "fusefs/born.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "fusefs/hash.h"

struct slot {
	uint64_t dev, ino;
};

struct born {
	pthread_mutex_t lock;
	struct slot *slot;	/* ino 0: free. No file system numbers an inode 0 */
	size_t size;		/* power of two */
	size_t count;
};

#define BORN_SIZE_MIN 64

struct born *born_new(void)
{
	struct born *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->slot = calloc(BORN_SIZE_MIN, sizeof(*b->slot));
	b->size = BORN_SIZE_MIN;
	if (!b->slot) {
		free(b);
		return NULL;
	}
	(void)pthread_mutex_init(&b->lock, NULL);	/* default attributes: cannot fail */
	return b;
}

struct born *born_free(struct born *b)
{
	if (b) {
		(void)pthread_mutex_destroy(&b->lock);	/* nobody holds it */
		free(b->slot);
		free(b);
	}
	return NULL;
}

static size_t home(const struct born *b, uint64_t dev, uint64_t ino)
{
	return hash_id(dev, ino) & (b->size - 1);
}

/* Where it is, or the free slot where it would be */
static size_t find(const struct born *b, uint64_t dev, uint64_t ino)
{
	size_t i = home(b, dev, ino);

	while (b->slot[i].ino && (b->slot[i].ino != ino || b->slot[i].dev != dev))
		i = (i + 1) & (b->size - 1);
	return i;
}

static int grow(struct born *b)
{
	struct slot *old = b->slot;
	size_t old_size = b->size;
	struct slot *bigger = calloc(old_size * 2, sizeof(*bigger));

	if (!bigger)
		return -ENOMEM;
	b->slot = bigger;
	b->size = old_size * 2;
	for (size_t i = 0; i < old_size; i++)
		if (old[i].ino)
			b->slot[find(b, old[i].dev, old[i].ino)] = old[i];
	free(old);
	return 0;
}

int born_add(struct born *b, uint64_t dev, uint64_t ino)
{
	int r = 0;
	size_t i;

	if (!ino)
		return -EINVAL;
	(void)pthread_mutex_lock(&b->lock);	/* never destroyed while in use */
	if ((b->count + 1) * 4 > b->size * 3)
		r = grow(b);
	if (r == 0) {
		i = find(b, dev, ino);
		b->count += !b->slot[i].ino;
		b->slot[i] = (struct slot){ dev, ino };
	}
	(void)pthread_mutex_unlock(&b->lock);
	return r;
}

void born_drop(struct born *b, uint64_t dev, uint64_t ino)
{
	size_t hole, i;

	(void)pthread_mutex_lock(&b->lock);	/* never destroyed while in use */
	hole = find(b, dev, ino);
	b->count -= b->slot[hole].ino != 0;
	/* What probed past the hole moves into it */
	for (i = (hole + 1) & (b->size - 1); b->slot[hole].ino && b->slot[i].ino; i = (i + 1) & (b->size - 1)) {
		size_t want = home(b, b->slot[i].dev, b->slot[i].ino);

		if (((i - want) & (b->size - 1)) < ((i - hole) & (b->size - 1)))
			continue;
		b->slot[hole] = b->slot[i];
		hole = i;
	}
	b->slot[hole] = (struct slot){ 0, 0 };
	(void)pthread_mutex_unlock(&b->lock);
}

bool born_has(struct born *b, uint64_t dev, uint64_t ino)
{
	bool has;

	(void)pthread_mutex_lock(&b->lock);	/* never destroyed while in use */
	has = ino && b->slot[find(b, dev, ino)].ino;
	(void)pthread_mutex_unlock(&b->lock);
	return has;
}
