/* SPDX-License-Identifier: Apache-2.0
 *
 * cage/setup.c - Messages and failures of the set-up
 */
#include "cage/parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/fdio.h"

int cage_fail(struct cage_failure *reterr, int err, const char *step, const char *fmt, ...)
{
	va_list ap;
	int n;

	reterr->err = err;
	(void)snprintf(reterr->step, sizeof(reterr->step), "%s", step);	/* may be cut */
	va_start(ap, fmt);
	n = vsnprintf(reterr->detail, sizeof(reterr->detail), fmt, ap);
	va_end(ap);
	if (n < 0)
		reterr->detail[0] = '\0';
	return -(err > 0 ? err : EIO);
}

/* send(2) has no address: the filter lets it pass where sendmsg(2) would wait for a doorman not yet there */
static int send_plain(int sock, const struct cage_setup_msg *msg)
{
	ssize_t n;

	do
		n = send(sock, msg, sizeof(*msg), MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int cage_setup_say(int sock, enum cage_setup_kind kind, int value, int fd)
{
	struct cage_setup_msg msg = { .kind = (int32_t)kind, .value = value };

	return fd >= 0 ? fdio_send(sock, &msg, sizeof(msg), &fd, 1) : send_plain(sock, &msg);
}

int cage_setup_wait(int sock)
{
	struct cage_setup_msg msg;
	ssize_t n;

	do
		n = recv(sock, &msg, sizeof(msg), 0);
	while (n < 0 && errno == EINTR);
	return n == sizeof(msg) && msg.kind == CAGE_SETUP_GO ? 0 : -ECANCELED;
}

int cage_setup_ask(int sock, enum cage_setup_kind kind, int value, int fd)
{
	int r = cage_setup_say(sock, kind, value, fd);

	return r < 0 ? r : cage_setup_wait(sock);
}

_Noreturn void cage_setup_abort(int sock, const struct cage_failure *failure)
{
	struct cage_setup_msg msg = { .kind = CAGE_SETUP_FAILED, .failure = *failure };
	int r = send_plain(sock, &msg);

	_exit(r < 0 ? 1 : CAGE_EXIT_NO_CAGE);	/* supervisor gone: nobody to tell */
}
