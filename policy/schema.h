/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/schema.h - Which keys a policy file may have, and what kind of value each takes
 */
#ifndef POLICY_SCHEMA_H
#define POLICY_SCHEMA_H

#include "policy/json_in.h"

/**
 * schema_check() - Every key known, every value of the right kind, nothing that is not there yet
 *
 * After it the readers of the sections need not look at types again.
 *
 * Return: 0; -EINVAL with @reterr
 */
int schema_check(const struct json_value *root, struct policy_diag *reterr) MUST_USE;

#endif /* POLICY_SCHEMA_H */
