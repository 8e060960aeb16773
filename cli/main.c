/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/main.c - The subcommand table; whatever is none of them is run in a cage
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "common/base.h"
#include "policy/profiles.h"

struct subcommand {
	const char *name;
	int (*main)(int argc, char **argv);
	const char *help;
};

static const struct subcommand subcommands[] = {
	{ "policy", cmd_policy, "check, show, plan, test and compare policies" },
	{ "log", cmd_log, "what sessions did, and whether the record is intact" },
	{ "why", cmd_why, "why something was or would be refused" },
	{ "doctor", cmd_doctor, "which cage this machine gives, and what is missing" },
};

static int help(void)
{
	printf("usage: agentsh [options] [--] command [argument ...]\n"
	       "       agentsh subcommand ...\n\n"
	       "Runs a program and all its descendants in a cage: a policy decides what they do\n"
	       "to files, programs and the network; refusals are explained and recorded.\n\n"
	       "options:\n");
	options_print(stdout);
	printf("\nbuilt-in policies:");
	for (const struct policy_profile *p = policy_profiles; p->name; p++)
		printf("%s %s", p == policy_profiles ? "" : ",", p->name);
	printf("\n  (agentsh policy show NAME: each rule with its reason)\n\nsubcommands:\n");
	for (size_t i = 0; i < ARRAY_SIZE(subcommands); i++)
		printf("  %-20s %s\n", subcommands[i].name, subcommands[i].help);
	printf("\nexit status: the command's; 125 no cage could be built, 126 refused, 127 not found\n");
	return fflush(stdout) ? 1 : 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--help") == 0)
		return help();
	if (argc > 1 && strcmp(argv[1], "--version") == 0)
		return puts("agentsh " AGENTSH_VERSION) < 0;
	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(subcommands); i++)
		if (strcmp(argv[1], subcommands[i].name) == 0)
			return subcommands[i].main(argc - 1, argv + 1);
	return cmd_run(argc, argv);
}
