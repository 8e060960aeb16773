/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/lib/attack.h - How an attack of tests/attack/ tells what came of it
 *
 * An attack is one program in one file. Its header says what it is:
 *
 *	Attack:		what is tried, one sentence
 *	Stopped by:	layers of cage/cage.h, comma separated: with all of them off it must
 *			succeed, with any single one of them on it must fail
 *	Expect:		errno the caller sees, and the rule recorded: "EACCES, rule secrets";
 *			either may be left out. "-" if neither is told
 *	Twin:		the allowed counterpart, run by the same program called as "NAME twin"
 *	Source:		where the idea is from
 *	Build:		words for the compiler: "-static", "-m32", "musl"	(optional)
 *	Needs:		tty, root, user, tracing, host	(optional; see tests/attack/run.t)
 *	Policy:		a template of its own beside it	(optional; else policy.json.in)
 *
 * It ends by one of the functions below, and writes nothing else that matters:
 * 0 blocked (twin: worked), 1 escaped (twin: refused), 77 cannot be tried here.
 */
#ifndef TESTS_LIB_ATTACK_H
#define TESTS_LIB_ATTACK_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ATTACK_FN __attribute__((unused)) static

/* musl has no strerrorname_np() */
#define ATTACK_ERRNO_TABLE(X) \
	X(EACCES) X(EPERM) X(ENOENT) X(ENOSYS) X(EROFS) X(EXDEV) X(EINVAL) X(EBADF) X(ESRCH) \
	X(ECONNREFUSED) X(ENETUNREACH) X(EHOSTUNREACH) X(EAFNOSUPPORT) X(EPROTONOSUPPORT) X(ENOTTY) \
	X(EIO) X(ENXIO) X(ENODEV) X(EBUSY) X(ENOSPC) X(EUSERS) X(EAGAIN) X(ELOOP) X(EFAULT) \
	X(ENOTSUP) X(EEXIST) X(EINTR) X(ENOMEM) X(ENOTDIR) X(EISDIR) X(ENAMETOOLONG) X(EADDRNOTAVAIL) \
	X(EADDRINUSE) X(ENOPROTOOPT) X(ETIMEDOUT) X(EINPROGRESS) X(ETXTBSY) X(EDOM) X(EMFILE)

ATTACK_FN const char *attack_errno(int err)
{
	static const struct { int err; const char *name; } rows[] = {
#define X(e) { e, #e },
		ATTACK_ERRNO_TABLE(X)
#undef X
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].err == err)
			return rows[i].name;
	return strerror(err);
}

__attribute__((noreturn, unused, format(printf, 3, 4)))
static void attack_end(int status, const char *word, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	va_start(ap, fmt);
	printf("%s: ", word);
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	fflush(stdout);
	_exit(status);
}

/** blocked() - It was refused with @err (0: in no way that has an errno) */
#define blocked(err)	attack_end(0, "blocked", "%s", (err) ? attack_errno(err) : "without an errno")
/** escaped() - It worked; say what was reached */
#define escaped(...)	attack_end(1, "escaped", __VA_ARGS__)
/** cannot() - It cannot be tried on this machine, and would not be by an attacker either */
#define cannot(...)	attack_end(77, "cannot", __VA_ARGS__)
/** twin_works(), twin_refused() - The two ends of the allowed counterpart */
#define twin_works()	attack_end(0, "twin", "works")
#define twin_refused(...) attack_end(1, "twin refused", __VA_ARGS__)

/** attack_is_twin() - Called as the allowed counterpart? */
ATTACK_FN bool attack_is_twin(int argc, char **argv)
{
	return argc > 1 && strcmp(argv[1], "twin") == 0;
}

/**
 * fixture() - A place or number that tests/attack/run.t has made
 *
 * WS, HOME, OUTSIDE (readable, not writable), SECRET (denied file in WS), SECRET_DIR, PLAIN (file in WS),
 * LOCKED (file in WS that may be read and not changed), HIDDEN, DENIED_TOOL, ALLOWED_TOOL, PORT, DENIED_PORT,
 * UNIX (a host's socket), HOLDER (pid of a process outside, of the same user), SECONDS (for races), TOKEN_MARK;
 * where root runs the tests also OTHER and OTHER_SERVED (files of another user)
 */
ATTACK_FN const char *fixture(const char *name)
{
	char key[64];
	const char *v;

	snprintf(key, sizeof(key), "ATTACK_%s", name);
	v = getenv(key);
	if (!v || !*v)
		cannot("%s is not set: run it by tests/attack/run.t", key);
	return v;
}

/** attack_seconds() - How long a race is tried */
ATTACK_FN int attack_seconds(void)
{
	return atoi(fixture("SECONDS"));
}

/** attack_path() - DIR/NAME in a buffer of its own (rotating, eight of them) */
ATTACK_FN const char *attack_path(const char *dir, const char *name)
{
	static char buf[8][4096];
	static unsigned n;
	char *b = buf[n++ % 8];

	snprintf(b, sizeof(buf[0]), "%s/%s", dir, name);
	return b;
}

#endif /* TESTS_LIB_ATTACK_H */
