/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/open.c - Opens that may change a file, and truncate(2)
 *
 * DOC: Theory of operation
 *
 * The filter asks for write opens only where the plan says that outside the
 * served trees there is something to decide, redirect or record; for what
 * truncates unseen by Landlock always (cage/filter_args.c).
 *
 * Path and flags are read once. What they lead to is pinned and judged, and
 * then there are three ends. What only the caller's own right is needed for
 * goes on: CONTINUE grants nothing, for should the caller's memory be another
 * when the kernel reads it, the read-only mounts and Landlock decide as they
 * would have without us. What the policy refuses in a tree that is bound
 * read-only is refused, in words. And what it grants or redirects there is
 * opened by us, from the pin, and handed in.
 *
 * A descriptor on the host's mounts gives more than writing: the owner of the
 * file can change its mode by it, and anybody can open it for reading through
 * /proc/self/fd. So only what may be read, written and truncated is handed in,
 * and to its owner only what he may chmod, utime and setxattr as well.
 */
#include "notifyd/open.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/newer.h"
#include "notifyd/target.h"

/** struct judged - What was decided of one opening */
struct judged {
	struct verdict v;
	char exe[PATH_MAX];
	struct policy_subject who;
};

/* ---- questions to the policy ---- */

/* O_TMPFILE: a file without a name in the folder that was pinned */
static bool is_nameless(const struct opening *o)
{
	return !o->is_absent && S_ISDIR(o->st.st_mode) && (o->flags & (O_TMPFILE & ~O_DIRECTORY));
}

static void ask(const struct opening *o, struct judged *j, enum policy_op op, struct policy_decision *ret)
{
	const struct policy_request req = {
		.op = op, .traits = POLICY_T_UNKNOWN, .subject = j->who,
		.object = { .kind = POLICY_OBJECT_PATH, .path = policy_str(o->resolved) },
	};

	policy_eval(o->c->n->cfg.policy, &req, ret);
}

/* Of several, the strictest; the first is what the record names */
static void judge(const struct opening *o, struct judged *j)
{
	const bool writes = (o->flags & O_ACCMODE) != O_RDONLY;
	const struct {
		enum policy_op op;
		bool wanted;
	} questions[] = {
		{ POLICY_OP_CREATE, o->is_absent || is_nameless(o) },
		{ POLICY_OP_WRITE, writes || (o->flags & O_TRUNC) },
		{ POLICY_OP_TRUNCATE, !o->is_absent && (o->flags & O_TRUNC) },
	};
	bool is_first = true;

	for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
		struct policy_decision d;

		if (!questions[i].wanted)
			continue;
		ask(o, j, questions[i].op, &d);
		if (is_first || d.verdict < j->v.decision.verdict) {
			j->v.decision = d;
			j->v.op = questions[i].op;
		}
		is_first = false;
	}
}

/* All that a descriptor gives on a mount where the file can be written */
static bool may_have_descriptor(const struct opening *o, struct judged *j)
{
	static const enum policy_op always[] = { POLICY_OP_READ, POLICY_OP_WRITE, POLICY_OP_TRUNCATE };
	static const enum policy_op of_owner[] = { POLICY_OP_CHMOD, POLICY_OP_UTIMES, POLICY_OP_XATTR };
	bool is_owner = geteuid() == 0 || o->st.st_uid == geteuid();
	struct policy_decision d;

	for (size_t i = 0; i < ARRAY_SIZE(always); i++) {
		ask(o, j, always[i], &d);
		if (d.verdict != POLICY_ALLOW)
			return false;
	}
	for (size_t i = 0; is_owner && i < ARRAY_SIZE(of_owner); i++) {
		ask(o, j, of_owner[i], &d);
		if (d.verdict != POLICY_ALLOW)
			return false;
	}
	return true;
}

/* ---- the three ends ---- */

static void go_on(struct call *c)
{
	c->reply.kind = REPLY_CONTINUE;
}

static void refuse(struct call *c, struct judged *j, int err)
{
	reply_result(c, -verdict_tell(c, &j->v, err));
}

/* Nothing of the policy's is at stake: recorded, and on */
static void go_on_recorded(struct call *c, const struct opening *o, struct judged *j)
{
	judge(o, j);
	if (j->v.decision.verdict != POLICY_ALLOW) {	/* what the cage gave beside the policy: devices, its own /tmp */
		verdict_refuse(&j->v.decision, "cage", "", 0);
		j->v.decision.verdict = POLICY_ALLOW;
	}
	j->v.flags = EVENT_F_BATCH;
	if (verdict_tell(c, &j->v, 0) == 0)
		go_on(c);
	else
		reply_result(c, -EACCES);
}

/* What the policy has instead, or the file itself */
static int open_for(const struct opening *o, const struct judged *j, int *ret_fd)
{
	struct policy_str to = j->v.decision.target;
	char target[PATH_MAX];

	if (j->v.decision.verdict != POLICY_REDIRECT)
		return open_give(o, ret_fd);
	if (to.len >= sizeof(target))
		return -ENAMETOOLONG;
	memcpy(target, to.s, to.len);
	target[to.len] = '\0';
	return open_give_target(o, target, ret_fd);
}

/* The limit is the caller's, not ours; natively it gets the signal as well */
static int may_grow(const struct call *c, int64_t length)
{
	struct rlimit limit;

	if (prlimit(c->tid, RLIMIT_FSIZE, NULL, &limit) < 0)
		return -EACCES;
	if (target_valid(c) < 0)
		return -ESRCH;
	if ((uint64_t)length <= limit.rlim_cur)
		return 0;
	(void)syscall(SYS_tkill, c->tid, SIGXFSZ);	/* gone: then nobody needs it */
	return -EFBIG;
}

/* @length: of truncate(2); else -1 */
static void give(struct call *c, const struct opening *o, struct judged *j, int64_t length)
{
	int fd, r = open_for(o, j, &fd);

	/* ETXTBSY, EACCES of the file's own mode: not the policy's word */
	if (r < 0) {
		reply_result(c, r);
		return;
	}
	j->v.flags = j->v.decision.verdict == POLICY_REDIRECT ? 0 : EVENT_F_BATCH;
	if (verdict_tell(c, &j->v, 0) != 0) {
		(void)close(fd);	/* nothing was written by it */
		reply_result(c, -EACCES);
	} else if (length >= 0) {
		r = may_grow(c, length);
		reply_result(c, r < 0 ? r : ftruncate(fd, length) < 0 ? -errno : 0);
		(void)close(fd);	/* nothing is buffered */
	} else {
		r = open_hand_in(c, o, fd);
		if (r < 0)
			reply_result(c, r);
	}
}

static bool is_decided_here(const struct opening *o)
{
	if (o->flags & (O_TMPFILE & ~O_DIRECTORY))
		return is_nameless(o);
	return o->is_absent || S_ISREG(o->st.st_mode);
}

static void decide_bound(struct call *c, const struct opening *o, struct judged *j, int64_t length)
{
	bool has_writer = (o->flags & O_ACCMODE) == O_WRONLY || (o->flags & O_ACCMODE) == O_RDWR;

	/* it is there and is only read, or is there and must not be: as the kernel has it */
	if (!o->is_absent && (!open_is_writing(o) || (o->flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))) {
		go_on(c);
		return;
	}
	judge(o, j);
	if (j->v.decision.verdict >= POLICY_REDIRECT && is_nameless(o)) {
		verdict_refuse(&j->v.decision, "nameless", "A file without a name can only be made where all names may.", EACCES);
		refuse(c, j, EACCES);
		return;
	}
	if (j->v.decision.verdict == POLICY_ALLOW && o->is_absent) {
		go_on(c);	/* where names may be made the tree is served: this is another's word, the mount's */
		return;
	}
	if (j->v.decision.verdict < POLICY_REDIRECT) {
		refuse(c, j, verdict_errno(&j->v.decision));
		return;
	}
	/* made by opening for reading: the target is, and is read */
	if (o->is_absent && !(o->flags & O_TRUNC))
		has_writer = true;
	if (!has_writer || (j->v.decision.verdict == POLICY_ALLOW && !may_have_descriptor(o, j))) {
		verdict_refuse(&j->v.decision, "descriptor", "A descriptor would give more than the policy does: let "
			       "the file be read, truncated and, if it is yours, changed in its mode as well.", EACCES);
		refuse(c, j, EACCES);
		return;
	}
	give(c, o, j, length);
}

static void decide(struct call *c, struct opening *o, int64_t length)
{
	struct judged *j = malloc(sizeof(*j));

	if (!j) {
		reply_result(c, -ENOMEM);
		return;
	}
	j->who = subject_of(c, c->n->has_by_files, j->exe, sizeof(j->exe));
	j->v = (struct verdict){
		.layer = EVENT_LAYER_OPEN, .op = POLICY_OP_WRITE,
		.object = policy_str(o->asked), .resolved = policy_str(o->resolved),
	};
	if (o->place == OPEN_PLACE_NATIVE)
		go_on_recorded(c, o, j);
	else if (is_decided_here(o))
		decide_bound(c, o, j, length);
	else
		go_on(c);
	free(j);
}

/* ---- the calls ---- */

static void handle(struct call *c, struct opening *o, uint64_t path, int64_t length)
{
	ssize_t n = target_read_str(c, path, o->asked, sizeof(o->asked));
	uint64_t access = o->flags & O_ACCMODE;

	o->c = c;
	o->pin = -1;
	o->is_absent = false;
	o->is_rare = length >= 0 || ((o->flags & O_TRUNC) && access != O_WRONLY && access != O_RDWR);
	if (n < 0) {
		reply_result(c, n);
		return;
	}
	if (o->is_rare && (o->resolve & ~OPEN_RESOLVE_KEPT))
		reply_result(c, -EINVAL);	/* where it would end cannot be told, and nobody truncates so */
	else if (open_find(o) == 0)
		decide(c, o, length);
	else
		go_on(c);
	open_release(o);
}

static struct opening *opening_new(struct call *c)
{
	struct opening *o = malloc(sizeof(*o));

	if (!o)
		reply_result(c, -ENOMEM);
	else
		memset(o, 0, offsetof(struct opening, asked));	/* the paths are filled when they are known */
	return o;
}

/* open, openat, creat */
void handle_open(struct call *c)
{
	struct opening *o = opening_new(c);
	bool has_dir = c->nr == SYS_openat;
	const uint64_t *rest = c->args + (has_dir ? 2 : 1);

	if (!o)
		return;
	o->dirfd = has_dir ? (int)c->args[0] : AT_FDCWD;
	o->flags = c->nr == SYS_creat ? O_CREAT | O_WRONLY | O_TRUNC : (uint32_t)rest[0];
	o->mode = (mode_t)(c->nr == SYS_creat ? rest[0] : rest[1]);
	handle(c, o, c->args[has_dir ? 1 : 0], -1);
	free(o);
}

/* What we know of it; what comes behind must be nothing, or it asks for what neither we nor most kernels know */
static int read_how(const struct call *c, struct open_how *ret)
{
	uint64_t size = c->args[3];
	char more[4096];
	int r;

	if (size < sizeof(*ret))
		return -EINVAL;
	if (size > sizeof(more))
		return -E2BIG;
	r = target_read(c, c->args[2], ret, sizeof(*ret));
	if (r == 0)
		r = target_read(c, c->args[2] + sizeof(*ret), more, size - sizeof(*ret));
	for (uint64_t i = 0; r == 0 && i < size - sizeof(*ret); i++)
		r = more[i] ? -E2BIG : 0;
	return r;
}

void handle_openat2(struct call *c)
{
	struct open_how how = { 0 };
	struct opening *o;
	int r = read_how(c, &how);

	o = r < 0 ? NULL : opening_new(c);
	if (r < 0)
		reply_result(c, r);
	if (!o)
		return;
	o->dirfd = (int)c->args[0];
	o->flags = how.flags;
	o->mode = (mode_t)how.mode;
	o->resolve = how.resolve;
	if (open_is_writing(o) || (o->flags & (O_CREAT | (O_TMPFILE & ~O_DIRECTORY))))
		handle(c, o, c->args[1], -1);
	else
		go_on(c);
	free(o);
}

void handle_truncate(struct call *c)
{
	struct opening *o = opening_new(c);

	if (!o)
		return;
	o->dirfd = AT_FDCWD;
	o->flags = O_WRONLY | O_TRUNC;
	if ((int64_t)c->args[1] < 0)
		reply_result(c, -EINVAL);
	else
		handle(c, o, c->args[0], (int64_t)c->args[1]);
	free(o);
}
