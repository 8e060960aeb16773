/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/policy_diff.h - What two policies decide differently
 */
#ifndef CLI_POLICY_DIFF_H
#define CLI_POLICY_DIFF_H

#include "policy/load.h"

/**
 * policy_diff() - Ask both about an example of everything that their rules name, and compare the settings
 * @json:	Print JSON; else text. Both on stdout
 *
 * Return: 0 no difference; 1 some; -ENOMEM, -E2BIG, -EIO
 */
int policy_diff(const struct policy_loaded *a, const struct policy_loaded *b, bool json) POLICY_MUST_USE;

#endif /* CLI_POLICY_DIFF_H */
