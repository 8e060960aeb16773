/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/seal.c - A compiled policy into a memfd that nobody can change
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fdio.h"
#include "policy/compile.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U	/* linux/memfd.h, since 6.3 */
#endif

int policy_seal(const void *blob, size_t size, int *ret_fd)
{
	cleanup_fd int fd = -1;
	int r;

	fd = memfd_create("agentsh-policy", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("agentsh-policy", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	r = fdio_write_full(fd, blob, size);
	if (r < 0)
		return r;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return -errno;
	*ret_fd = steal_fd(&fd);
	return 0;
}
