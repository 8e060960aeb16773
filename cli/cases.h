/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/cases.h - "agentsh policy test": lines of questions with the answers they must get
 */
#ifndef CLI_CASES_H
#define CLI_CASES_H

#include "common/base.h"

/**
 * cases_run() - Ask all questions of a file and compare
 * @path:	The file: agentsh-policy(5), "Testing a policy"
 * @policy:	Instead of the file's own "policy" line; may be NULL
 * @ret_failed:	Answers that differ, each told on stdout
 *
 * Return: questions asked; -EINVAL (said on stderr) when the file or its policy is broken
 */
int cases_run(const char *path, const char *policy, unsigned int *ret_failed) MUST_USE;

#endif /* CLI_CASES_H */
