/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/crew.h - The threads that serve, one of which reads
 *
 * DOC: Theory of operation
 *
 * A request that is short is served by the thread that read it, which then
 * reads the next: no other is woken. Several readers would be woken in turn,
 * each on another processor with cold caches (open and close of a file: 16 us
 * with one reader, 20 to 45 us with two or three). Before a request that can
 * take long the reader lets the next thread read. What takes long unexpectedly
 * (a disk that must spin up, a network) is noticed by the watch: the main thread
 * looks twenty times a second while there is something to look at. The other
 * threads start when they are first needed.
 *
 * Two threads reading at the same time is never wrong, only slower.
 */
#ifndef FUSEFS_CREW_H
#define FUSEFS_CREW_H

#include "fusefs/fs.h"

/** crew_start() - 0; -errno, and then no thread runs */
int crew_start(struct crew **ret, struct fusefs *fs) MUST_USE;
/** crew_watch_fd() - Readable: call crew_watch(), from one thread always */
int crew_watch_fd(const struct crew *crew);
/** crew_watch() - Does the reader hang? Returns the ms after which it wants to be called again; -1: when the descriptor says so */
int crew_watch(struct crew *crew);
/** crew_stop() - Threads are let finish what they do, and joined. NULL ok */
void crew_stop(struct crew *crew);

#endif /* FUSEFS_CREW_H */
