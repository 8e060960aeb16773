/* SPDX-License-Identifier: Apache-2.0
 *
 * audit/reader.c - The log read back: lines, filters, the newest session
 */
#include "audit/reader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit/chain.h"
#include "common/cleanup.h"

struct audit_reader {
	int fd;
	uint64_t line_no;
	bool is_skipping;	/* inside a line that is too long */
	size_t start, len;	/* unread bytes are buf[start..len) */
	char buf[CHAIN_LINE_MAX + 1];
	char scratch[CHAIN_LINE_MAX + 1];
};

int audit_reader_open(struct audit_reader **ret, const char *session_dir)
{
	cleanup_fd int dir = open(session_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct audit_reader *r;
	struct stat st;
	int fd;

	if (dir < 0)
		return -errno;
	fd = openat(dir, AUDIT_LOG_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	r = malloc(sizeof(*r));
	if (!r || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		int err = r ? -EINVAL : -ENOMEM;

		free(r);
		(void)close(fd);	/* only read */
		return err;
	}
	r->fd = fd;
	r->line_no = 0;
	r->is_skipping = false;
	r->start = r->len = 0;
	*ret = r;
	return 0;
}

void audit_reader_free(struct audit_reader *r)
{
	if (!r)
		return;
	(void)close(r->fd);	/* only read */
	free(r);
}

/* More bytes behind the unread ones. Bytes read; 0 at the end; -errno */
static ssize_t more(struct audit_reader *r)
{
	ssize_t n;

	memmove(r->buf, r->buf + r->start, r->len - r->start);
	r->len -= r->start;
	r->start = 0;
	do
		n = read(r->fd, r->buf + r->len, sizeof(r->buf) - r->len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	r->len += (size_t)n;
	return n;
}

/* A whole line into r->buf[start..]: its length without the newline in @ret_len. 1; 0; -EBADMSG too long; -errno */
static int next_line(struct audit_reader *r, size_t *ret_len)
{
	size_t looked = 0;

	for (;;) {
		const char *from = r->buf + r->start + looked;
		const char *nl = memchr(from, '\n', r->len - r->start - looked);
		ssize_t n;

		if (nl) {
			*ret_len = (size_t)(nl - r->buf) - r->start;
			return 1;
		}
		looked = r->len - r->start;
		if (looked == sizeof(r->buf)) {
			r->start = r->len;
			r->is_skipping = true;
			looked = 0;
		}
		n = more(r);
		if (n <= 0)
			return (int)n;
	}
}

int audit_reader_next(struct audit_reader *r, struct audit_record *ret)
{
	const char *line;
	bool skipped;
	size_t len = 0;
	int n = next_line(r, &len);

	if (n <= 0)
		return n;
	line = r->buf + r->start;
	r->start += len + 1;
	r->line_no++;
	skipped = r->is_skipping;
	r->is_skipping = false;
	ret->line = (struct policy_str){ line, (uint32_t)len };
	if (skipped)
		return -EBADMSG;
	n = audit_record_parse(ret, r->scratch, line, len);
	return n < 0 ? n : 1;
}

size_t audit_reader_left(const struct audit_reader *r)
{
	return r->len - r->start + r->is_skipping;
}

uint64_t audit_reader_line_no(const struct audit_reader *r)
{
	return r->line_no;
}

bool audit_reader_is_live(const struct audit_reader *r)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	return fcntl(r->fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

int audit_reader_fd(const struct audit_reader *r)
{
	return r->fd;
}

static bool is(struct policy_str s, const char *text)
{
	return s.len == strlen(text) && (s.len == 0 || memcmp(s.s, text, s.len) == 0);
}

static bool glob(const char *pattern, struct policy_str s)
{
	char buf[8192];
	size_t n = s.len < sizeof(buf) - 1 ? s.len : sizeof(buf) - 1;

	if (n > 0)
		memcpy(buf, s.s, n);
	buf[n] = '\0';
	return fnmatch(pattern, buf, 0) == 0;
}

bool audit_record_is_refusal(const struct audit_record *r)
{
	return r->decision.len > 0 && !is(r->decision, "allow") && !is(r->decision, "redirect") &&
		!is(r->decision, "none");
}

bool audit_filter_matches(const struct audit_filter *f, const struct audit_record *r)
{
	const char *slash;
	struct policy_str base = r->program;

	if ((f->seq && r->seq != f->seq) || (f->denied && !audit_record_is_refusal(r)) ||
	    (f->op && !is(r->op, f->op)) || (f->rule && !is(r->rule, f->rule)))
		return false;
	if (f->path && !glob(f->path, r->object) && !glob(f->path, r->resolved))
		return false;
	if (f->program) {
		slash = r->program.len ? memrchr(r->program.s, '/', r->program.len) : NULL;
		if (slash)
			base = (struct policy_str){ slash + 1, r->program.len - (uint32_t)(slash + 1 - r->program.s) };
		if (!glob(f->program, r->program) && !glob(f->program, base))
			return false;
	}
	if (f->since) {
		size_t n = strlen(f->since);
		int cmp = r->time.len ? memcmp(r->time.s, f->since, n < r->time.len ? n : r->time.len) : -1;

		return cmp > 0 || (cmp == 0 && r->time.len >= n);
	}
	return true;
}

/** struct found - A session's name and when its log was made, for sorting */
struct found {
	char *name;
	int64_t made_ns;
};

/* When the log was made; -1 if there is none */
static int64_t log_made(int dir, const char *name)
{
	char path[sizeof(((struct dirent *)0)->d_name) + sizeof(AUDIT_LOG_NAME) + 1];
	const struct statx_timestamp *t;
	struct statx st;

	(void)stpcpy(stpcpy(stpcpy(path, name), "/"), AUDIT_LOG_NAME);
	if (statx(dir, path, AT_SYMLINK_NOFOLLOW, STATX_BTIME | STATX_MTIME, &st) < 0)
		return -1;
	t = st.stx_mask & STATX_BTIME ? &st.stx_btime : &st.stx_mtime;
	return t->tv_sec * 1000000000 + t->tv_nsec;
}

/* An id begins with date and time to the second, "YYYYMMDD-HHMMSS" */
static int by_age(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	int cmp = strncmp(x->name, y->name, 15);

	if (cmp == 0)
		cmp = (x->made_ns > y->made_ns) - (x->made_ns < y->made_ns);
	return cmp ? cmp : strcmp(x->name, y->name);
}

void audit_sessions_free(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

static int collect(DIR *d, struct found **list, size_t *count)
{
	for (struct dirent *e; (e = readdir(d));) {
		int64_t made = e->d_name[0] == '.' ? -1 : log_made(dirfd(d), e->d_name);
		struct found *grown;

		if (made < 0)
			continue;
		grown = realloc(*list, (*count + 1) * sizeof(**list));
		if (!grown)
			return -ENOMEM;
		*list = grown;
		grown[*count] = (struct found){ .name = strdup(e->d_name), .made_ns = made };
		if (!grown[*count].name)
			return -ENOMEM;
		++*count;
	}
	return 0;
}

ssize_t audit_sessions(const char *state_dir, char ***ret)
{
	struct found *found = NULL;
	DIR *d = opendir(state_dir);
	size_t count = 0;
	int r = d ? collect(d, &found, &count) : -errno;
	char **list = calloc(count + 1, sizeof(*list));

	if (d)
		(void)closedir(d);
	if (!list && r == 0)
		r = -ENOMEM;
	if (r == 0 && count > 1)
		qsort(found, count, sizeof(*found), by_age);
	for (size_t i = 0; i < count; i++) {
		if (r == 0)
			list[i] = found[i].name;
		else
			free(found[i].name);
	}
	free(found);
	if (r < 0) {
		free(list);
		return r;
	}
	*ret = list;
	return (ssize_t)count;
}
