/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/poke.h - Requests that one thread of ours makes, so that the kernel tells those inside of a change outside
 *
 * DOC: Theory of operation
 *
 * inotify is told by the kernel's file layer of what is done through it, and a
 * change on the real tree is not done through our mount. So one thread of ours
 * (the poker) goes through the mount and does the least that raises the event:
 * a truncation to the size the file has, a setting of times, or the removal of
 * a name that has gone already. The requests of that thread are known by its
 * id: they are answered as done, and nothing is done. What the policy hides is
 * absent for the poker too, so no event tells of it.
 *
 * The poker waits for the threads that serve; these never wait for it.
 */
#ifndef FUSEFS_POKE_H
#define FUSEFS_POKE_H

#include "fusefs/gate.h"

/** poke_is() - Is this a request of the poker's? */
bool poke_is(const struct fusefs *fs, pid_t tid);

/** poke_saw() - The poker asks for a node's attributes: by that he learns that what he holds is ours, and its number */
void poke_saw(struct fusefs *fs, fuse_ino_t ino);

/**
 * poke_lookup() - A name the poker looks for that is not there
 *
 * While it removes what has gone, it is given something to remove.
 */
void poke_lookup(fuse_req_t req, struct gate *g, struct spot *s);

/** poke_remove() - "Remove" that. The name must not have come back */
void poke_remove(fuse_req_t req, fuse_ino_t parent, const char *name);

/** poke_setattr() - Answer with the attributes as they are */
void poke_setattr(fuse_req_t req, fuse_ino_t ino);

/* What is about to be changed from inside (recent.h) */
void poke_own_change(struct fusefs *fs, const struct node *n);
void poke_own_name(struct fusefs *fs, const struct node *dir, const char *name);

#endif /* FUSEFS_POKE_H */
