/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/image.h - What a file is to execve: script, ELF program, dynamic loader
 *
 * Reads hostile files: every offset is checked, nothing is mapped.
 */
#ifndef NOTIFYD_IMAGE_H
#define NOTIFYD_IMAGE_H

#include <limits.h>

#include "common/base.h"

#define IMAGE_HEAD_SIZE	256	/* BINPRM_BUF_SIZE: as much of a #! line as the kernel reads */

enum image_kind {
	IMAGE_OTHER = 0,	/* the kernel will say ENOEXEC, or binfmt_misc takes it: seen at the exec stop */
	IMAGE_SCRIPT,
	IMAGE_ELF,
};

/** struct image - Strings are copies */
struct image {
	enum image_kind kind;
	bool has_arg, has_interp, is_loader;
	char interp[PATH_MAX];		/* SCRIPT: interpreter; ELF with @has_interp: PT_INTERP */
	char arg[IMAGE_HEAD_SIZE];	/* SCRIPT with @has_arg */
};

/** image_read() - Look at an open file. 0; -ENOEXEC malformed in a way the kernel refuses too; -errno */
int image_read(int fd, struct image *ret) MUST_USE;

/** image_script() - Parse a "#!" line as fs/binfmt_script.c does. @head is IMAGE_HEAD_SIZE bytes, zero-padded */
int image_script(const char head[IMAGE_HEAD_SIZE], struct image *ret) MUST_USE;

/**
 * image_loader_program() - Which argument is the program that a loader is to run
 *
 * Return: index, > 0; 0 none (--help, --list of nothing); -EINVAL an option that
 * is not known, so it cannot be told
 *
 * Source: glibc elf/rtld.c, musl ldso/dynlink.c
 */
int image_loader_program(const char *const *argv, uint32_t argc) MUST_USE;

/** image_is_loader_name() - ld-linux-x86-64.so.2, ld-musl-x86_64.so.1, ld-2.31.so, ld.so.1, ld64.so.2 ... */
bool image_is_loader_name(const char *base);

#endif /* NOTIFYD_IMAGE_H */
