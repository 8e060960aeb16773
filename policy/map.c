/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/map.c - Map a sealed policy
 *
 * Through syscall(): in a process that wraps fcntl() or mmap() these must be
 * the kernel's, not the wrappers.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "policy/format.h"

/* Not equality: with vm.memfd_noexec the kernel adds F_SEAL_EXEC */
#define WANTED_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

static_assert(sizeof(long) == 8, "struct stat is the kernel's");

static int map_sealed(struct policy *ret, int fd)
{
	struct stat st;		/* the kernel's own layout where a long has 64 bits */
	long seals, at;
	int r;

	seals = syscall(SYS_fcntl, fd, F_GET_SEALS);
	if (seals < 0)
		return errno == EBADF ? -EBADF : -EPERM;
	if ((seals & WANTED_SEALS) != WANTED_SEALS)
		return -EPERM;
	if (syscall(SYS_fstat, fd, &st) < 0)
		return -errno;
	if (st.st_size <= 0 || st.st_size > (off_t)BLOB_SIZE_MAX)
		return -EBADMSG;
	at = syscall(SYS_mmap, NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0L);
	if (at == -1)
		return -errno;
	r = policy_open(ret, (void *)at, (size_t)st.st_size);
	if (r < 0)
		(void)syscall(SYS_munmap, at, (size_t)st.st_size);	/* our own mapping: cannot fail */
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
		(void)syscall(SYS_munmap, p->base, p->size);	/* our own mapping: cannot fail */
	*p = (struct policy){ 0 };
	errno = saved;
}
