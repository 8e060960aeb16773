/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/why.c - "agentsh why": why something was refused, or would be
 *
 * Inside a cage the session itself is asked, over its query socket; the policy
 * and the log are out of reach there. Outside, the policy is loaded as "run"
 * would load it, and a number is looked up in the newest session's log.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "audit/reader.h"
#include "cli/cli.h"
#include "cli/context.h"
#include "cli/words.h"
#include "cli/words_why.h"
#include "common/cleanup.h"

#define EXIT_ERROR 125
#define ANSWER_WAIT_MS 20000	/* the session may rest between questions */

struct why {
	struct why_question q;
	struct context_options context;
	const char *session;
	const char *op, *path, *host;
	bool is_command;
	char resolved[4096], asked[4096];
	char wire[WHY_MAX];
};

static int usage(const char *sentence)
{
	fprintf(stderr, "agentsh why: %s\n"
		"usage: agentsh why [--json] [--session ID] NUMBER\n"
		"       agentsh why [--json] [--policy P] [--workspace DIR] --path PATH [--op OP]\n"
		"       agentsh why [--json] [--policy P] [--workspace DIR] --host ADDRESS:PORT [--op OP]\n"
		"       agentsh why [--json] [--policy P] [--workspace DIR] --command -- PROGRAM [ARGUMENT ...]\n",
		sentence);
	return -EINVAL;
}

static int fail(const char *sentence)
{
	fprintf(stderr, "agentsh why: %s\n", sentence);
	return -EINVAL;
}

/* ---- what is asked ---- */

static int find_op(const struct why *w, enum policy_object_kind kind, enum policy_op fallback, enum policy_op *ret)
{
	if (!w->op) {
		*ret = fallback;
		return 0;
	}
	for (unsigned i = 0; i < POLICY_OP_COUNT; i++) {
		*ret = (enum policy_op)i;
		if (strcmp(w->op, policy_op_name(*ret)) == 0 && policy_op_object(*ret) == kind)
			return 0;
	}
	fprintf(stderr, "agentsh why: no such operation here: %s; it is one of:", w->op);
	for (unsigned i = 0; i < POLICY_OP_COUNT; i++)
		if (policy_op_object((enum policy_op)i) == kind)
			fprintf(stderr, " %s", policy_op_name((enum policy_op)i));
	fprintf(stderr, "\n");
	return -EINVAL;
}

/* As far as it exists through its links, the rest as written */
static int resolve(const char *path, bool follow_last, char buf[4096])
{
	char cwd[4096] = "/", joined[4096], real[4096];
	size_t cut;
	int n;

	if (path[0] != '/' && !getcwd(cwd, sizeof(cwd)))
		return -errno;
	n = policy_path_join(joined, sizeof(joined), policy_str(cwd), policy_str(path));
	if (n < 0)
		return n;
	cut = (size_t)n;
	if (!follow_last && strrchr(joined, '/') != joined)
		cut = (size_t)(strrchr(joined, '/') - joined);
	for (;;) {
		char was = joined[cut];
		char *found;

		joined[cut] = '\0';
		found = realpath(cut ? joined : "/", real);
		joined[cut] = was;
		if (found || cut == 0)
			break;
		while (cut > 0 && joined[--cut] != '/')
			;
	}
	if (strcmp(real, "/") == 0)
		real[0] = '\0';
	n = snprintf(buf, 4096, "%s%s", real, cut == 1 && joined[1] == '\0' ? "" : joined + cut);
	if (n == 0)
		strcpy(buf, "/");
	return n < 4096 ? 0 : -ENAMETOOLONG;
}

static uint32_t traits_of(const char *path)
{
	char dir[4096];
	struct stat st;
	char *slash;

	if (lstat(path, &st) == 0)
		return POLICY_T_UNKNOWN;
	if (errno != ENOENT && errno != ENOTDIR)
		return POLICY_T_UNKNOWN;
	(void)snprintf(dir, sizeof(dir), "%s", path);	/* fits: it is as long */
	slash = strrchr(dir, '/');
	if (slash && slash != dir)
		*slash = '\0';
	return WHY_T_ABSENT | (lstat(dir, &st) == 0 ? POLICY_T_STOOD_FOLDER : 0);
}

static int ask_path(struct why *w)
{
	const uint64_t on_name = POLICY_OP_BIT(POLICY_OP_CREATE) | POLICY_OP_BIT(POLICY_OP_DELETE) |
		POLICY_OP_BIT(POLICY_OP_RENAME) | POLICY_OP_BIT(POLICY_OP_LINK) | POLICY_OP_BIT(POLICY_OP_SYMLINK) |
		POLICY_OP_BIT(POLICY_OP_MKDIR) | POLICY_OP_BIT(POLICY_OP_RMDIR) | POLICY_OP_BIT(POLICY_OP_MKNOD);

	w->q.kind = WHY_PATH;
	if (find_op(w, POLICY_OBJECT_PATH, POLICY_OP_READ, &w->q.op) < 0)
		return -EINVAL;
	if (!*w->path || resolve(w->path, !(POLICY_OP_BIT(w->q.op) & on_name), w->resolved) < 0)
		return fail("this path is empty or too long");
	w->q.path = w->resolved;
	w->q.traits = traits_of(w->resolved);
	return 0;
}

static int ask_host(struct why *w)
{
	uint8_t ip[16];
	uint16_t port;

	w->q.kind = WHY_HOST;
	w->q.host = w->host;
	if (why_parse_host(w->host, ip, &port) < 0)
		return fail("--host takes ADDRESS:PORT, an address in numbers or \"localhost\": names are not judged");
	return find_op(w, POLICY_OBJECT_ADDR, POLICY_OP_CONNECT, &w->q.op);
}

/* As execvp() would find it */
static void find_program(struct why *w, const char *name)
{
	const char *dir = getenv("PATH");

	if (!dir || !*dir)
		dir = "/usr/bin:/bin";
	(void)snprintf(w->asked, sizeof(w->asked), "%s", name);	/* cut: found nowhere */
	for (const char *end; !strchr(name, '/') && *dir; dir = *end ? end + 1 : end) {
		char try[4096];
		int n;

		end = strchrnul(dir, ':');
		n = snprintf(try, sizeof(try), "%.*s/%s", (int)(end - dir), dir, name);
		if (end > dir && n > 0 && (size_t)n < sizeof(try) && access(try, X_OK) == 0) {
			strcpy(w->asked, try);
			return;
		}
	}
}

static int ask_command(struct why *w, int argc, char **argv)
{
	w->q.kind = WHY_COMMAND;
	if (argc < 1 || !*argv[0])
		return usage("--command needs a program");
	if (argc > WHY_WORDS_MAX)
		return fail("this command has too many words");
	if (w->op)
		return fail("--op does not go with --command");
	find_program(w, argv[0]);
	if (resolve(w->asked, true, w->resolved) < 0)
		return fail("this path is too long");
	w->q.path = w->resolved;
	w->q.asked = w->asked;
	for (int i = 0; i < argc; i++)
		w->q.argv[i] = argv[i];
	w->q.argc = (uint32_t)argc;
	return 0;
}

static int ask_id(struct why *w, const char *text)
{
	char *end;

	errno = 0;
	w->q.kind = WHY_ID;
	w->q.id = strtoull(text, &end, 10);
	if (*end || end == text || errno || text[0] == '-' || w->q.id == 0 || w->q.id > INT64_MAX)
		return usage("a number of the log, or --path, --host or --command");
	if (w->op)
		return fail("--op does not go with a number");
	return 0;
}

static int parse(struct why *w, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' }, { "path", required_argument, NULL, 'p' },
		{ "op", required_argument, NULL, 'o' }, { "host", required_argument, NULL, 'h' },
		{ "command", no_argument, NULL, 'c' }, { "policy", required_argument, NULL, 'P' },
		{ "workspace", required_argument, NULL, 'w' }, { "session", required_argument, NULL, 's' }, { 0 },
	};
	int c, kinds;

	optind = 0;
	while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1) {
		switch (c) {
		case 'j': w->q.is_json = true; break;
		case 'p': w->path = optarg; break;
		case 'o': w->op = optarg; break;
		case 'h': w->host = optarg; break;
		case 'c': w->is_command = true; break;
		case 'P': w->context.policy = optarg; break;
		case 'w': w->context.workspace = optarg; break;
		case 's': w->session = optarg; break;
		default: return usage("unknown option");
		}
	}
	argc -= optind;
	argv += optind;
	kinds = (w->path != NULL) + (w->host != NULL) + w->is_command;
	if (kinds > 1 || (argc > 0 && (w->path || w->host)) || (argc > 1 && !w->is_command))
		return usage("one question at a time");
	if (kinds + argc == 0)
		return usage("a number of the log, or --path, --host or --command");
	if (w->path)
		return ask_path(w);
	if (w->host)
		return ask_host(w);
	return w->is_command ? ask_command(w, argc, argv) : ask_id(w, argv[0]);
}

/* ---- who answers ---- */

static int exit_status(enum why_status s)
{
	return s == WHY_ERROR ? EXIT_ERROR : (int)s;
}

/* Inside. -ENOENT: there is no query socket, so this is outside */
static int ask_session(struct why *w, char *buf, size_t size, enum why_status *ret)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX, .sun_path = QUERY_VIEW_PATH };
	cleanup_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct pollfd ready = { .fd = fd, .events = POLLIN };
	struct stat st;
	ssize_t n;

	if (lstat(QUERY_VIEW_PATH, &st) < 0)
		return -ENOENT;
	if (fd < 0)
		return -ENFILE;
	n = why_encode(&w->q, w->wire, sizeof(w->wire));
	if (n < 0)
		return (int)n;
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 || send(fd, w->wire, (size_t)n, MSG_NOSIGNAL) < 0)
		return errno == ENOENT ? -ECONNREFUSED : -errno;
	if (poll(&ready, 1, ANSWER_WAIT_MS) != 1)
		return -ETIMEDOUT;
	n = recv(fd, buf, size - 1, 0);
	if (n < 1)
		return n < 0 ? -errno : -ECONNRESET;
	buf[n] = '\0';
	*ret = buf[0] == '0' ? WHY_ALLOWED : buf[0] == '1' ? WHY_REFUSED : WHY_ERROR;
	return 0;
}

static int session_dir(const struct why *w, const struct context *c, char *buf, size_t size)
{
	char **list = NULL;
	ssize_t n = audit_sessions(c->state_dir, &list);
	const char *id = w->session ? w->session : n > 0 ? list[n - 1] : NULL;
	bool found = false;

	for (ssize_t i = 0; id && i < n; i++)
		found |= strcmp(list[i], id) == 0;
	if (found)
		found = (size_t)snprintf(buf, size, "%s/%s", c->state_dir, id) < size;
	audit_sessions_free(n >= 0 ? list : NULL);
	return found ? 0 : -ENOENT;
}

static int ask_files(const struct why *w, const struct context *c, char *buf, size_t size, enum why_status *ret)
{
	struct policy_loaded *loaded = NULL;
	struct policy_diag diag = { .line = 0 };
	struct why_place at = { .session_dir = NULL };
	char dir[4096];
	int r;

	if (w->q.kind == WHY_ID && session_dir(w, c, dir, sizeof(dir)) < 0)
		return fail(w->session ? "there is no log of this session" : "there is no session's log yet");
	at.session_dir = dir;
	r = context_policy(&loaded, c, &w->context, "/nonexistent/session", &diag);
	if (r < 0 && w->q.kind != WHY_ID) {	/* for a number the log is enough */
		context_say_diag(&diag);
		return r;
	}
	at.loaded = loaded;
	*ret = why_answer(&at, &w->q, buf, size);
	policy_loaded_free(loaded);
	return 0;
}

static int ask_outside(const struct why *w, char *buf, size_t size, enum why_status *ret)
{
	struct context c;
	char why[512];
	int r = context_find(&c, &w->context, why, sizeof(why));

	if (r < 0 && w->q.kind == WHY_ID && !w->context.workspace) {	/* a number is about no workspace */
		struct context_options home = { .policy = w->context.policy, .workspace = getenv("HOME") };

		r = context_find(&c, &home, why, sizeof(why));
	}
	if (r < 0)
		return fail(why);
	r = ask_files(w, &c, buf, size, ret);
	context_free(&c);
	return r;
}

int cmd_why(int argc, char **argv)
{
	struct why *w = calloc(1, sizeof(*w));
	char *buf = malloc(1 + WHY_ANSWER_MAX);
	enum why_status status = WHY_ERROR;
	bool inside = false;
	int r = w && buf ? parse(w, argc, argv) : -ENOMEM;

	if (r == 0) {
		r = w->session || w->context.policy || w->context.workspace ? -ENOENT :
			ask_session(w, buf, 1 + WHY_ANSWER_MAX, &status);
		inside = r != -ENOENT;
		if (r == -ENOENT)
			r = ask_outside(w, buf, WHY_ANSWER_MAX, &status);
		else if (r < 0)
			fprintf(stderr, "agentsh why: this session does not answer: %s\n", strerror(-r));
	}
	if (r == 0 && (fputs(buf + inside, status == WHY_ERROR ? stderr : stdout) < 0 || fflush(stdout) != 0))
		r = -EIO;
	free(buf);
	free(w);
	return r < 0 ? EXIT_ERROR : exit_status(status);
}
