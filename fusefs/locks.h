/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/locks.h - flock(2): locks of whole files hold between the cage and what runs outside
 */
#ifndef FUSEFS_LOCKS_H
#define FUSEFS_LOCKS_H

#include <stdatomic.h>

#include "fusefs/fs.h"

/** struct locks - Who waits for a lock that somebody has */
struct locks;

struct locks *locks_new(void);			/* NULL: ENOMEM */
struct locks *locks_free(struct locks *l);	/* when nothing is served any more; NULL ok; returns NULL */

/** locks_released() - A file was closed, or unlocked: perhaps it is somebody's turn */
void locks_released(struct locks *l);

void op_flock(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, int op);

#endif /* FUSEFS_LOCKS_H */
