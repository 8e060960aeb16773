/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/exec.h - One exec, from the notification to the exec stop
 */
#ifndef NOTIFYD_EXEC_H
#define NOTIFYD_EXEC_H

#include <limits.h>

#include "notifyd/block.h"
#include "notifyd/doorman.h"
#include "notifyd/pins.h"
#include "notifyd/target.h"

/** struct exec - What was judged, kept for the comparison at the exec stop. exec_free() */
struct exec {
	char asked[PATH_MAX];		/* the name that the kernel will put into AT_EXECFN */
	char exe[PATH_MAX];		/* of the caller: the subject of "by" rules */
	char resolved[PATH_MAX];	/* what the decision was about */
	struct policy_subject by_command, by_file;
	struct argv_copy argv;		/* as given */
	struct argv_copy expected;	/* as it must lie on the new stack: with the interpreters of scripts */
	struct resolver_reply rep;
	int program;			/* index in @rep of the file that /proc/PID/exe will be */
	int loader;			/* index of its PT_INTERP; -1: none */
	struct verdict verdict;
	struct argv_copy args;		/* with a redirect: what ${ARGS} of the rule is taken from */
	struct exec *next;		/* what is to run instead; owned */
};

/** exec_new() - Empty. NULL: no memory */
struct exec *exec_new(void);
void exec_free(struct exec *e);	/* NULL is fine */

struct new_image;

/* ---- judge.c ---- */

/**
 * exec_judge() - Judge a resolved chain with the argv its first program gets
 * @rep:	May be e->rep
 * @expected:	Set to the argv of the last program; NULL if not wanted
 *
 * Fills e->verdict (decision, op, resolved). Strings are borrowed from @rep and @e.
 * Return: errno to answer with, > 0; 0 allowed
 */
int exec_judge(const struct call *c, struct exec *e, const struct resolver_reply *rep,
	       const struct argv_copy *argv, struct argv_copy *expected);

/** exec_find_parts() - Which objects /proc/PID/exe and the ELF interpreter will be */
void exec_find_parts(const struct resolver_reply *rep, int *ret_program, int *ret_loader);

/* ---- redirect.c ---- */

/**
 * redirect_prepare() - What runs instead of a program that a rule redirects
 *
 * Fills e->next: resolved along the session's PATH, judged, but for redirects:
 * what a rule leads to is led no further. On failure e->verdict says why.
 * Return: 0; errno to answer with, > 0
 */
int redirect_prepare(const struct call *c, struct exec *e) MUST_USE;

/** redirect_to_itself() - e->next is the program again, by a name that the caller's closing takes from nobody. 0; -errno */
int redirect_to_itself(const struct call *c, struct exec *e) MUST_USE;

/* ---- again.c ---- */

enum again_stage {
	AGAIN_NO = 0,	/* the exec that was asked for */
	AGAIN_WAY,	/* on the way to the second: it may do nothing but that call */
	AGAIN_CALL,	/* in it */
};

/** struct again - A task at its exec stop that is made to exec once more. again_free() */
struct again {
	enum again_stage stage;
	struct block block;
	uint64_t code;
};

/** again_begin() - At the exec stop. @env: NULL-ended; NULL: as it is. 0: resumed; -errno: it must die */
int again_begin(struct again *a, struct call *c, const char *path, const struct argv_copy *argv, char *const *env,
		const struct new_image *m) MUST_USE;

/** again_stopped() - At a stop on the way. 0: resumed; -errno: it did something else, or the exec failed: it must die */
int again_stopped(struct again *a, struct call *c, int status) MUST_USE;
void again_free(struct again *a, struct call *c);

/** again_is_ours() - Is this call the second exec of a task that another thread holds? Asked once for each */
bool again_is_ours(const struct call *c);

/* ---- execstop.c ---- */

/** execstop_seize() - Become the task's tracer until its exec has happened or failed. 0; -EPERM traced by another; -errno */
int execstop_seize(const struct call *c) MUST_USE;

/**
 * execstop_watch() - Wait for the exec stop, compare, let go or kill
 *
 * By the thread that seized. Returns when the task is no longer traced by it.
 */
void execstop_watch(struct call *c, struct exec *e);

/* ---- newimage.c ---- */

/** struct new_image - What stands after an exec, before its first instruction. new_image_free() */
struct new_image {
	char exe[PATH_MAX];
	bool has_stat;			/* not where the file system refuses to be looked at from outside */
	uint64_t dev, ino;
	bool is_memory;			/* no name leads to it */
	struct argv_copy argv;
	char execfn[PATH_MAX];
	char loader[PATH_MAX];		/* file mapped at AT_BASE; "" for a static program */
	uint64_t base;
	bool wants_env;			/* set by whoever reads it */
	struct argv_copy env;
	uint64_t sp, envp;		/* the stack pointer, and where the environment's pointers begin */
};

/** new_image_read() - @c is held. 0; -errno: cannot be judged, so it must die */
int new_image_read(const struct call *c, struct new_image *ret) MUST_USE;

/**
 * new_image_glance() - As much of it as tells whether a program of the system is what was @expected
 *
 * A file of the system on a read-only mount names the loader it named before, and
 * that name leads where it led. Sets neither exe nor loader.
 * Return: 0; -EAGAIN: to be looked at in full; -errno as new_image_read()
 */
int new_image_glance(const struct call *c, const struct resolver_object *expected, struct new_image *ret) MUST_USE;
void new_image_free(struct new_image *m);

/** new_image_parse() - argv, AT_EXECFN and AT_BASE out of a copy of the initial stack. 0; -ENODATA read more; -EBADMSG */
int new_image_parse(const char *stack, size_t len, uint64_t sp, size_t word, struct new_image *ret,
		    uint64_t *ret_base) MUST_USE;

#endif /* NOTIFYD_EXEC_H */
