/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/subtree.h - The rename of a directory, judged for everything beneath it
 */
#ifndef FUSEFS_SUBTREE_H
#define FUSEFS_SUBTREE_H

#include "fusefs/gate.h"

/**
 * subtree_may_move() - May all that is beneath @old get the names beneath @new?
 * @old: The directory, which exists
 * @new: Where it goes; only position, place and traits are used
 *
 * Nothing is walked where nothing beneath is told apart. Under names_lock,
 * alone: nothing gets a name beneath meanwhile.
 *
 * Return: 0; -errno to answer, recorded if refused; -EXDEV: too deep to judge as
 * a whole, so that the caller moves piece by piece
 */
int subtree_may_move(struct gate *g, const struct dirref *d, const struct spot *old, const struct spot *new) MUST_USE;

#endif /* FUSEFS_SUBTREE_H */
