/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/query.c - The socket that answers "agentsh why" inside: reads, changes nothing
 *
 * Whoever connects is hostile. One thread serves one question a connection; it
 * rests ten times as long as it worked, so that questions cost at most a
 * tenth of a core, whatever is asked.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cli/words.h"
#include "cli/words_why.h"
#include "common/cleanup.h"

#define CLIENTS_MAX	16
#define PATIENCE_MS	2000	/* for a question after the connection */
#define REST_MIN_MS	5
#define REST_MAX_MS	3000

struct query {
	struct why_place place;
	char *session_dir, *socket_path;
	int listen_fd, stop_fd;
	pthread_t thread;
	struct {
		int fd;
		uint64_t since_ms;
	} client[CLIENTS_MAX];
	size_t client_count;
	char question[WHY_MAX], answer[1 + WHY_ANSWER_MAX];
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);	/* cannot fail with this clock */
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void drop(struct query *q, size_t i)
{
	(void)close(q->client[i].fd);
	q->client[i] = q->client[--q->client_count];
}

static void take_client(struct query *q)
{
	int fd = accept4(q->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	size_t oldest = 0;

	if (fd < 0)
		return;
	for (size_t i = 1; i < q->client_count; i++)
		if (q->client[i].since_ms < q->client[oldest].since_ms)
			oldest = i;
	if (q->client_count == CLIENTS_MAX)
		drop(q, oldest);
	q->client[q->client_count].fd = fd;
	q->client[q->client_count++].since_ms = now_ms();
}

static void answer(struct query *q, int fd)
{
	ssize_t n = recv(fd, q->question, sizeof(q->question), MSG_DONTWAIT | MSG_TRUNC);
	struct why_question what;
	enum why_status status = WHY_ERROR;

	if (n <= 0)
		return;
	if ((size_t)n > sizeof(q->question) || why_parse(&what, q->question, (size_t)n) < 0)
		strcpy(q->answer + 1, "agentsh why: not a question\n");
	else
		status = why_answer(&q->place, &what, q->answer + 1, sizeof(q->answer) - 1);
	q->answer[0] = (char)('0' + status);
	/* gone or not reading: its loss */
	(void)send(fd, q->answer, 1 + strlen(q->answer + 1), MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* False: stop */
static bool rest(const struct query *q, uint64_t worked_ms)
{
	uint64_t ms = worked_ms * 10 < REST_MIN_MS ? REST_MIN_MS : worked_ms * 10;
	struct pollfd stop = { .fd = q->stop_fd, .events = POLLIN };

	return poll(&stop, 1, (int)(ms > REST_MAX_MS ? REST_MAX_MS : ms)) <= 0;
}

static bool serve_clients(struct query *q, const struct pollfd *fds, size_t count)
{
	for (size_t i = count; i-- > 0;) {	/* from the end: drop() moves the last one */
		uint64_t start = now_ms();
		bool is_ready = fds[i].revents != 0;

		if (is_ready)
			answer(q, q->client[i].fd);
		if (is_ready || start - q->client[i].since_ms > PATIENCE_MS)
			drop(q, i);
		if (is_ready && !rest(q, now_ms() - start))
			return false;
	}
	return true;
}

static void *query_thread(void *arg)
{
	struct query *q = arg;

	for (;;) {
		struct pollfd fds[2 + CLIENTS_MAX] = {
			{ .fd = q->stop_fd, .events = POLLIN }, { .fd = q->listen_fd, .events = POLLIN },
		};
		size_t count = q->client_count;

		for (size_t i = 0; i < count; i++)
			fds[2 + i] = (struct pollfd){ .fd = q->client[i].fd, .events = POLLIN };
		if (poll(fds, 2 + count, count ? PATIENCE_MS : -1) < 0 && errno != EINTR)
			break;
		if (fds[0].revents || !serve_clients(q, fds + 2, count))
			break;
		if (fds[1].revents)
			take_client(q);
	}
	while (q->client_count > 0)
		drop(q, 0);
	return NULL;
}

/* The path may be longer than a socket's name can be: its directory is named by descriptor */
static int bind_socket(int fd, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	cleanup_free char *dir_path = slash ? strndup(path, (size_t)(slash - path)) : NULL;
	int n;

	if (!dir_path)
		return -EINVAL;
	cleanup_fd int dir = open(dir_path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return -errno;
	n = snprintf(sun.sun_path, sizeof(sun.sun_path), "/proc/self/fd/%d/%s", dir, slash + 1);
	if (n < 0 || (size_t)n >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	if (bind(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 || listen(fd, CLIENTS_MAX) < 0)
		return -errno;
	return 0;
}

static void release(struct query *q)
{
	if (q->listen_fd >= 0)
		(void)close(q->listen_fd);
	if (q->stop_fd >= 0)
		(void)close(q->stop_fd);
	free(q->session_dir);
	free(q->socket_path);
	free(q);
}

static int start(struct query *q, const struct query_options *opt)
{
	sigset_t all, old;
	int r;

	if (!q->session_dir || !q->socket_path)
		return -ENOMEM;
	if (q->listen_fd < 0 || q->stop_fd < 0)
		return -EMFILE;
	r = bind_socket(q->listen_fd, opt->socket_path);
	if (r < 0)
		return r;
	(void)sigfillset(&all);	/* cannot fail */
	(void)pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&q->thread, NULL, query_thread, q);
	(void)pthread_sigmask(SIG_SETMASK, &old, NULL);
	return -r;
}

int query_start(struct query **ret, const struct query_options *opt)
{
	struct query *q = calloc(1, sizeof(*q));
	int r;

	if (!q)
		return -ENOMEM;
	q->session_dir = strdup(opt->session_dir);
	q->socket_path = strdup(opt->socket_path);
	q->place = (struct why_place){ .loaded = opt->loaded, .session_dir = q->session_dir };
	q->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	q->stop_fd = eventfd(0, EFD_CLOEXEC);
	r = start(q, opt);
	if (r < 0) {
		release(q);
		return r;
	}
	*ret = q;
	return 0;
}

void query_stop(struct query *q)
{
	uint64_t one = 1;

	if (!q)
		return;
	if (write(q->stop_fd, &one, sizeof(one)) == sizeof(one))
		(void)pthread_join(q->thread, NULL);	/* joinable, joined once */
	(void)unlink(q->socket_path);	/* swept with the session directory otherwise */
	release(q);
}
