/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/map.c - Map a sealed policy
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "policy/format.h"

/* Not equality: with vm.memfd_noexec the kernel adds F_SEAL_EXEC */
#define WANTED_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static int map_sealed(struct policy *ret, int fd)
{
	struct stat st;
	void *base;
	int seals, r;

	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0)
		return errno == EBADF ? -EBADF : -EPERM;
	if ((seals & WANTED_SEALS) != WANTED_SEALS)
		return -EPERM;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size <= 0 || st.st_size > (off_t)BLOB_SIZE_MAX)
		return -EBADMSG;
	base = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (base == MAP_FAILED)
		return -errno;
	r = policy_open(ret, base, (size_t)st.st_size);
	if (r < 0)
		(void)munmap(base, (size_t)st.st_size);	/* a whole mapping of our own: cannot fail */
	return r;
}

int policy_map_fd(struct policy *ret, int fd)
{
	int saved = errno, r = map_sealed(ret, fd);

	errno = saved;
	return r;
}

void policy_unmap(struct policy *p)
{
	int saved = errno;

	if (p->base)
		(void)munmap((void *)p->base, p->size);	/* a whole mapping of our own: cannot fail */
	*p = (struct policy){ 0 };
	errno = saved;
}
