/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/reply.h - Entries and attributes, as the kernel wants them
 */
#ifndef FUSEFS_REPLY_H
#define FUSEFS_REPLY_H

#include "fusefs/gate.h"

/** reply_err() - @r: 0 or -errno */
void reply_err(fuse_req_t req, int r);

/**
 * reply_entry_fill() - Make or find the node and describe it; counts a lookup
 * @brief: the kernel must ask again for each use (what only the trusted see)
 * Return: the node; NULL: ENOMEM
 */
struct node *reply_entry_fill(struct fusefs *fs, const struct spot *s, bool brief, struct fuse_entry_param *ret);

/** reply_entry() - Fill and answer; the lookup is taken back if nobody hears the answer */
void reply_entry(fuse_req_t req, const struct spot *s, bool brief);
/** reply_made() - After something was made at @s: look at it, remember its birth, answer with its entry */
void reply_made(fuse_req_t req, struct gate *g, const struct dirref *d, struct spot *s);
void reply_attr(fuse_req_t req, const struct seen *s);
/** reply_node_attr() - The same, remembering what the kernel was told */
void reply_node_attr(fuse_req_t req, struct node *n, const struct seen *s);

#endif /* FUSEFS_REPLY_H */
