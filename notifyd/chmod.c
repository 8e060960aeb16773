/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/chmod.c - Modes with setuid or setgid, in root's cage
 *
 * fusefs refuses them, but what the caller of agentsh has opened as descriptor
 * 0, 1 or 2 is a file of the host's, and /proc/self/fd leads chmod(2) to it as
 * well: a program put there would make root of whoever runs it. So the filter
 * sends such modes here. The setgid bit of a folder only hands its group on:
 * that is done here, on a pin, for by its path the kernel could find a file.
 */
#include "notifyd/doorman.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/newer.h"
#include "notifyd/open.h"
#include "notifyd/pins.h"
#include "notifyd/target.h"

#define RULE	"agentsh-setuid"		/* as fusefs/gate.c has it */
#define WORDS	"Whoever ran such a program outside would be root."

/** struct aim - One call's object and mode */
struct aim {
	char path[PATH_MAX];	/* as asked; "" of a descriptor */
	mode_t mode;
	int pin;
};

/* The object of the caller's descriptor. 0; -errno */
static int pin_descriptor(const struct call *c, int fd, int *ret)
{
	char name[48];

	(void)snprintf(name, sizeof(name), "%d/fd/%d", c->tid, fd);	/* always fits */
	*ret = openat(c->n->proc_fd, name, O_PATH | O_CLOEXEC);
	if (*ret < 0)
		return errno == ENOENT ? -EBADF : -errno;
	return target_valid(c);		/* else it was somebody else's */
}

static int pin_path(const struct call *c, struct pin_request *q, uint64_t addr, struct aim *a)
{
	cleanup_free struct resolver_reply *rep = malloc(sizeof(*rep));
	ssize_t n = target_read_str(c, addr, a->path, sizeof(a->path));

	q->path = a->path;
	if (!rep || n < 0)
		return rep ? (int)n : -ENOMEM;
	if (n == 0 && q->empty)
		return pin_descriptor(c, q->dirfd, &a->pin);
	return pins_path(c, q, rep, &a->pin);
}

static int take_aim(const struct call *c, struct aim *a)
{
	struct pin_request q = { .dirfd = (int)c->args[0] };

	if (c->nr == SYS_fchmod) {
		a->mode = (mode_t)c->args[1];
		return pin_descriptor(c, (int)c->args[0], &a->pin);
	}
	if (c->nr == SYS_chmod) {
		a->mode = (mode_t)c->args[1];
		q.dirfd = AT_FDCWD;
		return pin_path(c, &q, c->args[0], a);
	}
	a->mode = (mode_t)c->args[2];
	if (c->nr == SYS_fchmodat2) {
		if (c->args[3] & ~(uint64_t)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
			return -EINVAL;
		q.nofollow = c->args[3] & AT_SYMLINK_NOFOLLOW;
		q.empty = c->args[3] & AT_EMPTY_PATH;
	}
	return pin_path(c, &q, c->args[1], a);
}

static int refuse(const struct call *c, const struct aim *a)
{
	struct verdict v = { .layer = EVENT_LAYER_OPEN, .op = POLICY_OP_CHMOD, .object = policy_str(a->path) };

	if (!a->path[0])
		v.object = policy_str("a descriptor");
	verdict_refuse(&v.decision, RULE, WORDS, EPERM);
	return -verdict_tell(c, &v, EPERM);
}

/* As the caller, who is the one that fusefs judges and the kernel asks for the owner */
static int set_mode(const struct call *c, const struct aim *a)
{
	const struct notifyd_config *cfg = &c->n->cfg;
	pid_t self = (pid_t)syscall(SYS_gettid);
	char path[48];
	int r;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", a->pin);	/* always fits */
	if (cfg->acting && !cfg->acting(cfg->acting_ctx, self, c->tid))
		return -EIO;
	r = borrow_begin(c);
	if (r == 0) {
		r = fchmodat(AT_FDCWD, path, a->mode & 07777, 0) < 0 ? -errno : 0;
		borrow_end();
	}
	if (cfg->acting)
		(void)cfg->acting(cfg->acting_ctx, self, 0);	/* an end is always taken */
	return r;
}

void handle_chmod(struct call *c)
{
	struct aim a = { .path = "", .pin = -1 };
	struct stat st;
	int r = take_aim(c, &a);

	if (r == 0 && fstat(a.pin, &st) < 0)
		r = -errno;
	if (r == 0)
		r = (a.mode & S_ISUID) || !S_ISDIR(st.st_mode) ? refuse(c, &a) : set_mode(c, &a);
	if (a.pin >= 0)
		(void)close(a.pin);	/* O_PATH */
	reply_result(c, r);
}
