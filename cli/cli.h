/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/cli.h - Subcommands: one file each, cli/main.c has the table
 *
 * Each gets its own argv (argv[0] is its name) and returns the exit status.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdio.h>

#define AGENTSH_VERSION "0.1"

int cmd_run(int argc, char **argv);
int cmd_policy(int argc, char **argv);
int cmd_log(int argc, char **argv);
int cmd_why(int argc, char **argv);
int cmd_doctor(int argc, char **argv);

/** options_print() - The options of "run", for --help */
void options_print(FILE *out);

#endif /* CLI_CLI_H */
