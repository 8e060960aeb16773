/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/image.c - What a file is to execve: script, ELF program, dynamic loader
 */
#include "notifyd/image.h"

#include <elf.h>
#include <errno.h>
#include <fnmatch.h>
#include <string.h>
#include <unistd.h>

#define PHDRS_MAX	((size_t)64)	/* real programs have a dozen */
#define DYN_MAX		((size_t)256)

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

int image_script(const char head[IMAGE_HEAD_SIZE], struct image *ret)
{
	const char *end = memchr(head, '\n', IMAGE_HEAD_SIZE);
	const char *nul = memchr(head, '\0', IMAGE_HEAD_SIZE);
	const char *p = head + 2, *limit, *name_end;

	limit = end ? end : head + IMAGE_HEAD_SIZE - 1;
	if (!end && !nul) {
		/* a name that the buffer cuts would run another program */
		const char *q = p;

		while (q < limit && is_blank(*q))
			q++;
		while (q < limit && !is_blank(*q))
			q++;
		if (q == limit)
			return -ENOEXEC;
	}
	if (nul && nul < limit)
		limit = nul;
	while (limit > p && is_blank(limit[-1]))
		limit--;
	while (p < limit && is_blank(*p))
		p++;
	if (p >= limit)
		return -ENOEXEC;
	for (name_end = p; name_end < limit && !is_blank(*name_end); name_end++)
		;
	ret->kind = IMAGE_SCRIPT;
	memcpy(ret->interp, p, (size_t)(name_end - p));
	ret->interp[name_end - p] = '\0';
	for (p = name_end; p < limit && is_blank(*p); p++)
		;
	ret->has_arg = p < limit;
	memcpy(ret->arg, p, (size_t)(limit - p));
	ret->arg[limit - p] = '\0';
	return 0;
}

bool image_is_loader_name(const char *base)
{
	static const char *const patterns[] = {
		"ld-linux*.so*", "ld-musl-*.so*", "ld-*.so", "ld.so*", "ld64.so*", "ld-uClibc*.so*",
	};

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		if (fnmatch(patterns[i], base, 0) == 0)
			return true;
	return false;
}

/* ---- ELF: both widths brought into the wider structs ---- */

struct elf {
	int fd;
	bool is_64;
	uint16_t type;
	size_t phdr_count;
	Elf64_Phdr phdr[PHDRS_MAX];
};

static bool read_at(int fd, void *buf, size_t size, uint64_t off)
{
	return off <= INT64_MAX && pread(fd, buf, size, (off_t)off) == (ssize_t)size;
}

static bool read_phdrs_32(struct elf *e, uint64_t off)
{
	Elf32_Phdr p;

	for (size_t i = 0; i < e->phdr_count; i++) {
		if (!read_at(e->fd, &p, sizeof(p), off + i * sizeof(p)))
			return false;
		e->phdr[i] = (Elf64_Phdr){
			.p_type = p.p_type, .p_offset = p.p_offset, .p_vaddr = p.p_vaddr, .p_filesz = p.p_filesz,
		};
	}
	return true;
}

static int read_elf(struct elf *e)
{
	union {
		Elf64_Ehdr w;
		Elf32_Ehdr n;
	} h;
	uint64_t off;

	if (!read_at(e->fd, &h.n, sizeof(h.n), 0))
		return -ENOEXEC;
	e->is_64 = h.n.e_ident[EI_CLASS] == ELFCLASS64;
	if (e->is_64 && !read_at(e->fd, &h.w, sizeof(h.w), 0))
		return -ENOEXEC;
	e->type = h.n.e_type;		/* in both at one place */
	e->phdr_count = e->is_64 ? h.w.e_phnum : h.n.e_phnum;
	off = e->is_64 ? h.w.e_phoff : h.n.e_phoff;
	if (e->phdr_count == 0 || e->phdr_count > PHDRS_MAX)
		return -ENOEXEC;
	if (e->is_64 ? h.w.e_phentsize != sizeof(Elf64_Phdr) : h.n.e_phentsize != sizeof(Elf32_Phdr))
		return -ENOEXEC;
	if (!e->is_64)
		return read_phdrs_32(e, off) ? 0 : -ENOEXEC;
	return read_at(e->fd, e->phdr, e->phdr_count * sizeof(Elf64_Phdr), off) ? 0 : -ENOEXEC;
}

/* File offset of an address that some segment loads */
static bool file_offset(const struct elf *e, uint64_t vaddr, uint64_t *ret)
{
	for (size_t i = 0; i < e->phdr_count; i++) {
		const Elf64_Phdr *p = &e->phdr[i];

		if (p->p_type == PT_LOAD && vaddr >= p->p_vaddr && vaddr - p->p_vaddr < p->p_filesz) {
			*ret = p->p_offset + (vaddr - p->p_vaddr);
			return true;
		}
	}
	return false;
}

static size_t read_dynamic(const struct elf *e, const Elf64_Phdr *p, Elf64_Dyn dyn[DYN_MAX])
{
	size_t entry = e->is_64 ? sizeof(Elf64_Dyn) : sizeof(Elf32_Dyn);
	size_t count = p->p_filesz / entry < DYN_MAX ? p->p_filesz / entry : DYN_MAX;
	Elf32_Dyn narrow;

	if (e->is_64)
		return read_at(e->fd, dyn, count * entry, p->p_offset) ? count : 0;
	for (size_t i = 0; i < count; i++) {
		if (!read_at(e->fd, &narrow, sizeof(narrow), p->p_offset + i * entry))
			return i;
		dyn[i] = (Elf64_Dyn){ .d_tag = narrow.d_tag, .d_un.d_val = narrow.d_un.d_val };
	}
	return count;
}

/* A copy of the loader under another name still says what it is */
static bool has_loader_soname(const struct elf *e, const Elf64_Phdr *p)
{
	Elf64_Dyn dyn[DYN_MAX];
	uint64_t strtab = 0, soname = 0, off;
	bool has_soname = false;
	size_t count = read_dynamic(e, p, dyn);
	char name[64] = "";

	for (size_t i = 0; i < count && dyn[i].d_tag != DT_NULL; i++) {
		if (dyn[i].d_tag == DT_STRTAB)
			strtab = dyn[i].d_un.d_val;
		if (dyn[i].d_tag == DT_SONAME) {
			soname = dyn[i].d_un.d_val;
			has_soname = true;
		}
	}
	if (!has_soname || !file_offset(e, strtab + soname, &off))
		return false;
	if (off > INT64_MAX || pread(e->fd, name, sizeof(name) - 1, (off_t)off) <= 0)
		return false;
	/* musl's is its libc */
	return image_is_loader_name(name) || strncmp(name, "libc.musl-", 10) == 0;
}

static int image_elf(int fd, struct image *ret)
{
	struct elf e = { .fd = fd };
	const Elf64_Phdr *dynamic = NULL;
	int r = read_elf(&e);

	if (r < 0)
		return r;
	ret->kind = IMAGE_ELF;
	for (size_t i = 0; i < e.phdr_count; i++) {
		const Elf64_Phdr *p = &e.phdr[i];

		if (p->p_type == PT_DYNAMIC)
			dynamic = p;
		if (p->p_type != PT_INTERP || ret->has_interp)
			continue;	/* the kernel takes the first */
		if (p->p_filesz < 2 || p->p_filesz > sizeof(ret->interp) ||
		    !read_at(fd, ret->interp, p->p_filesz, p->p_offset) ||
		    ret->interp[p->p_filesz - 1] != '\0')
			return -ENOEXEC;
		ret->has_interp = true;
	}
	ret->is_loader = !ret->has_interp && e.type == ET_DYN && dynamic && has_loader_soname(&e, dynamic);
	return 0;
}

int image_read(int fd, struct image *ret)
{
	char head[IMAGE_HEAD_SIZE] = { 0 };
	ssize_t n = pread(fd, head, sizeof(head), 0);

	ret->kind = IMAGE_OTHER;
	ret->has_arg = ret->has_interp = ret->is_loader = false;
	if (n < 0)
		return -errno;
	if (n >= 2 && head[0] == '#' && head[1] == '!')
		return image_script(head, ret);
	if (n >= 4 && memcmp(head, ELFMAG, SELFMAG) == 0)
		return image_elf(fd, ret);
	return 0;
}

/* ---- ld.so PROGRAM ---- */

struct loader_option {
	const char *name;
	int arguments;		/* -1: prints something and runs nothing */
};

static const struct loader_option options[] = {
	{ "--list", 0 }, { "--verify", 0 }, { "--inhibit-cache", 0 },
	{ "--library-path", 1 }, { "--glibc-hwcaps-prepend", 1 }, { "--glibc-hwcaps-mask", 1 },
	{ "--inhibit-rpath", 1 }, { "--audit", 1 }, { "--preload", 1 }, { "--argv0", 1 },
	{ "--list-tunables", -1 }, { "--list-diagnostics", -1 }, { "--help", -1 }, { "--version", -1 },
};

static const struct loader_option *option_find(const char *arg, bool *ret_inline)
{
	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		size_t len = strlen(options[i].name);

		if (strncmp(arg, options[i].name, len) != 0)
			continue;
		*ret_inline = arg[len] == '=';		/* musl's way */
		if (arg[len] == '\0' || (*ret_inline && options[i].arguments == 1))
			return &options[i];
	}
	return NULL;
}

int image_loader_program(const char *const *argv, uint32_t argc)
{
	uint32_t i = 1;

	while (i < argc && strncmp(argv[i], "--", 2) == 0) {
		const struct loader_option *o;
		bool is_inline = false;

		if (argv[i][2] == '\0') {	/* musl ends its options so */
			i++;
			break;
		}
		o = option_find(argv[i], &is_inline);
		if (!o)
			return -EINVAL;
		if (o->arguments < 0)
			return 0;
		i += 1 + (is_inline ? 0 : (uint32_t)o->arguments);
	}
	return i < argc ? (int)i : 0;
}
