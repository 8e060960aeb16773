/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/newimage.c - What stands after an exec, before its first instruction
 *
 * The initial stack, from its pointer upwards: argc, argv, NULL, environment,
 * NULL, auxiliary vector, then the strings (fs/binfmt_elf.c). Its owner's
 * siblings may write to it: nothing in it is trusted but as text.
 */
#include "notifyd/exec.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fdio.h"
#include "common/proc.h"
#include "notifyd/arch.h"

#define STACK_FIRST	((size_t)64 << 10)
#define STACK_MAX	((size_t)8 << 20)

void new_image_free(struct new_image *m)
{
	if (!m)
		return;
	argv_free(&m->argv);
	argv_free(&m->env);
	free(m);
}

/** struct stack - A copy of the initial stack */
struct stack {
	const char *data;
	size_t len, word;
	uint64_t sp;
};

static int get_word(const struct stack *s, size_t index, uint64_t *ret)
{
	uint32_t narrow;

	if (index > s->len / s->word || (index + 1) * s->word > s->len)
		return -ENODATA;
	if (s->word == sizeof(*ret)) {
		memcpy(ret, s->data + index * s->word, sizeof(*ret));
	} else {
		memcpy(&narrow, s->data + index * s->word, sizeof(narrow));
		*ret = narrow;
	}
	return 0;
}

static int get_string(const struct stack *s, uint64_t addr, const char **ret, size_t *ret_len)
{
	const char *p, *end;

	if (addr < s->sp)
		return -EBADMSG;
	if (addr - s->sp >= s->len)
		return -ENODATA;
	p = s->data + (addr - s->sp);
	end = memchr(p, '\0', s->len - (size_t)(addr - s->sp));
	if (!end)
		return -ENODATA;
	*ret = p;
	*ret_len = (size_t)(end - p);
	return 0;
}

static int get_argv(const struct stack *s, uint64_t argc, struct argv_copy *ret)
{
	for (uint64_t i = 0; i < argc; i++) {
		uint64_t addr;
		const char *text;
		size_t len;
		int r = get_word(s, 1 + i, &addr);

		if (r == 0)
			r = get_string(s, addr, &text, &len);
		if (r == 0)
			r = argv_append(ret, text, len);
		if (r < 0)
			return r;
	}
	return argv_finish(ret);
}

/* The environment's strings, if wanted; @index is moved behind its NULL */
static int get_env(const struct stack *s, size_t *index, struct new_image *ret)
{
	ret->envp = s->sp + *index * s->word;
	for (;;) {
		uint64_t addr;
		const char *text;
		size_t len;
		int r = get_word(s, (*index)++, &addr);

		if (r < 0)
			return r;
		if (addr == 0)
			return ret->wants_env ? argv_finish(&ret->env) : 0;
		if (!ret->wants_env)
			continue;
		r = get_string(s, addr, &text, &len);
		if (r == 0)
			r = argv_append(&ret->env, text, len);
		if (r < 0)
			return r;
	}
}

static int get_auxv(const struct stack *s, size_t index, struct new_image *ret, uint64_t *ret_base)
{
	uint64_t type, value;
	bool has_name = false;

	*ret_base = 0;
	for (;; index += 2) {
		const char *text;
		size_t len;
		int r = get_word(s, index, &type);

		if (r == 0)
			r = get_word(s, index + 1, &value);
		if (r < 0)
			return r;
		if (type == AT_NULL)
			return has_name ? 0 : -EBADMSG;
		if (type == AT_BASE)
			*ret_base = value;
		if (type != AT_EXECFN)
			continue;
		r = get_string(s, value, &text, &len);
		if (r < 0)
			return r;
		if (len >= sizeof(ret->execfn))
			return -EBADMSG;
		memcpy(ret->execfn, text, len + 1);
		has_name = true;
	}
}

int new_image_parse(const char *stack, size_t len, uint64_t sp, size_t word, struct new_image *ret,
		    uint64_t *ret_base)
{
	struct stack s = { .data = stack, .len = len, .word = word, .sp = sp };
	uint64_t argc;
	size_t index;
	int r = get_word(&s, 0, &argc);

	argv_free(&ret->argv);
	argv_free(&ret->env);
	ret->sp = sp;
	if (r < 0)
		return r;
	if (argc > STACK_MAX / word)
		return -EBADMSG;
	r = get_argv(&s, argc, &ret->argv);
	index = (size_t)argc + 2;
	if (r == 0)
		r = get_env(&s, &index, ret);
	return r < 0 ? r : get_auxv(&s, index, ret, ret_base);
}

static int stack_pointer(pid_t pid, uint64_t *ret_sp, size_t *ret_word)
{
	struct arch_regs regs;
	int r = arch_read(pid, &regs);

	if (r < 0 && r != -ENOEXEC)
		return r;
	*ret_sp = arch_stack(&regs, r == -ENOEXEC);
	*ret_word = r == -ENOEXEC ? sizeof(uint32_t) : sizeof(uint64_t);
	return 0;
}

static int read_stack(const struct call *c, struct new_image *ret, uint64_t *ret_base)
{
	uint64_t sp = 0;
	size_t word = sizeof(sp);
	int r = stack_pointer(c->tid, &sp, &word);

	for (size_t size = STACK_FIRST; r == 0; size *= 4) {
		char *copy = malloc(size);
		ssize_t n;

		if (!copy)
			return -ENOMEM;
		n = target_read_some(c, sp, copy, size);
		r = n < 0 ? (int)n : new_image_parse(copy, (size_t)n, sp, word, ret, ret_base);
		free(copy);
		if (r != -ENODATA)
			return r;
		if ((size_t)n < size || size >= STACK_MAX)
			return -EBADMSG;	/* it points beyond its own stack */
		r = 0;
	}
	return r;
}

/* The file that is mapped at an address; "" if none is */
static int mapped_file(pid_t pid, uint64_t addr, char *buf, size_t size)
{
	char path[64];
	cleanup_free char *text = NULL;
	size_t len;
	int r;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", pid);	/* always fits */
	r = fdio_read_file(AT_FDCWD, path, 1 << 20, &text, &len);
	if (r < 0)
		return r;
	for (char *line = text, *next; line && *line; line = next) {
		unsigned long low, high;
		char *name;

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (sscanf(line, "%lx-%lx", &low, &high) != 2 || addr < low || addr >= high)
			continue;
		name = strchr(line, '/');
		return snprintf(buf, size, "%s", name ? name : "?") >= (int)size ? -ENAMETOOLONG : 0;
	}
	return -ENOENT;
}

static int read_exe(const struct call *c, struct new_image *ret)
{
	static const char deleted[] = " (deleted)";
	char path[64];
	struct stat st;
	ssize_t n = proc_exe(c->tid, ret->exe, sizeof(ret->exe));
	size_t tail = sizeof(deleted) - 1;

	if (n < 0)
		return (int)n;
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", c->tid);	/* always fits */
	ret->has_stat = stat(path, &st) == 0;
	ret->dev = ret->has_stat ? st.st_dev : 0;
	ret->ino = ret->has_stat ? st.st_ino : 0;
	ret->is_memory = ret->exe[0] != '/' || (ret->has_stat && st.st_nlink == 0) ||
			 (!ret->has_stat && (size_t)n > tail && !strcmp(ret->exe + n - tail, deleted));
	return 0;
}

int new_image_read(const struct call *c, struct new_image *ret)
{
	int r = read_exe(c, ret);

	if (r == 0)
		r = read_stack(c, ret, &ret->base);
	if (r == 0 && ret->base != 0)
		r = mapped_file(c->tid, ret->base, ret->loader, sizeof(ret->loader));
	return r;
}

int new_image_glance(const struct call *c, const struct resolver_object *expected, struct new_image *ret)
{
	char path[64];
	struct stat st;

	if (!(expected->flags & RESOLVER_O_FIXED))
		return -EAGAIN;
	(void)snprintf(path, sizeof(path), "/proc/%d/exe", c->tid);	/* always fits */
	if (stat(path, &st) < 0 || !memo_is_same(expected, &st))
		return -EAGAIN;
	return read_stack(c, ret, &ret->base);
}
