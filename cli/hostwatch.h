/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/hostwatch.h - Changes that programs outside make to served trees, told to those who watch inside
 */
#ifndef CLI_HOSTWATCH_H
#define CLI_HOSTWATCH_H

#include "common/base.h"
#include "fusefs/fusefs.h"

struct hostwatch;

/** struct hostwatch_config - Everything is borrowed for ever */
struct hostwatch_config {
	struct fusefs *fusefs;
	const char *const *served;	/* NULL-ended absolute paths */
	const char *const *native;	/* what is bound, over them too: the kernel tells of that by itself */
};

/** hostwatch_new() - Costs nothing until something is watched. 0; -errno */
int hostwatch_new(struct hostwatch **ret, const struct hostwatch_config *cfg) MUST_USE;

/**
 * hostwatch_add() - Somebody inside is about to watch this path of the view
 * @hostwatch:	struct hostwatch
 * @view_root:	O_PATH descriptor of the root of the view
 *
 * From its return on no change is missed. Paths that are not served are none of
 * ours. At most HOSTWATCH_MAX; then the longest standing gives way.
 */
void hostwatch_add(void *hostwatch, int view_root, const char *path);

#endif /* CLI_HOSTWATCH_H */
