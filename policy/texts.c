/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/texts.c - Which policy files a session has, and what they extend
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fdio.h"
#include "policy/diag.h"
#include "policy/json_scan.h"
#include "policy/layers.h"
#include "policy/profiles.h"
#include "policy/schema.h"

/* Where an "extends" stands, and how many lead here; NULL parent: named by the caller */
struct origin {
	const struct origin *parent;
	const struct layers_file *file;
	const struct json_value *at;
	unsigned int depth;
};

static int fail_at(struct layers_stack *s, const struct origin *o, const char *fmt, const char *what)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"	/* literals of this file, one %s each */
	if (o)
		diag_file(s->diag, o->file->name);
	return diag_at(s->diag, o ? o->at->line : 0, o ? o->at->column : 0, fmt,
		       diag_quote(what).s);
#pragma GCC diagnostic pop
}

static bool is_file_name(const char *name)
{
	size_t len = strlen(name);

	return strchr(name, '/') || (len > 5 && strcmp(name + len - 5, ".json") == 0);
}

/* Parse and check; the file is kept in the stack */
static int add_text(struct layers_stack *s, const struct layers_file *f, const char *text, size_t len)
{
	struct layers_file *file = &s->file[s->file_count];
	int r;

	diag_file(s->diag, f->name);
	*file = *f;
	file->layer = "base";
	r = json_read(&file->doc, text, len, s->diag);
	if (r < 0)
		return r;
	s->file_count++;
	r = schema_check(json_root(file->doc), s->diag);
	if (r == 0)
		s->diag->file[0] = '\0';
	return r;
}

static int add_open_file(struct layers_stack *s, const char *path, int fd, const struct stat *st)
{
	struct layers_file f = { .dev = st->st_dev, .ino = st->st_ino };
	cleanup_free char *text = malloc(JSON_SIZE_MAX + 2);
	char real[PATH_MAX], *slash;
	ssize_t n;
	size_t len = 0;

	if (!text)
		return diag_memory(s->diag);
	do {
		n = read(fd, text + len, JSON_SIZE_MAX + 1 - len);
		len += n > 0 ? (size_t)n : 0;
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (n < 0 || !realpath(path, real)) {
		int err = errno;

		diag_file(s->diag, path);
		(void)diag_at(s->diag, 0, 0, "cannot be read: %s", strerror(err));
		return -err;
	}
	f.name = arena_strdup(s->arena, real);
	slash = strrchr(real, '/');
	*slash = '\0';
	f.folder = arena_strdup(s->arena, real);
	if (!f.name || !f.folder)
		return diag_memory(s->diag);
	return add_text(s, &f, text, len);
}

/* Is the file among those that led here? */
static bool is_cycle(const struct origin *o, dev_t dev, ino_t ino)
{
	for (; o; o = o->parent)
		if (!o->file->is_builtin && o->file->dev == dev && o->file->ino == ino)
			return true;
	return false;
}

/* Nothing of that name: a link that leads nowhere is something, and so is what may not be looked at */
static bool is_absent(const char *path)
{
	struct stat st;

	return lstat(path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR);
}

/*
 * Without waiting for anybody: a repository may hold a FIFO. Nor through a link, which
 * could lead to what its author cannot read, and the words of a refusal say what it holds.
 */
static int open_text(const struct layers_stack *s, const char *path)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = path == s->src->project_file ? RESOLVE_NO_SYMLINKS : 0,
	};

	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

/* Whoever can write the user's own policy decides what every later session may do */
static int check_owner(struct layers_stack *s, const char *path, const struct stat *st)
{
	if (path != s->src->user_file)
		return 0;
	diag_file(s->diag, path);
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return diag_at(s->diag, 0, 0, "belongs to another user (%u); a policy of yours is your own file",
			       (unsigned int)st->st_uid);
	if (st->st_mode & S_IWOTH)
		return diag_at(s->diag, 0, 0, "can be written by everybody; chmod o-w makes it a policy");
	s->diag->file[0] = '\0';
	return 0;
}

static int add_path(struct layers_stack *s, const char *path, const struct origin *o)
{
	cleanup_fd int fd = open_text(s, path);
	struct stat st;
	int r;

	if (fd < 0 && errno == ELOOP && path == s->src->project_file) {
		diag_file(s->diag, path);
		return diag_at(s->diag, 0, 0, "leads through a symbolic link; a project's policy is a file of its own");
	}
	if (fd < 0 || fstat(fd, &st) < 0) {
		int err = errno;

		if (o)
			(void)fail_at(s, o, "%s cannot be read", path);
		else
			diag_file(s->diag, path);
		if (!o)
			(void)diag_at(s->diag, 0, 0, "cannot be read: %s", strerror(err));
		return -err;
	}
	if (!S_ISREG(st.st_mode)) {
		diag_file(s->diag, path);
		return diag_at(s->diag, 0, 0, "is not a regular file");
	}
	r = check_owner(s, path, &st);
	if (r < 0)
		return r;
	if (is_cycle(o, st.st_dev, st.st_ino))
		return fail_at(s, o, "%s extends itself in a circle", path);
	for (size_t i = 0; o && i < s->file_count; i++)
		if (!s->file[i].is_builtin && s->file[i].dev == st.st_dev &&
		    s->file[i].ino == st.st_ino)
			return 0;	/* extended twice: its rules are there already */
	return add_open_file(s, path, fd, &st);
}

static int add_builtin(struct layers_stack *s, const char *name, const struct origin *o)
{
	struct layers_file f = { .is_builtin = true };

	if (s->src->profiles_dir) {
		const char *path = arena_printf(s->arena, "%s/%s.json", s->src->profiles_dir, name);

		return path ? add_path(s, path, o) : diag_memory(s->diag);
	}
	f.name = arena_printf(s->arena, "built-in:%s", name);
	if (!f.name)
		return diag_memory(s->diag);
	for (const struct policy_profile *p = policy_profiles; p->name; p++)
		if (strcmp(p->name, name) == 0)
			return add_text(s, &f, p->text, p->len);
	(void)fail_at(s, o, "there is no built-in policy %s; a file's name holds a '/' or ends in .json",
		      name);
	return -EINVAL;
}

static int add_chain(struct layers_stack *s, const char *name, const struct origin *o);

static int extend_one(struct layers_stack *s, const struct layers_file *f, const struct json_value *at,
		      const struct origin *parent)
{
	struct origin o = { parent, f, at, parent ? parent->depth + 1 : 1 };
	const char *name = at->string;

	if (o.depth > LAYERS_EXTENDS_MAX)
		return fail_at(s, &o, "%s is one \"extends\" too many: 10 may lead to each other", name);
	if (!is_file_name(name)) {
		for (const struct origin *p = &o; p; p = p->parent)
			if (p->file->is_builtin && strcmp(p->file->name + strlen("built-in:"), name) == 0)
				return fail_at(s, &o, "%s extends itself in a circle", name);
		return add_chain(s, name, &o);
	}
	if (f->is_builtin)
		return fail_at(s, &o, "a built-in policy extends no file: %s", name);
	if (name[0] != '/')
		name = arena_printf(s->arena, "%s/%s", f->folder, name);
	return name ? add_chain(s, name, &o) : diag_memory(s->diag);
}

/* A file and what it extends, own rules first */
static int add_chain(struct layers_stack *s, const char *name, const struct origin *o)
{
	const struct json_value *extends, *at;
	const struct layers_file *f;
	size_t before = s->file_count;
	int r;

	if (s->file_count == LAYERS_FILE_MAX)
		return fail_at(s, o, "%s is one policy file too many", name);
	if (is_file_name(name)) {
		r = add_path(s, name, o);
	} else {
		for (size_t i = 0; o && i < s->file_count; i++)
			if (s->file[i].is_builtin &&
			    strcmp(s->file[i].name + strlen("built-in:"), name) == 0)
				return 0;
		r = add_builtin(s, name, o);
	}
	if (r < 0 || s->file_count == before)
		return r;
	f = &s->file[before];
	extends = json_get(json_root(f->doc), "extends");
	at = extends && extends->type == JSON_ARRAY ? extends->child : extends;
	for (; r == 0 && at; at = extends->type == JSON_ARRAY ? at->next : NULL)
		r = extend_one(s, f, at, o);
	return r;
}

static int add_base(struct layers_stack *s)
{
	const struct policy_sources *src = s->src;
	const char *name = src->base;

	if (!name && src->user_file && !is_absent(src->user_file))
		name = src->user_file;
	if (!name)
		name = "developer";
	return add_chain(s, name, NULL);
}

/* Keys with which a file would give instead of take */
static int check_restricting(struct layers_stack *s, const struct layers_file *f)
{
	static const char *const keys[] = { "extends", "defaults" };
	static const char *const env_keys[] = { "keep", "set" };
	const struct json_value *root = json_root(f->doc), *v = NULL;
	static const char *const flags[] = { "nested", "package_manager" };
	const struct json_value *tracing = json_get(root, "tracing");

	for (size_t i = 0; !v && i < ARRAY_SIZE(keys); i++)
		v = json_get(root, keys[i]);
	for (size_t i = 0; !v && i < ARRAY_SIZE(env_keys); i++)
		v = json_get(json_get(root, "environment"), env_keys[i]);
	if (!v && tracing && strcmp(tracing->string, "allow") == 0)
		v = tracing;
	for (size_t i = 0; !v && i < ARRAY_SIZE(flags); i++) {
		const struct json_value *flag = json_get(root, flags[i]);

		v = flag && flag->boolean ? flag : NULL;
	}
	if (!v)
		return 0;
	diag_file(s->diag, f->name);
	return diag_at(s->diag, v->key_line, v->key_column, "%s: this file may only take away",
		       diag_quote(v->key).s);
}

static int add_restricting(struct layers_stack *s, const char *path, const char *layer)
{
	int r;

	if (!path || is_absent(path))
		return 0;
	r = add_path(s, path, NULL);
	if (r < 0)
		return r;
	s->file[s->file_count - 1].layer = layer;
	return check_restricting(s, &s->file[s->file_count - 1]);
}

int layers_read(struct layers_stack *s, size_t *ret_base_count)
{
	size_t base_count;
	int r = add_base(s);

	if (r < 0)
		return r;
	base_count = s->file_count;
	if (s->file_count + 2 > LAYERS_FILE_MAX)
		return fail_at(s, NULL, "%s is one policy file too many", "system");
	r = add_restricting(s, s->src->system_file, "system");
	if (r == 0)
		r = add_restricting(s, s->src->project_file, "project");
	if (r == 0)
		*ret_base_count = base_count;
	return r;
}

void layers_release(struct layers_stack *s)
{
	for (size_t i = 0; i < s->file_count; i++)
		json_free(s->file[i].doc);
	s->file_count = 0;
}
