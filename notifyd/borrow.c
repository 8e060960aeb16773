/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/borrow.c - Root's doorman opens as the one who asks, and with no more powers
 *
 * An ordinary user's doorman already is everybody inside. Root's takes user,
 * group, supplementary groups and the powers over files that the caller has in
 * effect, for this thread and for one open.
 */
#include "notifyd/open.h"

#include <errno.h>
#include <linux/capability.h>
#include <unistd.h>

#include "notifyd/actor.h"
#include "notifyd/target.h"

#define BIT(cap)	(UINT64_C(1) << (cap))
#define FILE_POWERS	(BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | \
			 BIT(CAP_FOWNER) | BIT(CAP_FSETID))

int borrow_begin(const struct call *c)
{
	struct actor a;
	int r;

	if (geteuid() != 0)
		return 0;
	r = actor_read(c->tid, c->n->cfg.nested, &a);
	if (target_valid(c) < 0)
		return -ESRCH;
	if (r < 0)
		return r;
	a.caps |= ~FILE_POWERS;		/* the others have no say in an open, and are needed for the way back */
	return actor_become(&a);
}

void borrow_end(void)
{
	if (geteuid() == 0)
		actor_return();
}
