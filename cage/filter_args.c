/* SPDX-License-Identifier: Apache-2.0
 *
 * cage/filter_args.c - System calls that registers or the policy decide
 *
 * Each block is entered with the number known and returns in every branch.
 * Arguments are 64-bit registers of which the kernel reads the low half of an
 * int: so only the low half is loaded, and garbage above it changes nothing.
 * A pointer is tested in both halves. Jumps count from the next instruction.
 */
#include "cage/parts.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "common/newer.h"

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "LO() and HI() assume little endian");

#define LO(n)		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[n]))
#define HI(n)		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[n]) + 4)
#define AND(k)		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, k)
#define EQ(k, t, f)	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, k, t, f)
#define ANY(k, t, f)	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, k, t, f)
#define RET(k)		BPF_STMT(BPF_RET | BPF_K, k)
#define RET_ERRNO(e)	RET(SECCOMP_RET_ERRNO | (e))

#define FASTOPEN	0x20000000	/* MSG_FASTOPEN: a connect that neither connect(2) nor Landlock sees */
#define TYPE_MASK	0xf		/* SOCK_TYPE_MASK; above are SOCK_CLOEXEC and SOCK_NONBLOCK */
#define UDP		17
#define UDPLITE		136

static const struct sock_filter always[] = { RET(SECCOMP_RET_ALLOW) };
static const struct sock_filter never[] = { RET_ERRNO(EPERM) };
static const struct sock_filter notified[] = { RET(SECCOMP_RET_USER_NOTIF) };

/* SOCK_PACKET would turn an AF_INET socket into a packet socket: the list is of what is known */
static const struct sock_filter args_socket[] = {
/* 0*/	LO(0),
/* 1*/	EQ(AF_UNIX, 3, 0),
/* 2*/	EQ(AF_INET, 7, 0),
/* 3*/	EQ(AF_INET6, 6, 0),
/* 4*/	EQ(AF_NETLINK, 13, 17),
/* 5*/	LO(1),			/* unix */
/* 6*/	AND(TYPE_MASK),
/* 7*/	EQ(SOCK_STREAM, 12, 0),
/* 8*/	EQ(SOCK_DGRAM, 11, 0),
/* 9*/	EQ(SOCK_SEQPACKET, 10, 13),
/*10*/	LO(1),			/* inet, inet6 */
/*11*/	AND(TYPE_MASK),
/*12*/	EQ(SOCK_STREAM, 8, 0),
/*13*/	EQ(SOCK_DGRAM, 0, 11),
/*14*/	LO(2),
/*15*/	EQ(0, 4, 0),
/*16*/	EQ(UDP, 3, 0),
/*17*/	EQ(UDPLITE, 2, 6),
/*18*/	LO(2),			/* netlink: routes alone */
/*19*/	EQ(0, 0, 4),
/*20*/	RET(SECCOMP_RET_ALLOW),
/*21*/	RET(SECCOMP_RET_USER_NOTIF),
/*22*/	RET_ERRNO(EAFNOSUPPORT),
/*23*/	RET_ERRNO(ESOCKTNOSUPPORT),
/*24*/	RET_ERRNO(EPROTONOSUPPORT),
/*25*/	RET_ERRNO(EPERM),
};

static const struct sock_filter args_socketpair[] = {
/* 0*/	LO(0),
/* 1*/	EQ(AF_UNIX, 0, 6),
/* 2*/	LO(1),
/* 3*/	AND(TYPE_MASK),
/* 4*/	EQ(SOCK_STREAM, 2, 0),
/* 5*/	EQ(SOCK_DGRAM, 1, 0),
/* 6*/	EQ(SOCK_SEQPACKET, 0, 2),
/* 7*/	RET(SECCOMP_RET_ALLOW),
/* 8*/	RET_ERRNO(EAFNOSUPPORT),
/* 9*/	RET_ERRNO(ESOCKTNOSUPPORT),
};

static const struct sock_filter args_sendto[] = {
/* 0*/	LO(3),
/* 1*/	ANY(FASTOPEN, 6, 0),
/* 2*/	LO(4),
/* 3*/	EQ(0, 0, 3),
/* 4*/	HI(4),
/* 5*/	EQ(0, 0, 1),
/* 6*/	RET(SECCOMP_RET_ALLOW),
/* 7*/	RET(SECCOMP_RET_USER_NOTIF),
/* 8*/	RET_ERRNO(EOPNOTSUPP),
};

static const struct sock_filter args_sendmsg[] = {
	LO(2),
	ANY(FASTOPEN, 1, 0),
	RET(SECCOMP_RET_USER_NOTIF),
	RET_ERRNO(EOPNOTSUPP),
};

static const struct sock_filter args_sendmmsg[] = {
	LO(3),
	ANY(FASTOPEN, 1, 0),
	RET(SECCOMP_RET_USER_NOTIF),
	RET_ERRNO(EOPNOTSUPP),
};

/* What types into, re-routes or replaces the terminal one runs on */
static const struct sock_filter args_ioctl[] = {
	LO(1),
	EQ(TIOCSTI, 4, 0),
	EQ(TIOCLINUX, 3, 0),
	EQ(TIOCSETD, 2, 0),
	EQ(TIOCCONS, 1, 0),
	RET(SECCOMP_RET_ALLOW),
	RET_ERRNO(EPERM),
};

#define NEW_NAMESPACE (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | \
		       CLONE_NEWPID | CLONE_NEWNET | 0x80 /* CLONE_NEWTIME */)
static const struct sock_filter args_unshare[] = {
	LO(0),
	ANY(NEW_NAMESPACE, 1, 0),
	RET(SECCOMP_RET_ALLOW),
	RET_ERRNO(EPERM),
};

/*
 * open: what may change something, for the doorman (filter_options.traps_opens).
 * __O_TMPFILE without O_DIRECTORY, with which it has its bit in common.
 */
#define OPEN_WRITES	(O_ACCMODE | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))
#define OPEN_TRAPPED(n)	\
	LO(n), \
	ANY(OPEN_WRITES, 1, 0), \
	RET(SECCOMP_RET_ALLOW), \
	RET(SECCOMP_RET_USER_NOTIF)

static const struct sock_filter args_open_trapped[] = { OPEN_TRAPPED(1) };
static const struct sock_filter args_openat_trapped[] = { OPEN_TRAPPED(2) };

/*
 * And where he has nothing to decide: O_TRUNC without a descriptor to write by (O_RDONLY, or both bits of
 * O_ACCMODE) changes a file, and Landlock does not see it, for its right to truncate would cost each open for
 * reading a fourth (cage/landlock.c).
 */
#define OPEN_TRUNCATING(n) \
	LO(n), \
	ANY(O_TRUNC, 1, 0), \
	RET(SECCOMP_RET_ALLOW), \
	AND(O_ACCMODE), \
	EQ(O_WRONLY, 1, 0), \
	EQ(O_RDWR, 0, 1), \
	RET(SECCOMP_RET_ALLOW), \
	RET(SECCOMP_RET_USER_NOTIF)

static const struct sock_filter args_open[] = { OPEN_TRUNCATING(1) };
static const struct sock_filter args_openat[] = { OPEN_TRUNCATING(2) };

/*
 * An id that the cage's namespace does not map is EINVAL, and programs that may fail to give a file away, or to
 * become somebody else, expect EPERM. Nobody but root can either: so it is said here.
 */
#define NO_ID	0xffffffffu
#define CHOWN(uid, gid) \
	LO(uid), \
	EQ(NO_ID, 1, 0), \
	EQ(FILTER_OWN_UID, 0, 4), \
	LO(gid), \
	EQ(NO_ID, 1, 0), \
	EQ(FILTER_OWN_GID, 0, 1), \
	RET(SECCOMP_RET_ALLOW), \
	RET_ERRNO(EPERM)

static const struct sock_filter args_chown[] = { CHOWN(1, 2) };
static const struct sock_filter args_fchownat[] = { CHOWN(2, 3) };

#define ONE_ID(own) \
	LO(0), \
	EQ(NO_ID, 1, 0), \
	EQ(own, 0, 1), \
	RET(SECCOMP_RET_ALLOW), \
	RET_ERRNO(EPERM)
#define TWO_IDS(own) \
	LO(0), \
	EQ(NO_ID, 1, 0), \
	EQ(own, 0, 4), \
	LO(1), \
	EQ(NO_ID, 1, 0), \
	EQ(own, 0, 1), \
	RET(SECCOMP_RET_ALLOW), \
	RET_ERRNO(EPERM)
#define THREE_IDS(own) \
	LO(0), \
	EQ(NO_ID, 1, 0), \
	EQ(own, 0, 7), \
	LO(1), \
	EQ(NO_ID, 1, 0), \
	EQ(own, 0, 4), \
	LO(2), \
	EQ(NO_ID, 1, 0), \
	EQ(own, 0, 1), \
	RET(SECCOMP_RET_ALLOW), \
	RET_ERRNO(EPERM)

static const struct sock_filter args_setuid[] = { ONE_ID(FILTER_OWN_UID) };
static const struct sock_filter args_setgid[] = { ONE_ID(FILTER_OWN_GID) };
static const struct sock_filter args_setreuid[] = { TWO_IDS(FILTER_OWN_UID) };
static const struct sock_filter args_setregid[] = { TWO_IDS(FILTER_OWN_GID) };
static const struct sock_filter args_setresuid[] = { THREE_IDS(FILTER_OWN_UID) };
static const struct sock_filter args_setresgid[] = { THREE_IDS(FILTER_OWN_GID) };

/* Filters of the programs inside: those that expect a tracer are refused (notifyd/innerfilter.c) */
static const struct sock_filter args_seccomp[] = {
	LO(0),
	EQ(SECCOMP_SET_MODE_FILTER, 1, 0),
	RET(SECCOMP_RET_ALLOW),
	RET(SECCOMP_RET_USER_NOTIF),
};

static const struct sock_filter args_prctl[] = {
	LO(0),
	EQ(PR_SET_SECCOMP, 1, 0),
	RET(SECCOMP_RET_ALLOW),
	RET(SECCOMP_RET_USER_NOTIF),
};

struct block {
	int nr;
	const struct sock_filter *insn;
	size_t count;
};
#define BLOCK(name)	{ SYS_##name, args_##name, ARRAY_SIZE(args_##name) }

static const struct block by_args[] = {
	BLOCK(socket), BLOCK(socketpair), BLOCK(sendto), BLOCK(sendmsg), BLOCK(sendmmsg),
	BLOCK(ioctl), BLOCK(unshare), BLOCK(seccomp), BLOCK(prctl), BLOCK(open), BLOCK(openat),
};

/* Other tasks' memory and descriptors: for debuggers, if the policy lets them work */
static const int tracing_calls[] = {
	SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_pidfd_getfd, SYS_kcmp,
};

/*
 * In a cage of root's without capabilities: access lists of what belongs to
 * others (notifyd/xattr.c), and modes of programs that would make root of
 * whoever ran them outside (notifyd/chmod.c).
 */
#define MODE_TRAPPED(n) \
	LO(n), \
	ANY(S_ISUID | S_ISGID, 1, 0), \
	RET(SECCOMP_RET_ALLOW), \
	RET(SECCOMP_RET_USER_NOTIF)

static const struct sock_filter args_mode_second[] = { MODE_TRAPPED(1) };
static const struct sock_filter args_mode_third[] = { MODE_TRAPPED(2) };

static const struct block if_lone_root[] = {
	{ SYS_chmod, args_mode_second, ARRAY_SIZE(args_mode_second) },
	{ SYS_fchmod, args_mode_second, ARRAY_SIZE(args_mode_second) },
	{ SYS_fchmodat, args_mode_third, ARRAY_SIZE(args_mode_third) },
	{ SYS_fchmodat2, args_mode_third, ARRAY_SIZE(args_mode_third) },
	{ SYS_setxattr, notified, ARRAY_SIZE(notified) },
	{ SYS_lsetxattr, notified, ARRAY_SIZE(notified) },
	{ SYS_fsetxattr, notified, ARRAY_SIZE(notified) },
};

/* Chromium's sandbox: a user namespace, and a chroot in it */
static const int nested_calls[] = { SYS_unshare, SYS_chroot };

static const struct block if_opens_trapped[] = {
	{ SYS_open, args_open_trapped, ARRAY_SIZE(args_open_trapped) },
	{ SYS_openat, args_openat_trapped, ARRAY_SIZE(args_openat_trapped) },
	{ SYS_creat, notified, ARRAY_SIZE(notified) },
};

static const struct block if_one_user[] = {
	BLOCK(chown), BLOCK(fchownat),
	{ SYS_fchown, args_chown, ARRAY_SIZE(args_chown) },
	{ SYS_lchown, args_chown, ARRAY_SIZE(args_chown) },
	BLOCK(setuid), BLOCK(setgid), BLOCK(setreuid), BLOCK(setregid), BLOCK(setresuid), BLOCK(setresgid),
};

static const struct block *block_find(const struct block *list, size_t count, int nr)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].nr == nr)
			return &list[i];
	return NULL;
}

static bool is_in(const int *list, size_t count, int nr)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == nr)
			return true;
	return false;
}

const struct sock_filter *filter_args(int nr, const struct filter_options *opt, size_t *ret_count)
{
	bool is_tracing = is_in(tracing_calls, ARRAY_SIZE(tracing_calls), nr);
	bool is_nested = is_in(nested_calls, ARRAY_SIZE(nested_calls), nr);
	const struct block *b = NULL;

	*ret_count = 1;
	if ((is_tracing && opt->tracing) || (is_nested && opt->nested))
		return always;
	b = block_find(if_lone_root, ARRAY_SIZE(if_lone_root), nr);
	if (b && !opt->is_lone_root)
		return always;
	if (!b && opt->traps_opens)
		b = block_find(if_opens_trapped, ARRAY_SIZE(if_opens_trapped), nr);
	if (!b && opt->uid != 0)
		b = block_find(if_one_user, ARRAY_SIZE(if_one_user), nr);
	if (!b)
		b = block_find(by_args, ARRAY_SIZE(by_args), nr);
	if (b) {
		*ret_count = b->count;
		return b->insn;
	}
	if (nr == SYS_creat || block_find(if_one_user, ARRAY_SIZE(if_one_user), nr))
		return always;
	return is_tracing || is_nested ? never : NULL;
}
