/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/inotify.c - inotify_add_watch: goes through, and whoever watches the real tree is told
 *
 * A change that programs outside make to a served tree raises no event inside
 * by itself. So the same object is watched outside, and the path it is reached
 * by inside says where to tell of it.
 */
#include "notifyd/doorman.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "notifyd/pins.h"
#include "notifyd/target.h"

static int tell(const struct call *c)
{
	char asked[PATH_MAX];
	struct pin_request q = { .dirfd = AT_FDCWD, .path = asked, .nofollow = (uint32_t)c->args[2] & IN_DONT_FOLLOW };
	cleanup_free struct resolver_reply *rep = malloc(sizeof(*rep));
	cleanup_fd int pin = -1;
	int root, r;
	ssize_t n;

	if (!rep)
		return -ENOMEM;
	n = target_read_str(c, c->args[1], asked, sizeof(asked));
	if (n < 0)
		return (int)n;
	r = pins_path(c, &q, rep, &pin);
	root = r < 0 ? r : pins_view_root(c);
	if (root < 0)
		return root;
	c->n->cfg.watched(c->n->cfg.watched_ctx, root, pins_text(rep, rep->object[0].path_off));
	return 0;
}

/*
 * CONTINUE grants nothing: the call adds no name and no right to what the view
 * shows, and the kernel judges the path it reads again as it would have without
 * us. If another was pinned than is watched, or none could be, then at worst
 * changes from outside raise no events, or those of the caller's other path.
 */
void handle_inotify_add_watch(struct call *c)
{
	if (c->n->cfg.watched)
		(void)tell(c);		/* as above */
	c->reply.kind = REPLY_CONTINUE;
}
