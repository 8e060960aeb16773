/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/recent.h - What was changed from inside in the last moments
 *
 * Whoever watches the real tree sees these changes as well, and must be able
 * to tell them from those of programs outside. A table of fixed size: what
 * falls out of it early counts as a change from outside, which costs one
 * event too many inside.
 */
#ifndef FUSEFS_RECENT_H
#define FUSEFS_RECENT_H

#include "common/base.h"

struct recent;

struct recent *recent_new(void);		/* NULL: ENOMEM */
struct recent *recent_free(struct recent *r);	/* NULL ok; returns NULL */

/** recent_begin() - Somebody watches: from now on the others are worth their time */
void recent_begin(struct recent *r);

/** recent_object() - An object's content or attributes are about to change */
void recent_object(struct recent *r, uint64_t dev, uint64_t ino);
/** recent_name() - A name in a directory is about to come or go. @dev, @ino: of the directory */
void recent_name(struct recent *r, uint64_t dev, uint64_t ino, const char *name);

/** recent_has() - Was it? @name NULL: the object itself */
bool recent_has(struct recent *r, uint64_t dev, uint64_t ino, const char *name);

#endif /* FUSEFS_RECENT_H */
