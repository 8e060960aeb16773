/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/log.c - "agentsh log": what sessions did; "log verify": whether the record is what was written
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "audit/reader.h"
#include "cli/cli.h"
#include "cli/context.h"
#include "cli/words_text.h"
#include "common/cleanup.h"
#include "common/jsonw.h"

#define EXIT_ERROR 125
#define EXIT_FOUND 1		/* verify: not intact */
#define FOLLOW_MS 1000		/* between looks when nothing is reported */

struct log {
	struct audit_filter filter;
	const char *session;
	bool follow, json;
	char since[40];
	struct context context;
};

static int usage(const char *sentence)
{
	fprintf(stderr, "agentsh log: %s\n"
		"usage: agentsh log [-f] [--json] [--session ID] [--denied] [--op OP] [--path GLOB]\n"
		"                   [--program GLOB] [--rule ID] [--since TIME] [NUMBER]\n"
		"       agentsh log list [--json]\n"
		"       agentsh log verify [--session ID | --all]\n", sentence);
	return EXIT_ERROR;
}

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "agentsh log: %s: %s\n", what, why);
	return EXIT_ERROR;
}

/* ---- one record as a line of text ---- */

static void put_argv(const struct audit_record *r)
{
	char word[160];

	printf(" (");
	for (uint32_t i = 0; i < r->argc && i < 16; i++)
		printf("%s%s", i ? " " : "", text_escape(word, sizeof(word), r->argv[i]));
	printf("%s)", r->argc > 16 ? " …" : "");
}

static void put_flags(const struct audit_record *r)
{
	static const char *const names[] = { "unverified", "killed", "runs later", "hidden" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (r->flags & 1u << i)
			printf(" {%s}", names[i]);
}

static bool is(struct policy_str s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.s, text, s.len) == 0;
}

static void put_session_event(const struct audit_record *r, const struct log *l)
{
	char text[200];

	if (is(r->op, "start")) {
		printf("start: policy %s", text_escape(text, sizeof(text), r->policy));
		printf(", workspace %s", text_path(text, sizeof(text), r->workspace, l->context.home));
		put_argv(r);
	} else {
		printf("%s: exit status %" PRId64 ", %" PRIu64 " refused", text_escape(text, sizeof(text), r->op),
		       r->exit, r->refused);
	}
}

static void put_event(const struct audit_record *r, const struct log *l)
{
	char text[300];

	printf("%-5s ", text_escape(text, sizeof(text), r->decision));
	printf("%s ", text_escape(text, sizeof(text), r->op));
	printf("%s", text_path(text, sizeof(text), r->object, l->context.home));
	if (r->resolved.len > 0)
		printf(" -> %s", text_path(text, sizeof(text), r->resolved, l->context.home));
	if (r->argc > 0)
		put_argv(r);
	if (audit_record_is_refusal(r) || !is(r->rule, "default"))
		printf(" [%s]", text_escape(text, sizeof(text), r->rule));
	if (r->err.len > 0)
		printf(" %s", text_escape(text, sizeof(text), r->err));
	if (r->count > 1)
		printf(" %" PRIu64 "x", r->count);
	put_flags(r);
	printf(" · %s", text_path(text, sizeof(text), r->program, l->context.home));
	printf(" %" PRIu64, r->inner ? r->inner : r->pid);
}

static void put_record(const struct audit_record *r, const struct log *l)
{
	char text[40];
	struct policy_str time = r->time;

	if (l->json) {
		printf("%.*s\n", (int)r->line.len, r->line.s);
		return;
	}
	if (time.len > 23)	/* milliseconds are enough for eyes */
		time.len = 23;
	printf("%6" PRIu64 " %s ", r->seq, text_escape(text, sizeof(text), time));
	if (is(r->layer, "session"))
		put_session_event(r, l);
	else
		put_event(r, l);
	printf("\n");
}

/* A line that is none of ours may be anything: it is named, not shown */
static void put_broken(const struct audit_reader *reader)
{
	fflush(stdout);
	fprintf(stderr, "agentsh log: line %" PRIu64 " is no record: agentsh log verify\n",
		audit_reader_line_no(reader));
}

/* ---- reading ---- */

static void wait_for_more(int notify_fd)
{
	struct pollfd ready = { .fd = notify_fd, .events = POLLIN };
	char events[4096];

	if (poll(&ready, notify_fd >= 0 ? 1 : 0, FOLLOW_MS) > 0 && read(notify_fd, events, sizeof(events)) < 0)
		return;		/* looked at again in any case */
}

static int read_log(const struct log *l, struct audit_reader *reader, int notify_fd)
{
	cleanup_free struct audit_record *rec = malloc(sizeof(*rec));
	bool was_live = true;

	if (!rec)
		return complain("reading", strerror(ENOMEM));
	for (;;) {
		int r = audit_reader_next(reader, rec);

		if (r == -EBADMSG) {
			put_broken(reader);
		} else if (r < 0) {
			return complain("reading", strerror(-r));
		} else if (r == 1) {
			if (audit_filter_matches(&l->filter, rec))
				put_record(rec, l);
		} else {
			if (fflush(stdout) != 0)
				return EXIT_ERROR;
			if (!l->follow || !was_live)
				return 0;
			was_live = audit_reader_is_live(reader);	/* one more look after its end */
			if (was_live)
				wait_for_more(notify_fd);
		}
	}
}

/* The session asked for, or the newest. Static words on failure */
static const char *find_dir(const struct log *l, char **list, ssize_t count, char *buf, size_t size)
{
	const char *id = l->session ? l->session : count > 0 ? list[count - 1] : NULL;

	for (ssize_t i = 0; id && i < count; i++)
		if (strcmp(list[i], id) == 0 && (size_t)snprintf(buf, size, "%s/%s", l->context.state_dir, id) < size)
			return NULL;
	return id ? "there is no log of this session" : "there is no session yet";
}

static int show(const struct log *l, char **list, ssize_t count)
{
	cleanup_fd int notify_fd = l->follow ? inotify_init1(IN_CLOEXEC | IN_NONBLOCK) : -1;
	struct audit_reader *reader;
	char dir[4096], path[4200];
	const char *why = find_dir(l, list, count, dir, sizeof(dir));
	int r;

	if (why)
		return complain(l->session ? l->session : "log", why);
	r = audit_reader_open(&reader, dir);
	if (r < 0)
		return complain(dir, strerror(-r));
	(void)snprintf(path, sizeof(path), "%s/" AUDIT_LOG_NAME, dir);	/* fits */
	if (notify_fd >= 0)
		(void)inotify_add_watch(notify_fd, path, IN_MODIFY | IN_CLOSE_WRITE);	/* else it is looked at each second */
	r = read_log(l, reader, notify_fd);
	audit_reader_free(reader);
	return r;
}

/* ---- list ---- */

static void list_json(const struct log *l, const struct audit_record *first, const char *id, bool live)
{
	char buf[16384];
	struct jsonw w;

	(void)l;
	jsonw_init(&w, buf, sizeof(buf));
	jsonw_object_begin(&w);
	jsonw_key(&w, "session");
	jsonw_cstr(&w, id);
	jsonw_key(&w, "time");
	jsonw_str(&w, first->time);
	jsonw_key(&w, "policy");
	jsonw_str(&w, first->policy);
	jsonw_key(&w, "workspace");
	jsonw_str(&w, first->workspace);
	jsonw_key(&w, "running");
	jsonw_bool(&w, live);
	jsonw_object_end(&w);
	if (!w.overflowed)
		printf("%s\n", buf);
}

static void list_one(const struct log *l, const char *id)
{
	cleanup_free struct audit_record *rec = malloc(sizeof(*rec));
	struct audit_reader *reader;
	char dir[4096], text[200];
	bool live;

	if (!rec || (size_t)snprintf(dir, sizeof(dir), "%s/%s", l->context.state_dir, id) >= sizeof(dir) ||
	    audit_reader_open(&reader, dir) < 0)
		return;
	if (audit_reader_next(reader, rec) == 1) {
		live = audit_reader_is_live(reader);
		if (l->json) {
			list_json(l, rec, id, live);
		} else {
			printf("%s %-8s", id, live ? "running" : "");
			printf(" %s", text_path(text, sizeof(text), rec->workspace, l->context.home));
			put_argv(rec);
			printf("\n");
		}
	} else {
		printf("%s %s\n", id, "unreadable");
	}
	audit_reader_free(reader);
}

static int list_all(const struct log *l, char **list, ssize_t count)
{
	for (ssize_t i = 0; i < count; i++)
		list_one(l, list[i]);
	return fflush(stdout) == 0 ? 0 : EXIT_ERROR;
}

/* ---- verify ---- */

static int verify_one(const struct log *l, const char *dir)
{
	enum audit_state state = AUDIT_TAMPERED;
	char key[4200];
	int r;

	(void)snprintf(key, sizeof(key), "%s/key", l->context.state_dir);	/* cut: not found */
	r = audit_verify(dir, key, stdout, &state);
	if (r < 0)
		return EXIT_ERROR;
	return state == AUDIT_INTACT || state == AUDIT_RUNNING ? 0 : EXIT_FOUND;
}

static int verify(const struct log *l, char **list, ssize_t count, bool all)
{
	int worst = 0;
	char dir[4096];
	const char *why = find_dir(l, list, count, dir, sizeof(dir));

	if (why)
		return complain(l->session ? l->session : "verify", why);
	if (!all)
		return verify_one(l, dir);
	for (ssize_t i = 0; i < count; i++) {
		int r;

		(void)snprintf(dir, sizeof(dir), "%s/%s", l->context.state_dir, list[i]);	/* cut: not found */
		r = verify_one(l, dir);
		worst = r > worst ? r : worst;
	}
	return worst;
}

/* ---- the command line ---- */

/* "10m", "2h", "3d": ago. "14:30": today, local. A date or a time as in the log: as it is */
static int parse_since(struct log *l, const char *text)
{
	static const struct {
		char letter;
		time_t seconds;
	} units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	time_t at = time(NULL);
	char *end;
	long n = strtol(text, &end, 10);
	struct tm tm;

	for (size_t i = 0; i < ARRAY_SIZE(units) && end > text && n >= 0 && n < 1000000; i++) {
		if (end[0] != units[i].letter || end[1])
			continue;
		at -= n * units[i].seconds;
		(void)gmtime_r(&at, &tm);	/* a time of this century */
		l->filter.since = strftime(l->since, sizeof(l->since), "%Y-%m-%dT%H:%M:%S", &tm) ? l->since : NULL;
		return 0;
	}
	(void)localtime_r(&at, &tm);
	end = strptime(text, "%H:%M", &tm);
	if (end && !*end) {
		tm.tm_sec = 0;
		at = mktime(&tm);
		(void)gmtime_r(&at, &tm);
		l->filter.since = strftime(l->since, sizeof(l->since), "%Y-%m-%dT%H:%M:%S", &tm) ? l->since : NULL;
		return 0;
	}
	end = strptime(text, "%Y-%m-%d", &tm);
	if (!end || (*end && *end != 'T'))
		return -EINVAL;
	l->filter.since = text;
	return 0;
}

static int parse_number(struct log *l, const char *text)
{
	char *end;

	errno = 0;
	l->filter.seq = strtoull(text, &end, 10);
	return errno || end == text || *end || text[0] == '-' || l->filter.seq == 0 ? -EINVAL : 0;
}

static int parse(struct log *l, int argc, char **argv, bool *ret_all)
{
	static const struct option options[] = {
		{ "follow", no_argument, NULL, 'f' }, { "json", no_argument, NULL, 'j' },
		{ "session", required_argument, NULL, 's' }, { "denied", no_argument, NULL, 'd' },
		{ "op", required_argument, NULL, 'o' }, { "path", required_argument, NULL, 'p' },
		{ "program", required_argument, NULL, 'P' }, { "rule", required_argument, NULL, 'r' },
		{ "since", required_argument, NULL, 't' }, { "all", no_argument, NULL, 'a' }, { 0 },
	};
	int c;

	optind = 0;
	while ((c = getopt_long(argc, argv, "f", options, NULL)) != -1) {
		switch (c) {
		case 'f': l->follow = true; break;
		case 'j': l->json = true; break;
		case 's': l->session = optarg; break;
		case 'd': l->filter.denied = true; break;
		case 'o': l->filter.op = optarg; break;
		case 'p': l->filter.path = optarg; break;
		case 'P': l->filter.program = optarg; break;
		case 'r': l->filter.rule = optarg; break;
		case 'a': *ret_all = true; break;
		case 't':
			if (parse_since(l, optarg) < 0)
				return usage("--since takes 10m, 2h, 3d, 14:30, 2026-01-31 or a time as in the log");
			break;
		default: return usage("unknown option");
		}
	}
	if (argc - optind > 1)
		return usage("one number at most");
	if (argc > optind && parse_number(l, argv[optind]) < 0)
		return usage("not a number of a record");
	return 0;
}

static int run(struct log *l, const char *verb, bool all)
{
	/* the log is about no workspace: from anywhere, also from "/" */
	struct context_options none = { .workspace = getenv("HOME") };
	char **list = NULL, why[512];
	ssize_t count;
	int code;

	if (context_find(&l->context, &none, why, sizeof(why)) < 0)
		return complain("context", why);
	count = audit_sessions(l->context.state_dir, &list);
	if (count < 0 && count != -ENOENT)
		code = complain(l->context.state_dir, strerror((int)-count));
	else if (strcmp(verb, "list") == 0)
		code = list_all(l, list, count);
	else if (strcmp(verb, "verify") == 0)
		code = verify(l, list, count, all);
	else
		code = show(l, list, count);
	audit_sessions_free(count >= 0 ? list : NULL);
	context_free(&l->context);
	return code;
}

int cmd_log(int argc, char **argv)
{
	static const char *const verbs[] = { "list", "verify" };
	struct log l = { .filter = { .denied = false } };
	const char *verb = "show";
	bool all = false;
	int code;

	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(verbs); i++)
		if (strcmp(argv[1], verbs[i]) == 0)
			verb = verbs[i];
	if (strcmp(verb, "show") != 0) {
		argc--;
		argv++;
	}
	code = parse(&l, argc, argv, &all);
	if (code != 0)
		return code;
	if (all && strcmp(verb, "verify") != 0)
		return usage("--all goes with verify");
	return run(&l, verb, all);
}
