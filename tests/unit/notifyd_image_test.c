/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/notifyd_image_test.c - What a file is to execve, and which program a loader is given
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "notifyd/image.h"

static int script(const char *text, size_t len, struct image *ret)
{
	char head[IMAGE_HEAD_SIZE] = { 0 };

	memcpy(head, text, len < sizeof(head) ? len : sizeof(head));
	memset(ret, 0, sizeof(*ret));
	return image_script(head, ret);
}

static void assert_script(const char *line, const char *interp, const char *arg)
{
	struct image m;

	assert_int_equal(script(line, strlen(line), &m), 0);
	assert_int_equal(m.kind, IMAGE_SCRIPT);
	assert_string_equal(m.interp, interp);
	assert_int_equal(m.has_arg, arg != NULL);
	if (arg)
		assert_string_equal(m.arg, arg);
}

static void test_script_line(void **state)
{
	(void)state;
	assert_script("#!/bin/sh\n", "/bin/sh", NULL);
	assert_script("#! \t/bin/sh  \n", "/bin/sh", NULL);
	assert_script("#!/usr/bin/env -S sh -e \nrm", "/usr/bin/env", "-S sh -e");
	assert_script("#!/bin/sh", "/bin/sh", NULL);
	assert_script("#!sh\n", "sh", NULL);
	/* a carriage return belongs to the name, as the kernel has it */
	assert_script("#!/bin/sh\r\n", "/bin/sh\r", NULL);
}

static void test_script_refused(void **state)
{
	char line[IMAGE_HEAD_SIZE + 8];
	struct image m;

	(void)state;
	assert_int_equal(script("#!\n", 3, &m), -ENOEXEC);
	assert_int_equal(script("#!  \t \n", 7, &m), -ENOEXEC);
	/* a name that the buffer cuts is not a name */
	memset(line, 'a', sizeof(line));
	memcpy(line, "#!/", 3);
	assert_int_equal(script(line, sizeof(line), &m), -ENOEXEC);
	/* its twin ends in time */
	line[200] = ' ';
	assert_int_equal(script(line, sizeof(line), &m), 0);
	assert_int_equal(strlen(m.interp), 198);
}

static int read_bytes(const void *data, size_t size, struct image *ret)
{
	int fd = memfd_create("image", MFD_CLOEXEC), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), (ssize_t)size);
	r = image_read(fd, ret);
	close(fd);
	return r;
}

static void test_elf_self(void **state)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct image m;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(image_read(fd, &m), 0);
	close(fd);
	assert_int_equal(m.kind, IMAGE_ELF);
	assert_false(m.is_loader);
	if (m.has_interp) {
		/* and what it names is a loader, whatever it is called */
		fd = open(m.interp, O_RDONLY | O_CLOEXEC);
		assert_true(fd >= 0);
		assert_int_equal(image_read(fd, &m), 0);
		close(fd);
		assert_true(m.is_loader);
	}
}

static void test_elf_broken(void **state)
{
	unsigned char bytes[128] = "\177ELF\2\1\1";
	struct image m;

	(void)state;
	assert_int_equal(read_bytes(bytes, 4, &m), -ENOEXEC);
	assert_int_equal(read_bytes(bytes, sizeof(bytes), &m), -ENOEXEC);	/* no program headers */
	bytes[54] = 56;		/* e_phentsize */
	bytes[56] = 1;		/* e_phnum */
	bytes[32] = 200;	/* e_phoff beyond the end */
	assert_int_equal(read_bytes(bytes, sizeof(bytes), &m), -ENOEXEC);
	bytes[32] = 64;		/* and within: one segment of no interest */
	assert_int_equal(read_bytes(bytes, sizeof(bytes), &m), 0);
	assert_int_equal(m.kind, IMAGE_ELF);
	assert_int_equal(read_bytes("text\n", 5, &m), 0);
	assert_int_equal(m.kind, IMAGE_OTHER);
}

static int program(const char *const *argv)
{
	uint32_t argc = 0;

	while (argv[argc])
		argc++;
	return image_loader_program(argv, argc);
}
#define PROGRAM(...) program((const char *const[]){ "ld.so", __VA_ARGS__, NULL })

static void test_loader_program(void **state)
{
	(void)state;
	assert_int_equal(PROGRAM("/bin/true"), 1);
	assert_int_equal(PROGRAM("--list", "/bin/true"), 2);
	assert_int_equal(PROGRAM("--library-path", "/x", "/bin/true"), 3);
	assert_int_equal(PROGRAM("--library-path=/x", "/bin/true"), 2);
	assert_int_equal(PROGRAM("--argv0", "--list", "/bin/true", "--help"), 3);
	assert_int_equal(PROGRAM("--", "/bin/true"), 2);
	assert_int_equal(PROGRAM("--help"), 0);
	assert_int_equal(PROGRAM("--preload"), 0);	/* nothing is left to run */
	assert_int_equal(program((const char *const[]){ "ld.so", NULL }), 0);
	/* what is not known cannot be skipped */
	assert_int_equal(PROGRAM("--new-option", "/bin/true"), -EINVAL);
	assert_int_equal(PROGRAM("--list=1", "/bin/true"), -EINVAL);
}

static void test_loader_name(void **state)
{
	(void)state;
	assert_true(image_is_loader_name("ld-linux-x86-64.so.2"));
	assert_true(image_is_loader_name("ld-musl-x86_64.so.1"));
	assert_true(image_is_loader_name("ld-2.31.so"));
	assert_false(image_is_loader_name("ld"));
	assert_false(image_is_loader_name("ldd"));
	assert_false(image_is_loader_name("bash"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_script_line), cmocka_unit_test(test_script_refused),
		cmocka_unit_test(test_elf_self), cmocka_unit_test(test_elf_broken),
		cmocka_unit_test(test_loader_program), cmocka_unit_test(test_loader_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
