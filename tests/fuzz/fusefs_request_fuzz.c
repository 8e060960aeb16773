/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/fuzz/fusefs_request_fuzz.c - Requests of the kernel, whatever those inside make it ask
 *
 * A socket stands for /dev/fuse, a small tree in a scratch directory for the
 * workspace; the real threads answer. Input: requests one after the other, each
 * the operation, which node, which handle, a length, the body. Numbers that the
 * kernel gives back as it got them (nodes, handles) are true, names have no
 * slash and are not "." or "..", a directory's operations go to directories,
 * sizes of answers are within the kernel's limits; all else is the input's. Each
 * request is answered once, by an errno or data; the secret is in no answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/fuse.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fusefs/fusefs.h"
#include "policy/compile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KNOWN_MAX	24
#define BODY_MAX	2048
#define SECRET		"do-not-tell-this"
#define SECRET_PART	"do-n"

/** struct operation - What is known of a request; offsets of 0xff: there is none */
struct operation {
	uint32_t opcode;
	uint8_t fixed;		/* size before the names */
	uint8_t names;
	bool on_dir;
	uint8_t fh_at, node_at;	/* offsets of a handle, of another node */
	enum { GIVES_NOTHING, GIVES_NODE, GIVES_HANDLE, GIVES_BOTH, TAKES_HANDLE } gives;
};

static const struct operation operations[] = {
	{ FUSE_LOOKUP, 0, 1, true, 0xff, 0xff, GIVES_NODE },
	{ FUSE_GETATTR, sizeof(struct fuse_getattr_in), 0, false, 8, 0xff, GIVES_NOTHING },
	{ FUSE_SETATTR, sizeof(struct fuse_setattr_in), 0, false, 8, 0xff, GIVES_NOTHING },
	{ FUSE_MKNOD, sizeof(struct fuse_mknod_in), 1, true, 0xff, 0xff, GIVES_NODE },
	{ FUSE_MKDIR, sizeof(struct fuse_mkdir_in), 1, true, 0xff, 0xff, GIVES_NODE },
	{ FUSE_SYMLINK, 0, 2, true, 0xff, 0xff, GIVES_NODE },
	{ FUSE_UNLINK, 0, 1, true, 0xff, 0xff, GIVES_NOTHING },
	{ FUSE_RMDIR, 0, 1, true, 0xff, 0xff, GIVES_NOTHING },
	{ FUSE_RENAME, sizeof(struct fuse_rename_in), 2, true, 0xff, 0, GIVES_NOTHING },
	{ FUSE_RENAME2, sizeof(struct fuse_rename2_in), 2, true, 0xff, 0, GIVES_NOTHING },
	{ FUSE_LINK, sizeof(struct fuse_link_in), 1, true, 0xff, 0, GIVES_NODE },
	{ FUSE_OPEN, sizeof(struct fuse_open_in), 0, false, 0xff, 0xff, GIVES_HANDLE },
	{ FUSE_OPENDIR, sizeof(struct fuse_open_in), 0, true, 0xff, 0xff, GIVES_HANDLE },
	{ FUSE_CREATE, sizeof(struct fuse_create_in), 1, true, 0xff, 0xff, GIVES_BOTH },
	{ FUSE_TMPFILE, sizeof(struct fuse_create_in), 1, true, 0xff, 0xff, GIVES_BOTH },
	{ FUSE_READ, sizeof(struct fuse_read_in), 0, false, 0, 0xff, GIVES_NOTHING },
	{ FUSE_WRITE, sizeof(struct fuse_write_in), 0, false, 0, 0xff, GIVES_NOTHING },
	{ FUSE_READDIR, sizeof(struct fuse_read_in), 0, true, 0, 0xff, GIVES_NOTHING },
	{ FUSE_READDIRPLUS, sizeof(struct fuse_read_in), 0, true, 0, 0xff, GIVES_NOTHING },
	{ FUSE_RELEASE, sizeof(struct fuse_release_in), 0, false, 0, 0xff, TAKES_HANDLE },
	{ FUSE_RELEASEDIR, sizeof(struct fuse_release_in), 0, true, 0, 0xff, TAKES_HANDLE },
	{ FUSE_FSYNC, sizeof(struct fuse_fsync_in), 0, false, 0, 0xff, GIVES_NOTHING },
	{ FUSE_FALLOCATE, sizeof(struct fuse_fallocate_in), 0, false, 0, 0xff, GIVES_NOTHING },
	{ FUSE_LSEEK, sizeof(struct fuse_lseek_in), 0, false, 0, 0xff, GIVES_NOTHING },
	{ FUSE_READLINK, 0, 0, false, 0xff, 0xff, GIVES_NOTHING },
	{ FUSE_STATFS, 0, 0, false, 0xff, 0xff, GIVES_NOTHING },
	{ FUSE_ACCESS, sizeof(struct fuse_access_in), 0, false, 0xff, 0xff, GIVES_NOTHING },
	{ FUSE_SETXATTR, 8, 2, false, 0xff, 0xff, GIVES_NOTHING },
	{ FUSE_GETXATTR, sizeof(struct fuse_getxattr_in), 1, false, 0xff, 0xff, GIVES_NOTHING },
	{ FUSE_LISTXATTR, sizeof(struct fuse_getxattr_in), 0, false, 0xff, 0xff, GIVES_NOTHING },
	{ FUSE_REMOVEXATTR, 0, 1, false, 0xff, 0xff, GIVES_NOTHING },
};

struct known {
	uint64_t node, fh;	/* fh 0: a node */
	bool is_dir;
};

struct world {
	struct policy policy;
	struct event_sink sink;
	struct fusefs *fs;
	char top[64];
	int sock;
	uint64_t unique;
	struct known node[KNOWN_MAX], handle[KNOWN_MAX];
	size_t node_count, handle_count;
	union {
		char bytes[sizeof(struct fuse_in_header) + BODY_MAX + 512];
		struct fuse_in_header head;
	} req;
	char rep[1 << 17];
};

static int on_event(struct event_sink *sink, const struct event *ev)
{
	(void)sink;
	if (!ev->decision || ev->object.len == 0 || ev->object.s[0] != '/')
		abort();
	return 0;
}

static void add_rule(struct policy_builder *b, const char *id, const char *path, uint64_t ops, enum policy_verdict v)
{
	struct policy_diag diag;
	const struct policy_rule r = {
		.id = id, .section = POLICY_SECTION_FILES, .ops = ops, .verdict = v, .path = &path, .path_count = 1,
	};

	if (policy_builder_add(b, &r, &diag) < 0)
		abort();
}

static void *make_policy(struct world *w)
{
	char all[96], key[96];
	struct policy_builder *b;
	struct policy_diag diag;
	uint32_t source;
	void *blob;
	size_t size;

	(void)snprintf(all, sizeof(all), "%s/**", w->top);
	(void)snprintf(key, sizeof(key), "%s/**/*.key", w->top);
	if (policy_builder_new(&b) < 0 || policy_builder_layer(b, "base", true) < 0)
		abort();
	add_rule(b, "key", key, POLICY_OP_BIT(POLICY_OP_READ) | POLICY_OP_BIT(POLICY_OP_WRITE), POLICY_DENY);
	add_rule(b, "all", all, POLICY_OPS_FILES, POLICY_ALLOW);
	add_rule(b, "top", w->top, POLICY_OPS_FILES, POLICY_ALLOW);
	if (policy_builder_emit(b, &blob, &size, &diag, &source) < 0 || policy_open(&w->policy, blob, size) < 0)
		abort();
	policy_builder_free(b);
	return blob;
}

static void put(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		abort();
	(void)close(fd);	/* written */
}

/* The deep path keeps even a wrong ".." within the scratch directory */
static void make_tree(struct world *w)
{
	int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);

	strcpy(w->top, "/tmp/fuzz.XXXXXX");
	if (!mkdtemp(w->top))
		abort();
	strcat(w->top, "/a");
	if (mkdir(w->top, 0755) < 0)
		abort();
	strcat(w->top, "/b");
	if (mkdir(w->top, 0755) < 0 || chdir(w->top) < 0 || mkdir("d", 0755) < 0 || mkdir("d/e", 0755) < 0)
		abort();
	put("f", "text\n");
	put("d/g", "more\n");
	put("d/s.key", SECRET);
	if (symlink("f", "l") < 0 || fchdir(here) < 0)	/* libFuzzer's own paths are relative */
		abort();
	(void)close(here);	/* O_PATH */
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path);
}

static void remove_tree(struct world *w)
{
	w->top[strlen(w->top) - 4] = '\0';
	if (nftw(w->top, remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0)
		abort();
}

static bool holds(const char *text, size_t len, const char *what)
{
	return memmem(text, len, what, strlen(what)) != NULL;
}

/* Sends what is in @req; the length of the answer's data, or -1 */
static ssize_t ask(struct world *w, uint32_t opcode, uint64_t node, size_t body)
{
	struct fuse_in_header *in = &w->req.head;
	struct pollfd p = { .fd = w->sock, .events = POLLIN };
	struct fuse_out_header out;
	ssize_t n;

	*in = (struct fuse_in_header){
		.len = (uint32_t)(sizeof(*in) + body), .opcode = opcode, .unique = ++w->unique, .nodeid = node,
		.uid = getuid(), .gid = getgid(), .pid = (uint32_t)getpid(),
	};
	if (send(w->sock, w->req.bytes, in->len, 0) != (ssize_t)in->len)
		abort();
	if (opcode == FUSE_FORGET)
		return -1;
	do {	/* what has no number is news for the kernel's cache */
		while ((n = poll(&p, 1, 20000)) < 0 && errno == EINTR)
			;		/* libFuzzer's own timer */
		if (n != 1)
			abort();	/* no answer */
		n = recv(w->sock, w->rep, sizeof(w->rep), 0);
		if (n < (ssize_t)sizeof(out))
			abort();
		memcpy(&out, w->rep, sizeof(out));
	} while (out.unique == 0);
	if (out.unique != w->unique || out.error > 0 || out.error < -4095 || holds(w->rep, (size_t)n, SECRET))
		abort();
	return out.error ? -1 : n - (ssize_t)sizeof(out);
}

static void begin(struct world *w)
{
	struct fuse_init_in init = { .major = FUSE_KERNEL_VERSION, .minor = 31, .max_readahead = 65536 };

	memcpy(w->req.bytes + sizeof(struct fuse_in_header), &init, sizeof(init));
	if (ask(w, FUSE_INIT, 0, sizeof(init)) < 0)
		abort();
	w->node[w->node_count++] = (struct known){ .node = FUSE_ROOT_ID, .is_dir = true };
	/* Down to the workspace */
	for (char *rest = w->top + 1, *name; (name = strsep(&rest, "/"));) {
		struct fuse_entry_out e;
		char *body = w->req.bytes + sizeof(struct fuse_in_header);

		strcpy(body, name);
		if (rest)
			rest[-1] = '/';
		if (ask(w, FUSE_LOOKUP, w->node[0].node, strlen(body) + 1) < (ssize_t)sizeof(e))
			abort();
		memcpy(&e, w->rep + sizeof(struct fuse_out_header), sizeof(e));
		w->node[0].node = e.nodeid;
	}
}

static void release(struct world *w, const struct known *h)
{
	char *body = w->req.bytes + sizeof(struct fuse_in_header);

	memset(body, 0, sizeof(struct fuse_release_in));
	memcpy(body, &h->fh, sizeof(h->fh));
	(void)ask(w, h->is_dir ? FUSE_RELEASEDIR : FUSE_RELEASE, h->node, sizeof(struct fuse_release_in));
}

static void learn(struct world *w, const struct operation *o, const struct known *from, size_t len)
{
	const char *data = w->rep + sizeof(struct fuse_out_header);
	struct known k = *from;
	struct fuse_entry_out e;
	struct fuse_open_out open;

	if (o->gives == GIVES_NODE || o->gives == GIVES_BOTH) {
		if (len < sizeof(e))
			abort();
		memcpy(&e, data, sizeof(e));
		k = (struct known){ .node = e.nodeid, .is_dir = S_ISDIR(e.attr.mode) };
		if (e.nodeid && w->node_count < KNOWN_MAX)
			w->node[w->node_count++] = k;
		data += sizeof(e);
		len -= sizeof(e);
	}
	if (o->gives == GIVES_HANDLE || o->gives == GIVES_BOTH) {
		if (len < sizeof(open))
			abort();
		memcpy(&open, data, sizeof(open));
		k.fh = open.fh;
		if (w->handle_count < KNOWN_MAX)
			w->handle[w->handle_count++] = k;
		else
			release(w, &k);
	}
}

/* As the kernel passes names on */
static void clean_names(char *body, size_t at, unsigned names, size_t len)
{
	for (char *p = body; p < body + len; p++)
		if (*p == '/')
			*p = '_';
	for (; names > 0; names--) {
		char *name = body + at;

		if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			*name = 'f';	/* what follows ends by a NUL of the padding at the latest */
		at += strlen(name) + 1;
	}
}

/* Nobody inside makes the kernel ask for more */
static void cap_size(uint32_t opcode, char *body)
{
	const bool is_read = opcode == FUSE_READ || opcode == FUSE_READDIR || opcode == FUSE_READDIRPLUS;
	const bool is_xattr = opcode == FUSE_GETXATTR || opcode == FUSE_LISTXATTR;
	size_t at = is_read ? offsetof(struct fuse_read_in, size) : 0;
	uint32_t size;

	memcpy(&size, body + at, sizeof(size));
	size &= 0xffff;
	if (is_read || is_xattr)
		memcpy(body + at, &size, sizeof(size));
}

static const struct known *pick(const struct known *k, size_t count, uint8_t which, bool dirs)
{
	for (size_t i = 0; i < count; i++) {
		const struct known *found = &k[(which + i) % count];

		if (!dirs || found->is_dir)
			return found;
	}
	return NULL;
}

static void one_request(struct world *w, const struct operation *o, const uint8_t *head, const uint8_t *data, size_t len)
{
	char *body = w->req.bytes + sizeof(struct fuse_in_header);
	const struct known *n = pick(w->node, w->node_count, head[1], o->on_dir), *h = NULL, *other;
	size_t size = o->fixed + 64u * o->names;
	ssize_t got;

	memset(body, 0, BODY_MAX + 512);
	memcpy(body, data, len);
	clean_names(body, o->fixed, o->names, len);
	size = len > size ? len : size;
	if (o->fh_at != 0xff) {
		h = pick(w->handle, w->handle_count, head[2], o->on_dir);
		if (h && h->is_dir != o->on_dir && o->fh_at == 0)
			h = NULL;
		if (!h && o->fh_at == 0)
			return;
		if (h)
			n = h;
		else
			memset(body, 0, 4);	/* valid, flags: no handle */
		if (h)
			memcpy(body + o->fh_at, &h->fh, sizeof(h->fh));
	}
	if (o->node_at != 0xff) {
		other = pick(w->node, w->node_count, head[2], o->opcode != FUSE_LINK);
		if (!other || (o->opcode == FUSE_LINK && other->is_dir))
			return;
		memcpy(body + o->node_at, &other->node, sizeof(other->node));
	}
	if (!n)
		return;
	cap_size(o->opcode, body);
	if (o->opcode == FUSE_WRITE) {	/* the kernel's size is that of the data */
		struct fuse_write_in in;

		memcpy(&in, body, sizeof(in));
		in.size = (uint32_t)(size - sizeof(in));
		memcpy(body, &in, sizeof(in));
	}
	got = ask(w, o->opcode, n->node, size);
	if (o->gives == TAKES_HANDLE)
		w->handle[h - w->handle] = w->handle[--w->handle_count];
	else if (got >= 0)
		learn(w, o, n, (size_t)got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world *w;
	const char *served[2] = { NULL, NULL };
	const char *none[1] = { NULL };
	struct fusefs_config cfg = { .served = served, .mountpoints = none, .home = "/nowhere" };
	int pair[2], whole = 1 << 20;
	void *blob;

	if (holds((const char *)data, size, SECRET_PART))	/* or it would tell itself what it has written */
		return 0;
	w = calloc(1, sizeof(*w));
	if (!w || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		abort();
	(void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &whole, sizeof(whole));	/* less: large answers fail */
	make_tree(w);
	blob = make_policy(w);
	w->sock = pair[0];
	w->sink.event = on_event;
	served[0] = w->top;
	cfg.workspace = w->top;
	cfg.fuse_fd = pair[1];
	cfg.policy = &w->policy;
	cfg.sink = &w->sink;
	if (fusefs_start(&w->fs, &cfg) < 0)
		abort();
	begin(w);
	while (size >= 4) {
		size_t len = data[3] < size - 4 ? data[3] : size - 4;

		one_request(w, &operations[data[0] % (sizeof(operations) / sizeof(operations[0]))], data, data + 4, len);
		data += 4 + len;
		size -= 4 + len;
	}
	while (w->handle_count > 0)
		release(w, &w->handle[--w->handle_count]);
	(void)close(w->sock);		/* the end of the mount */
	fusefs_stop(w->fs);
	remove_tree(w);
	free(blob);
	free(w);
	return 0;
}
