/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/plan_served.c - Served trees, and what inside them is mounted natively
 *
 * Native mounts in a served tree are directories in which nothing is told
 * apart: those that a rule names (caches, toolchains), and, outside workspace
 * and home, the read-only children of the served directory. A mount point can
 * be neither removed nor renamed, so nothing of the workspace becomes one.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "policy/plan_walk.h"

#define MOUNTS_MAX	256	/* native mounts of one served tree; the rest stays served */

int plan_add(struct walk *w, const char *path, enum plan_face face, const char *why)
{
	struct plan *p = w->plan;
	struct plan_entry *grown = arena_grow(w->arena, p->entry, p->entry_count, sizeof(*grown));
	char *copy = arena_strdup(w->arena, path);

	if (!grown || !copy)
		return -ENOMEM;
	p->entry = grown;
	grown[p->entry_count++] = (struct plan_entry){
		.path = copy,
		.face = face,
		.is_directory = true,
		.why = why,
	};
	return 0;
}

/* A directory, reached through no symlink */
static bool is_real_directory(const char *path)
{
	struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS,
	};
	cleanup_fd int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	return fd >= 0;
}

/* The face with which a directory can be mounted over a served tree; PLAN_FACE_COUNT if none */
static enum plan_face native_face(const struct walk *w, const struct policy_state *st)
{
	enum plan_face face = plan_uniform(w, st);
	struct plan_own own = plan_own(w, st);
	/* as a mount point it cannot be removed anyway; but its mode could be changed */
	uint64_t need = PLAN_LOOK;

	if (face == PLAN_WRITABLE)
		need |= POLICY_OP_BIT(POLICY_OP_CHMOD) | POLICY_OP_BIT(POLICY_OP_CHOWN) |
			POLICY_OP_BIT(POLICY_OP_UTIMES) | POLICY_OP_BIT(POLICY_OP_XATTR);
	if ((face != PLAN_WRITABLE && face != PLAN_READONLY) || own.hides || (own.strict & need) != need)
		return PLAN_FACE_COUNT;
	return face;
}

static bool touches_workspace(const struct walk *w, const char *path)
{
	const char *ws = w->l->workspace;

	return strcmp(path, ws) == 0 || plan_is_beneath(path, ws) || plan_is_beneath(ws, path);
}

static bool touches_served(const struct walk *w, const char *path)
{
	for (size_t i = 0; i < w->served_count; i++)
		if (strcmp(path, w->served[i]) == 0 || plan_is_beneath(w->served[i], path))
			return true;
	return false;
}

static bool is_mounted(const struct walk *w, size_t first, const char *path)
{
	for (size_t i = first; i < w->plan->entry_count; i++) {
		const struct plan_entry *e = &w->plan->entry[i];

		if (strcmp(e->path, path) == 0 || plan_is_beneath(path, e->path))
			return true;
	}
	return false;
}

enum native {
	NATIVE_NO = 0,		/* not there, ours alone, or covered by another mount */
	NATIVE_MIXED,		/* there, but something is told apart in it */
	NATIVE_DONE
};

static int add_native(struct walk *w, size_t first, const char *path, const char *why,
		      enum native *ret)
{
	struct policy_state st;
	enum plan_face face;

	*ret = NATIVE_NO;
	if (touches_workspace(w, path) || touches_served(w, path) || is_mounted(w, first, path) ||
	    w->plan->entry_count - first >= MOUNTS_MAX || !is_real_directory(path))
		return 0;
	policy_state_path(&w->l->policy, policy_str(path), &st);
	face = native_face(w, &st);
	*ret = face == PLAN_FACE_COUNT ? NATIVE_MIXED : NATIVE_DONE;
	return *ret == NATIVE_DONE ? plan_add(w, path, face, why) : 0;
}

/* Children as they stand, of a directory that cannot be mounted as a whole */
static int add_children(struct walk *w, size_t first, const char *dir, const char *why)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	int r = 0;

	if (!d)
		return 0;		/* not ours to read: all of it is served */
	while (r == 0 && (e = readdir(d))) {
		const char *path;
		enum native n;

		if ((e->d_type != DT_DIR && e->d_type != DT_UNKNOWN) || strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		path = plan_join(w, dir, e->d_name);
		r = path ? add_native(w, first, path, why, &n) : -ENOMEM;
	}
	(void)closedir(d);		/* read only */
	return r;
}

/* A rule that gives all that is beneath a literal directory names one that may be mounted */
static bool names_tree(const struct plan_line *l, const char *dir)
{
	return l->anchor->verdict == POLICY_ALLOW && strcmp(l->rest, "**") == 0 &&
	       plan_is_beneath(l->literal, dir);
}

static int add_named_line(struct walk *w, size_t first, const struct plan_line *l)
{
	enum native n;
	int r = add_native(w, first, l->literal, l->anchor->rule, &n);

	if (r == 0 && n == NATIVE_MIXED)
		r = add_children(w, first, l->literal, l->anchor->rule);
	return r;
}

static int by_length(const void *va, const void *vb)
{
	const char *a = (*(const struct plan_line *const *)va)->literal;
	const char *b = (*(const struct plan_line *const *)vb)->literal;
	size_t a_len = strlen(a), b_len = strlen(b);

	return a_len != b_len ? (a_len > b_len) - (a_len < b_len) : strcmp(a, b);
}

/* Shorter paths first: what lies in a mount needs none of its own */
static int add_named(struct walk *w, size_t first, const char *dir)
{
	const struct plan_line **line = arena_alloc(w->arena, w->line_count * sizeof(*line));
	size_t count = 0;
	int r = line ? 0 : -ENOMEM;

	for (size_t i = 0; line && i < w->line_count; i++)
		if (names_tree(&w->line[i], dir))
			line[count++] = &w->line[i];
	if (count)
		qsort(line, count, sizeof(*line), by_length);
	for (size_t i = 0; r == 0 && i < count; i++)
		if (i == 0 || strcmp(line[i]->literal, line[i - 1]->literal) != 0)
			r = add_named_line(w, first, line[i]);
	return r;
}

int plan_serve(struct walk *w, const char *path, const char *why)
{
	bool is_own = strcmp(path, w->l->workspace) == 0 || strcmp(path, w->l->home) == 0;
	size_t first;
	int r = plan_add(w, path, PLAN_SERVED, why);

	first = w->plan->entry_count;
	if (r == 0)
		r = add_named(w, first, path);
	if (r == 0 && !is_own)
		r = add_children(w, first, path, "nothing is told apart in it");
	return r;
}
