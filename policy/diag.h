/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/diag.h - Filling a struct policy_diag
 *
 * What a policy file says goes to a terminal in these sentences, and a project
 * file is written by whoever wrote the repository: its text is quoted with
 * diag_quote(), which lets nothing but printable ASCII through.
 */
#ifndef POLICY_DIAG_H
#define POLICY_DIAG_H

#include "common/base.h"
#include "policy/compile.h"

/** struct diag_quoted - Text made harmless and short, in quotation marks */
struct diag_quoted {
	char s[72];
};

/** diag_quote() - "text", other bytes than printable ASCII as '?', the middle of a long text as "..." */
struct diag_quoted diag_quote(const char *s);

/** diag_at() - Fill @d's position and sentence. Return: -EINVAL, for "return diag_at(...)" */
int diag_at(struct policy_diag *d, uint32_t line, uint32_t column, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/** diag_file() - Name the file in @d; shortened in the middle */
void diag_file(struct policy_diag *d, const char *file);

/** diag_memory() - Memory is short. Return: -ENOMEM */
int diag_memory(struct policy_diag *d);

#endif /* POLICY_DIAG_H */
