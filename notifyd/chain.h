/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/chain.h - A program, the interpreters of its #! lines, and its ELF interpreter
 *
 * Run by the resolver; and by the doorman himself for programs of system
 * directories, which saves two changes of process for each exec.
 */
#ifndef NOTIFYD_CHAIN_H
#define NOTIFYD_CHAIN_H

#include "notifyd/image.h"
#include "notifyd/walk.h"
#include "notifyd/wire.h"

/** struct chain - What is being resolved */
struct chain {
	int host_proc;			/* our own /proc, borrowed */
	bool is_local;			/* in the doorman: gives up (-EAGAIN) where only the resolver may look */
	bool is_empty;			/* an empty path means the base itself */
	struct resolver_reply *rep;	/* filled; borrowed */
	struct image image;
};

/**
 * chain_resolve() - Fill k->rep with everything that an exec of @path would run
 * @cwd:	For relative interpreters; -1: -EAGAIN with w->need set if there is one
 *
 * Return: 0; -errno as execve; -EAGAIN
 */
int chain_resolve(struct chain *k, struct walk *w, const char *path, int cwd) MUST_USE;

/** chain_describe() - Append one pinned object to the reply: its last. 0; -errno */
int chain_describe(struct chain *k, int pin, const char *asked) MUST_USE;

#endif /* NOTIFYD_CHAIN_H */
