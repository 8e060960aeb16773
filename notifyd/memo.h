/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/memo.h - What was found out about programs of system directories
 *
 * A build starts the same dozen programs thousands of times. What is
 * remembered is what judging before the exec needs; whether it still holds is
 * seen at the exec stop, which remembers nothing.
 */
#ifndef NOTIFYD_MEMO_H
#define NOTIFYD_MEMO_H

#include <pthread.h>
#include <sys/stat.h>

#include "notifyd/wire.h"

#define MEMO_SLOTS	256
#define MEMO_TEXT_MAX	1024	/* real chains have a hundred bytes */
#define MEMO_OBJECTS_MAX 4

/** struct memo_entry - A reply without what it does not use. @asked is NULL: free */
struct memo_entry {
	char *asked;
	uint32_t count, text_len;
	struct resolver_object object[MEMO_OBJECTS_MAX];
	char text[MEMO_TEXT_MAX];
};

struct memo {
	pthread_mutex_t lock;
	struct memo_entry *slot[MEMO_SLOTS];	/* a newer one takes the place of an older */
};

void memo_init(struct memo *m);
void memo_free(struct memo *m);

/** memo_find() - @st: what @path leads to now. False: unknown, or another content or file than then */
bool memo_find(struct memo *m, const char *path, const struct stat *st, struct resolver_reply *ret);

/** memo_keep() - Remember @rep; what is too large for it, or no file of the system, is not remembered */
void memo_keep(struct memo *m, const char *path, const struct resolver_reply *rep);

/** memo_is_same() - Is @st the object with the content that was looked at? */
bool memo_is_same(const struct resolver_object *o, const struct stat *st);

#endif /* NOTIFYD_MEMO_H */
