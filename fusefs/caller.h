/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/caller.h - Acting as the user who asked
 *
 * DOC: Whose powers
 *
 * An ordinary user's supervisor is who everybody inside is, and has no powers.
 * Root's has them all, and those inside differ:
 *
 * With package managers there are several users inside, and root has the powers
 * over files that those need. The kernel checks the modes of what it remembers
 * (default_permissions), and each request is carried out as its user.
 *
 * Without, everybody inside is a root that has no capabilities. In workspace
 * and home, and wherever else the policy lets write, it shall do what root does
 * natively, to whomever the files belong: the supervisor acts with its powers,
 * having judged. Everywhere else it acts without, and the files of other users
 * are out of reach as their modes say. Nothing that was beyond may come into
 * reach by a link or a rename: across the border of workspace and home both
 * are EXDEV, and elsewhere gate_may_carry() keeps what cannot be written apart.
 */
#ifndef FUSEFS_CALLER_H
#define FUSEFS_CALLER_H

#include "fusefs/fs.h"

/** struct caller - The identity this thread has taken on; cleanup_caller ends it */
struct caller {
	const struct fusefs *fs;
	bool is_other;		/* another user, for the file system alone; root's powers go with that */
	bool is_bare;		/* root without powers */
	bool is_whole;		/* root with those that it never has otherwise */
};

/**
 * caller_begin() - Become who asks
 * @n: What it is about; with @name a name in it
 */
struct caller caller_begin(const struct fusefs *fs, fuse_req_t req, const struct node *n, const char *name);
/** caller_begin_data() - The same for what is done by descriptor: nothing is left to be permitted, but suid bits are to go */
struct caller caller_begin_data(const struct fusefs *fs, fuse_req_t req);
/** caller_also() - It is about that name as well: no powers if they are not due for both */
void caller_also(struct caller *c, const struct node *dir, const char *name);
/** caller_set_modes() - A directory keeps its setgid bit, whatever groups root is in */
void caller_set_modes(struct caller *c);
void caller_end(struct caller *c);
#define cleanup_caller	__attribute__((cleanup(caller_end)))

/** caller_crosses() - Does a link or rename lead into workspace or home, or out of them? */
bool caller_crosses(const struct fusefs *fs, const struct node *n, const char *name, const struct node *dir,
		    const char *new_name);

/** caller_thread_init() - A thread that serves */
void caller_thread_init(const struct fusefs *fs);
/** caller_setup() - When the served roots are known: whose powers, where. 0; -errno */
int caller_setup(struct fusefs *fs, const struct fusefs_config *cfg) MUST_USE;

/** caller_is_trusted() - Is it a thread of the cage's builder (later resolver)? */
bool caller_is_trusted(const struct fusefs *fs, pid_t tid);

#endif /* FUSEFS_CALLER_H */
