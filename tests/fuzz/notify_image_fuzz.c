/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/fuzz/notify_image_fuzz.c - Programs as hostile files
 *
 * The input is a file that somebody execs. Whatever it holds, the doorman's
 * reader returns, and what it names fits the buffers it is copied into.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "notifyd/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct image m;

	if (fd < 0)
		fd = memfd_create("image", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
		return 0;
	memset(&m, 'x', sizeof(m));
	if (image_read(fd, &m) < 0)
		return 0;
	if (m.kind == IMAGE_SCRIPT || m.has_interp) {
		if (!memchr(m.interp, '\0', sizeof(m.interp)))
			abort();
	}
	if (m.kind == IMAGE_SCRIPT && (m.interp[0] == '\0' || (m.has_arg && !memchr(m.arg, '\0', sizeof(m.arg)))))
		abort();
	return 0;
}
