/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/fuzz/notify_call_fuzz.c - The calls the doorman answers, with any arguments and any memory behind them
 *
 * A thread of ours waits in a notified call for ever, so that the checks "is it
 * still waiting" hold; memory and descriptors read as its are this process's.
 * Input: the call, six arguments of four bytes, then what lies at BASE. Whatever
 * it is, the handler returns, with an errno the kernel takes or a descriptor.
 * Nothing is allowed to leave: the policy denies, and there is no resolver.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "notifyd/doorman.h"
#include "policy/compile.h"
#include "policy/plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BASE	((char *)0x20000000)	/* so that an input can hold pointers */
#define ROOM	((size_t)64 << 10)

static const int calls[] = {
	SYS_sendmsg, SYS_sendto, SYS_sendmmsg, SYS_connect, SYS_bind, SYS_listen, SYS_setsockopt, SYS_socket,
	SYS_openat, SYS_openat2, SYS_inotify_add_watch,
};

/** struct world - Made once: a fuzzer has nowhere else to keep it */
struct world {
	struct notifyd n;
	struct worker worker;
	struct policy policy;
	struct plan plan;		/* of nothing */
	struct event_sink sink;
	struct seccomp_notif asleep;	/* the call that is never answered */
	atomic_int listener;
	int sock[8];
	size_t sock_count;
};

static int on_event(struct event_sink *sink, const struct event *ev)
{
	(void)sink;
	if (!ev->decision || ev->object.len > 4096 || (ev->argc && !ev->argv))
		abort();
	return 0;
}

/* Waits in getppid(2), which this thread alone has notified */
static void *sleeper(void *arg)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { ARRAY_SIZE(code), code };
	struct world *w = arg;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		abort();
	atomic_store(&w->listener, (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog));
	for (;;)
		(void)syscall(SYS_getppid);	/* ends with the process */
}

static void deny_all(struct world *w)
{
	struct policy_builder *b;
	struct policy_diag diag;
	uint32_t source;
	void *blob;
	size_t size;

	if (policy_builder_new(&b) < 0 || policy_builder_layer(b, "base", true) < 0 ||
	    policy_builder_emit(b, &blob, &size, &diag, &source) < 0 || policy_open(&w->policy, blob, size) < 0)
		abort();
	policy_builder_free(b);		/* the blob stays */
}

static void make(struct world *w)
{
	int pair[2];
	pthread_t t;

	deny_all(w);
	(void)signal(SIGPIPE, SIG_IGN);
	if (mmap(BASE, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != BASE)
		abort();
	atomic_store(&w->listener, -1);
	if (pthread_create(&t, NULL, sleeper, w) != 0)
		abort();
	while (atomic_load(&w->listener) < 0)
		(void)sched_yield();
	if (ioctl(atomic_load(&w->listener), SECCOMP_IOCTL_NOTIF_RECV, &w->asleep) < 0)
		abort();
	w->sink.event = on_event;
	w->n.cfg = (struct notifyd_config){
		.listener_fd = atomic_load(&w->listener), .courier_sock = -1,
		.policy = &w->policy, .plan = &w->plan, .sink = &w->sink,
	};
	w->n.view_root = -1;
	w->n.proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < RESOLVER_SOCKETS; i++) {
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
			abort();
		(void)close(pair[1]);	/* a resolver that has died */
		w->n.cfg.resolver_socks[i] = pair[0];
		w->n.resolver_free[i] = (int)i;
	}
	w->n.resolver_free_count = RESOLVER_SOCKETS;
	(void)pthread_mutex_init(&w->n.lock, NULL);
	(void)pthread_mutex_init(&w->n.resolver_lock, NULL);
	(void)pthread_mutex_init(&w->n.courier_lock, NULL);
	(void)pthread_mutex_init(&w->n.listeners.lock, NULL);
	(void)pthread_cond_init(&w->n.wake, NULL);
	(void)pthread_cond_init(&w->n.resolver_wake, NULL);
	w->worker.n = &w->n;
}

/* Fresh ones for each input; none of them ever blocks */
static void open_sockets(struct world *w)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };

	w->sock_count = 0;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (socketpair(AF_UNIX, types[i] | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, &w->sock[w->sock_count]) == 0)
			w->sock_count += 2;
	w->sock[w->sock_count++] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	w->sock[w->sock_count++] = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static void close_sockets(struct world *w)
{
	for (size_t i = 0; i < w->sock_count; i++)
		if (w->sock[i] >= 0)
			(void)close(w->sock[i]);	/* nothing that matters was written */
}

/* Is @nr called with a descriptor first? Then one of ours, but for the highest values */
static bool takes_socket(int nr)
{
	return nr != SYS_socket && nr != SYS_openat && nr != SYS_openat2 && nr != SYS_inotify_add_watch;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world *w;
	struct call c = { .reply = { .err = EACCES, .fd = -1 } };
	const struct handler *h;
	uint32_t arg[6];

	if (!w) {
		w = calloc(1, sizeof(*w));
		if (!w)
			abort();
		make(w);
	}
	if (size < 1 + sizeof(arg) || size - 1 - sizeof(arg) > ROOM)
		return 0;
	c.n = &w->n;
	c.worker = &w->worker;
	c.id = w->asleep.id;
	c.tid = (pid_t)w->asleep.pid;
	c.nr = calls[data[0] % ARRAY_SIZE(calls)];
	memcpy(arg, data + 1, sizeof(arg));
	for (size_t i = 0; i < 6; i++)
		c.args[i] = arg[i];
	memset(BASE, 0, ROOM);
	memcpy(BASE, data + 1 + sizeof(arg), size - 1 - sizeof(arg));
	open_sockets(w);
	if (takes_socket(c.nr) && arg[0] < 0xf0000000)
		c.args[0] = (uint64_t)w->sock[arg[0] % w->sock_count];
	h = handler_find(c.nr);
	if (!h)
		abort();
	h->handle(&c);
	if (c.reply.kind == REPLY_FD) {
		if (c.reply.fd < 0)
			abort();
		(void)close(c.reply.fd);
	} else if (c.reply.err < 0 || c.reply.err > 4095) {
		abort();
	}
	if (c.reply.kind == REPLY_CONTINUE && (takes_socket(c.nr) || c.nr == SYS_socket))
		abort();	/* nothing static stands behind these */
	close_sockets(w);
	return 0;
}
