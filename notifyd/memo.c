/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/memo.c - What was found out about programs of system directories
 */
#include "notifyd/memo.h"

#include <stdlib.h>
#include <string.h>

void memo_init(struct memo *m)
{
	memset(m->slot, 0, sizeof(m->slot));
	(void)pthread_mutex_init(&m->lock, NULL);	/* with default attributes it cannot fail */
}

static void entry_free(struct memo_entry *e)
{
	if (e)
		free(e->asked);
	free(e);
}

void memo_free(struct memo *m)
{
	for (size_t i = 0; i < MEMO_SLOTS; i++)
		entry_free(m->slot[i]);
	(void)pthread_mutex_destroy(&m->lock);
}

/* FNV-1a */
static size_t slot_of(const char *path)
{
	uint32_t h = 2166136261u;

	for (; *path; path++)
		h = (h ^ (unsigned char)*path) * 16777619u;
	return h % MEMO_SLOTS;
}

bool memo_is_same(const struct resolver_object *o, const struct stat *st)
{
	return o->dev == st->st_dev && o->ino == st->st_ino && o->mode == st->st_mode &&
	       o->size == (uint64_t)st->st_size && o->ctime_sec == st->st_ctim.tv_sec &&
	       o->ctime_nsec == st->st_ctim.tv_nsec && st->st_nlink > 0;
}

bool memo_find(struct memo *m, const char *path, const struct stat *st, struct resolver_reply *ret)
{
	const struct memo_entry *e;
	bool is_found;

	(void)pthread_mutex_lock(&m->lock);
	e = m->slot[slot_of(path)];
	is_found = e && strcmp(e->asked, path) == 0 && memo_is_same(&e->object[0], st);
	if (is_found) {
		ret->count = e->count;
		ret->text_len = e->text_len;
		memcpy(ret->object, e->object, e->count * sizeof(e->object[0]));
		memcpy(ret->text, e->text, e->text_len);
	}
	(void)pthread_mutex_unlock(&m->lock);
	return is_found;
}

/* Of files that only the host changes: those of others could be changed within a tick of the clock */
static bool is_lasting(const struct resolver_reply *rep)
{
	for (uint32_t i = 0; i < rep->count; i++)
		if (!(rep->object[i].flags & RESOLVER_O_FIXED))
			return false;
	return rep->count > 0 && rep->count <= MEMO_OBJECTS_MAX && rep->text_len <= MEMO_TEXT_MAX;
}

void memo_keep(struct memo *m, const char *path, const struct resolver_reply *rep)
{
	size_t i = slot_of(path);
	struct memo_entry *e, *old;

	if (!is_lasting(rep))
		return;
	e = malloc(sizeof(*e));
	if (!e)
		return;
	e->asked = strdup(path);
	if (!e->asked) {
		free(e);
		return;
	}
	e->count = rep->count;
	e->text_len = rep->text_len;
	memcpy(e->object, rep->object, rep->count * sizeof(e->object[0]));
	memcpy(e->text, rep->text, rep->text_len);
	(void)pthread_mutex_lock(&m->lock);
	old = m->slot[i];
	m->slot[i] = e;
	(void)pthread_mutex_unlock(&m->lock);
	entry_free(old);
}
