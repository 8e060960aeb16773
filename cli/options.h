/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/options.h - The command line of "agentsh [options] [--] command"
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "cli/context.h"

#define OPTIONS_LIST_MAX 64

/** struct options - Parsed; strings are borrowed from argv */
struct options {
	const char *policy, *workspace;
	const char *allow_read[OPTIONS_LIST_MAX + 1];	/* NULL-ended, as are the next two */
	const char *allow_write[OPTIONS_LIST_MAX + 1];
	const char *allow_host[OPTIONS_LIST_MAX + 1];
	int pass_fds[OPTIONS_LIST_MAX + 1];		/* ended by -1 */
	bool dry_run, quiet, json;
	char **command;					/* the rest of argv, NULL-ended */
};

/**
 * options_parse() - Read options up to the command; nothing after it is looked at
 * @ret:	Set on success; of a refused line only @json is
 * @why:	One sentence when refused
 *
 * Names are compared whole: no abbreviations (what one option's value looks
 * like never makes it another option).
 *
 * Return: 0; -EINVAL
 */
int options_parse(struct options *ret, int argc, char **argv, char *why, size_t why_size);

/** options_context() - The part that decides which policy holds; borrows from @o */
struct context_options options_context(const struct options *o);

#endif /* CLI_OPTIONS_H */
