/* SPDX-License-Identifier: Apache-2.0
 *
 * common/courier.c - Sends on Unix sockets in the name of a process of the cage
 */
#include "common/courier.h"

#include <errno.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#define DATA_MAX ((size_t)256 << 10)

/* The words before name and data in one message */
struct header {
	int32_t sender, flags;
	uint32_t name_len, data_len;
	uint32_t has_pin;
};

/* Descriptors of one message: the socket, the pin if any, then those to be passed (two fewer than
 * the kernel's limit can be; nobody is known to pass that many) */
union rights {
	char buf[CMSG_SPACE(sizeof(int) * COURIER_FDS_MAX)];
	struct cmsghdr align;
};

union credentials {
	char buf[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int) * COURIER_FDS_MAX)];
	struct cmsghdr align;
};

/* One parcel as it arrived. Too large for a stack */
struct arrived {
	struct header head;
	struct sockaddr_storage name;
	int fds[COURIER_FDS_MAX];
	size_t fd_count;
	union rights rights;
	union credentials credentials;
	char data[DATA_MAX];
};

static void put_rights(struct msghdr *m, size_t used, const int *fds, size_t count)
{
	struct cmsghdr *c = (void *)((char *)m->msg_control + used);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * count);
	memcpy(CMSG_DATA(c), fds, sizeof(int) * count);
	m->msg_controllen = used + CMSG_SPACE(sizeof(int) * count);
}

/* ---- in init ---- */

static void take_rights(struct arrived *a, struct msghdr *m)
{
	a->fd_count = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS || count > COURIER_FDS_MAX)
			continue;
		memcpy(a->fds, CMSG_DATA(c), count * sizeof(int));
		a->fd_count = count;
	}
}

/* False: the supervisor has gone */
static bool receive(int sock, struct arrived *a)
{
	struct iovec iov[] = {
		{ &a->head, sizeof(a->head) }, { &a->name, sizeof(a->name) }, { a->data, sizeof(a->data) },
	};
	struct msghdr m = {
		.msg_iov = iov, .msg_iovlen = ARRAY_SIZE(iov),
		.msg_control = a->rights.buf, .msg_controllen = sizeof(a->rights.buf),
	};
	ssize_t n;

	do
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	take_rights(a, &m);
	return true;
}

static void address(struct arrived *a, struct msghdr *m, int pin)
{
	struct sockaddr_un *un = (void *)&a->name;

	if (a->head.has_pin) {
		un->sun_family = AF_UNIX;
		(void)snprintf(un->sun_path, sizeof(un->sun_path), "/proc/self/fd/%d", pin);	/* always fits */
		a->head.name_len = sizeof(*un);
	}
	if (a->head.name_len > 0) {
		m->msg_name = &a->name;
		m->msg_namelen = a->head.name_len;
	}
}

static ssize_t pass_on(struct arrived *a)
{
	size_t first = a->head.has_pin ? 2 : 1;
	struct ucred cred = { .pid = a->head.sender, .uid = getuid(), .gid = getgid() };
	struct iovec iov = { a->data, a->head.data_len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = a->credentials.buf };
	struct cmsghdr *c = (void *)a->credentials.buf;
	ssize_t n;

	if (a->fd_count < first || a->head.data_len > DATA_MAX || a->head.name_len > sizeof(a->name))
		return -EPROTO;
	address(a, &m, a->fds[first - 1]);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_CREDENTIALS;
	c->cmsg_len = CMSG_LEN(sizeof(cred));
	memcpy(CMSG_DATA(c), &cred, sizeof(cred));
	m.msg_controllen = CMSG_SPACE(sizeof(cred));
	if (a->fd_count > first)
		put_rights(&m, m.msg_controllen, a->fds + first, a->fd_count - first);
	n = sendmsg(a->fds[0], &m, a->head.flags | MSG_NOSIGNAL | MSG_DONTWAIT);
	/* the sender may have died meanwhile, or another user's id stand there: then as ourselves */
	if (n < 0 && (errno == EPERM || errno == ESRCH)) {
		cred.pid = getpid();
		memcpy(CMSG_DATA(c), &cred, sizeof(cred));
		n = sendmsg(a->fds[0], &m, a->head.flags | MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	return n < 0 ? -errno : n;
}

/* Of this thread alone: capabilities belong to threads */
static void keep_one_capability(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{ .effective = 1u << CAP_SYS_ADMIN, .permitted = 1u << CAP_SYS_ADMIN },
	};

	(void)syscall(SYS_capset, &head, data);	/* taking away is always permitted */
}

static void *serve(void *arg)
{
	struct arrived *a = arg;
	int sock = a->fds[0];

	keep_one_capability();
	while (receive(sock, a)) {
		int64_t result = pass_on(a);

		for (size_t i = 0; i < a->fd_count; i++)
			(void)close(a->fds[i]);	/* duplicates */
		if (send(sock, &result, sizeof(result), MSG_NOSIGNAL) < 0)
			break;
	}
	free(a);
	return NULL;
}

int courier_start(int sock)
{
	struct arrived *a = malloc(sizeof(*a));
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	if (!a)
		return -ENOMEM;
	a->fds[0] = sock;
	r = pthread_attr_init(&attr);
	if (r == 0)
		r = pthread_attr_setstacksize(&attr, (size_t)64 << 10);
	if (r == 0)
		r = pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (r == 0)
		r = pthread_create(&thread, &attr, serve, a);
	if (r != 0)
		free(a);
	return -r;
}

/* ---- in the supervisor ---- */

ssize_t courier_send(int courier, const struct courier_parcel *p)
{
	struct header head = {
		.sender = p->sender, .flags = p->flags, .name_len = (uint32_t)p->name_len,
		.data_len = (uint32_t)p->data_len, .has_pin = p->pin >= 0,
	};
	struct sockaddr_storage name = { .ss_family = AF_UNSPEC };
	struct iovec iov[] = {
		{ &head, sizeof(head) }, { &name, sizeof(name) }, { (void *)(uintptr_t)p->data, p->data_len },
	};
	int fds[COURIER_FDS_MAX];
	union rights rights;
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = ARRAY_SIZE(iov), .msg_control = rights.buf };
	size_t count = 0;
	int64_t result;

	if (p->data_len > DATA_MAX || p->name_len > sizeof(name) || p->fd_count > COURIER_FDS_MAX - 2)
		return -EMSGSIZE;
	memset(&rights, 0, sizeof(rights));
	if (p->name_len > 0)
		memcpy(&name, p->name, p->name_len);
	fds[count++] = p->sock;
	if (p->pin >= 0)
		fds[count++] = p->pin;
	if (p->fd_count > 0)
		memcpy(fds + count, p->fds, p->fd_count * sizeof(int));
	put_rights(&m, 0, fds, count + p->fd_count);
	while (sendmsg(courier, &m, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -errno;
	for (;;) {
		ssize_t n = recv(courier, &result, sizeof(result), 0);

		if (n == (ssize_t)sizeof(result))
			break;
		if (n >= 0 || errno != EINTR)
			return -EPIPE;
	}
	return (ssize_t)result;
}
