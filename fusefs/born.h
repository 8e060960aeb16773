/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/born.h - Which inodes were made in this session
 */
#ifndef FUSEFS_BORN_H
#define FUSEFS_BORN_H

#include "common/base.h"

struct born;

struct born *born_new(void);		/* NULL: ENOMEM */
struct born *born_free(struct born *b);	/* NULL ok; returns NULL */

/** born_add() - 0; -ENOMEM: then the object counts as one that stood, the strict answer */
int born_add(struct born *b, uint64_t dev, uint64_t ino) MUST_USE;
/** born_drop() - Its last name is gone: the number may come again for something else */
void born_drop(struct born *b, uint64_t dev, uint64_t ino);
bool born_has(struct born *b, uint64_t dev, uint64_t ino);

#endif /* FUSEFS_BORN_H */
