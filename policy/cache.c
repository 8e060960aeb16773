/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/cache.c - Compiled policies kept from one session to the next
 *
 * DOC: A kept policy
 *
 *	header, all that went into it, the blob
 *
 * Its name is a hash of what went in, its use depends on comparing that: a
 * project file is written by whoever wrote the repository, and must not be able
 * to find another's compiled policy by a collision. What went in includes the
 * identity of this program, so a newer compiler never uses an older one's work.
 */
#include "policy/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fdio.h"
#include "policy/builder.h"

#define CACHE_MAGIC	UINT64_C(0x31304b5047415350)
#define CACHE_SIZE_MAX	(16u << 20)	/* bytes of one; larger ones are not kept */
#define CACHE_FILES_MAX	64
#define NAME_SIZE	32

struct header {
	uint64_t magic, key_len, blob_len, blob_hash;
};

struct key {
	char *buf;
	size_t len, size;
	bool failed;		/* memory was short, or too much */
};

static uint64_t hash(const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ len, w;

	for (; len >= sizeof(w); p += sizeof(w), len -= sizeof(w)) {
		memcpy(&w, p, sizeof(w));
		h = (h ^ w) * UINT64_C(0x9e3779b97f4a7c15);
		h ^= h >> 29;
	}
	for (; len > 0; p++, len--)
		h = (h ^ *p) * UINT64_C(0x100000001b3);
	return h ^ h >> 32;
}

/* ---- all that goes into a compiled policy ---- */

static void put(struct key *k, const void *data, size_t len)
{
	if (k->failed || len > CACHE_SIZE_MAX - k->len) {
		k->failed = true;
		return;
	}
	if (k->len + len > k->size) {
		size_t size = k->size ? k->size * 2 : 64 * 1024;
		char *grown;

		while (size < k->len + len)
			size *= 2;
		grown = realloc(k->buf, size);
		if (!grown) {
			k->failed = true;
			return;
		}
		k->buf = grown;
		k->size = size;
	}
	memcpy(k->buf + k->len, data, len);
	k->len += len;
}

static void put_number(struct key *k, uint64_t n)
{
	put(k, &n, sizeof(n));
}

/* With its NUL, so that no two lists of texts look alike; NULL is not "" */
static void put_text(struct key *k, const char *s)
{
	put(k, s ? "=" : "-", 1);
	if (s)
		put(k, s, strlen(s) + 1);
}

static void put_texts(struct key *k, const struct builder_strings *l)
{
	put_number(k, l->count);
	for (size_t i = 0; i < l->count; i++)
		put_text(k, l->s[i]);
}

static void put_net(struct key *k, const struct policy_net *n)
{
	put(k, n->ip, sizeof(n->ip));
	put_number(k, n->prefix_bits);
	put_number(k, (uint64_t)n->port_low << 16 | n->port_high);
}

static void put_rule(struct key *k, const struct builder_rule *r)
{
	const uint64_t numbers[] = {
		r->section, r->ops, r->verdict, (uint64_t)(uint32_t)r->err, r->flags, r->source,
		r->layer_idx, r->net_count,
	};

	put(k, numbers, sizeof(numbers));
	put_text(k, r->id);
	put_text(k, r->message);
	put_number(k, r->target_len);
	put(k, r->target, r->target_len);
	put_texts(k, &r->pattern);
	put_texts(k, &r->args);
	put_texts(k, &r->by);
	for (size_t i = 0; i < r->net_count; i++)
		put_net(k, &r->net[i]);
}

static void put_program(struct key *k)
{
	struct stat st;

	if (stat("/proc/self/exe", &st) < 0) {
		k->failed = true;
		return;
	}
	put_number(k, st.st_dev);
	put_number(k, st.st_ino);
	put_number(k, (uint64_t)st.st_size);
	put_number(k, (uint64_t)st.st_mtim.tv_sec);
	put_number(k, (uint64_t)st.st_mtim.tv_nsec);
	put_number(k, (uint64_t)st.st_ctim.tv_sec);
	put_number(k, (uint64_t)st.st_ctim.tv_nsec);
}

static void put_builder(struct key *k, const struct policy_builder *b)
{
	put_program(k);
	put_number(k, b->layer_count);
	for (uint32_t i = 0; i < b->layer_count; i++) {
		put_text(k, b->layer[i].name);
		put_number(k, b->layer[i].is_base);
		put_number(k, b->layer[i].overrides);
		for (unsigned int s = 0; s < POLICY_SECTION_COUNT; s++)
			put_number(k, b->layer[i].fallback[s]);
	}
	put_number(k, b->rule_count);
	for (size_t i = 0; i < b->rule_count; i++)
		put_rule(k, &b->rule[i]);
}

/* ---- files ---- */

/* A directory of ours that nobody else can write to; made if absent */
static int open_dir(const char *dir)
{
	struct stat st;
	int fd;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(dir, O_DIRECTORY | O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 022) == 0)
		return fd;
	(void)close(fd);		/* read only */
	return -EPERM;
}

static bool is_sound(const struct header *h, const struct stat *st)
{
	return h->magic == CACHE_MAGIC && h->key_len <= CACHE_SIZE_MAX && h->blob_len <= CACHE_SIZE_MAX &&
	       (uint64_t)st->st_size == sizeof(*h) + h->key_len + h->blob_len;
}

/* 0; -ESTALE if it is not what is wanted */
static int read_kept(int dir_fd, const char *name, const struct key *k, void **ret_blob, size_t *ret_size)
{
	cleanup_fd int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	cleanup_free char *key = malloc(k->len);
	cleanup_free void *blob = NULL;
	struct header h;
	struct stat st;

	if (fd < 0 || !key || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 022) || fdio_read_full(fd, &h, sizeof(h)) < 0 || !is_sound(&h, &st) ||
	    h.key_len != k->len || fdio_read_full(fd, key, k->len) < 0 ||
	    memcmp(key, k->buf, k->len) != 0)
		return -ESTALE;
	blob = malloc(h.blob_len);
	if (!blob || fdio_read_full(fd, blob, h.blob_len) < 0 || hash(blob, h.blob_len) != h.blob_hash)
		return -ESTALE;
	*ret_size = h.blob_len;
	*ret_blob = blob;
	blob = NULL;
	return 0;
}

/* Old ones go when there are many: each workspace has its own */
static void prune(int dir_fd)
{
	char oldest[NAME_SIZE] = "";
	struct timespec oldest_time = { 0 };
	unsigned int count = 0;
	int fd = dup(dir_fd);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *e;
	struct stat st;

	if (!d) {
		if (fd >= 0)
			(void)close(fd);	/* read only */
		return;
	}
	rewinddir(d);
	while ((e = readdir(d))) {
		if (strlen(e->d_name) >= NAME_SIZE || e->d_name[0] == '.' ||
		    fstatat(dir_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (count++ == 0 || st.st_mtim.tv_sec < oldest_time.tv_sec) {
			oldest_time = st.st_mtim;
			strcpy(oldest, e->d_name);
		}
	}
	(void)closedir(d);		/* read only */
	if (count > CACHE_FILES_MAX)
		(void)unlinkat(dir_fd, oldest, 0);	/* another session may have been first */
}

static void write_kept(int dir_fd, const char *name, const struct key *k, const void *blob, size_t size)
{
	struct header h = { CACHE_MAGIC, k->len, size, hash(blob, size) };
	char temporary[NAME_SIZE];
	int fd, r;

	if (size > CACHE_SIZE_MAX)
		return;
	(void)snprintf(temporary, sizeof(temporary), ".%d", (int)getpid());	/* fits */
	(void)unlinkat(dir_fd, temporary, 0);	/* of a process of the same number, long gone */
	fd = openat(dir_fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	r = fdio_write_full(fd, &h, sizeof(h));
	if (r == 0)
		r = fdio_write_full(fd, k->buf, k->len);
	if (r == 0)
		r = fdio_write_full(fd, blob, size);
	if (close(fd) < 0 || r < 0 || renameat(dir_fd, temporary, dir_fd, name) < 0)
		(void)unlinkat(dir_fd, temporary, 0);	/* nothing is kept this time */
	prune(dir_fd);
}

int cache_emit(const struct policy_builder *b, const char *dir, void **ret_blob, size_t *ret_size,
	       struct policy_diag *reterr, uint32_t *reterr_source)
{
	cleanup_fd int dir_fd = dir ? open_dir(dir) : -1;
	struct key k = { .buf = NULL };
	char name[NAME_SIZE];
	int r = -ESTALE;

	if (dir_fd < 0)
		return policy_builder_emit(b, ret_blob, ret_size, reterr, reterr_source);
	put_builder(&k, b);
	if (!k.failed) {
		(void)snprintf(name, sizeof(name), "%016llx", (unsigned long long)hash(k.buf, k.len)); /* fits */
		r = read_kept(dir_fd, name, &k, ret_blob, ret_size);
	}
	if (r < 0) {
		r = policy_builder_emit(b, ret_blob, ret_size, reterr, reterr_source);
		if (r == 0 && !k.failed)
			write_kept(dir_fd, name, &k, *ret_blob, *ret_size);
	}
	free(k.buf);
	return r;
}
