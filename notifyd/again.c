/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/again.c - A task at its exec stop that is made to exec once more
 *
 * DOC: Theory of operation
 *
 * So a redirect runs another program in the same task, and so an environment
 * is changed: not by mending the kernel's stack, but by having the kernel build
 * another. Path, argv and environment are written below the stack, a few bytes
 * of code over the entry point; the image that they are written into never runs.
 *
 *	exec stop -> its way back -> entry of the second call -> exec stop
 *
 * Where tracing is allowed, somebody inside may write to the task's memory
 * meanwhile, code included. So the task is followed by its system calls: the
 * only one it may make is the exec with the registers that were set, and who
 * makes another, or none that succeeds, dies. Code of somebody else's that makes
 * no call does nothing. What it has execed is compared at the second stop.
 *
 * The second call is notified like any; its receiver is another thread (this
 * one holds the task), and continues it without a look: again_is_ours().
 */
#include "notifyd/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/proc.h"
#include "notifyd/arch.h"

#define SYSCALL_STOP	(SIGTRAP | 0x80)
#define STACK_GAP	256	/* between the block and the pointer, for nothing of the kernel's to lie in it */
#define RESTARTS_FIRST	512	/* ERESTARTSYS .. ERESTART_RESTARTBLOCK: the kernel makes the call again */
#define RESTARTS_LAST	516

/* Beyond the mapped stack too: unlike process_vm_writev(2) this makes it grow */
static int write_block(pid_t pid, const struct block *b)
{
	char path[64];
	size_t done = 0;

	(void)snprintf(path, sizeof(path), "/proc/%d/mem", pid);	/* always fits */
	cleanup_fd int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	while (done < b->len) {
		ssize_t n = pwrite(fd, b->data + done, b->len - done, (off_t)(b->addr + done));

		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		done += (size_t)n;
	}
	return 0;
}

static int write_code(pid_t pid, uint64_t at)
{
	static const unsigned char code[ARCH_CODE_SIZE] = ARCH_CODE;

	for (size_t i = 0; i < sizeof(code); i += sizeof(long)) {
		long word;

		memcpy(&word, code + i, sizeof(word));
		if (ptrace(PTRACE_POKETEXT, pid, (void *)(uintptr_t)(at + i), (void *)word) < 0)
			return -errno;
	}
	return 0;
}

static int resume(pid_t pid, int signo)
{
	/* ESRCH: it is being killed, and the wait will tell */
	return ptrace(PTRACE_SYSCALL, pid, 0, (void *)(long)signo) < 0 && errno != ESRCH ? -errno : 0;
}

static int prepare(struct again *a, pid_t pid)
{
	struct arch_regs regs;
	int r = arch_read(pid, &regs);	/* -ENOEXEC: a 32-bit program; it could make no call in here anyway */

	if (r == 0)
		r = write_block(pid, &a->block);
	if (r < 0)
		return r;
	a->code = arch_where(&regs);
	arch_prepare(&regs, a->block.addr - STACK_GAP, a->block.path, a->block.argv, a->block.envp);
	r = write_code(pid, a->code);
	return r < 0 ? r : arch_write(pid, &regs);
}

int again_begin(struct again *a, struct call *c, const char *path, const struct argv_copy *argv, char *const *env,
		const struct new_image *m)
{
	const long options = PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD;
	int r;

	/* somebody else must receive what it will ask; nobody could if no thread is left */
	if (!baton_release(c->worker))
		return -EAGAIN;
	r = block_build(&a->block, m->sp & ~UINT64_C(15), path, argv->v, env, m->envp);
	if (r == 0)
		r = prepare(a, c->tid);
	if (r == 0 && ptrace(PTRACE_SETOPTIONS, c->tid, 0, (void *)options) < 0)
		r = -errno;
	if (r < 0)
		return r;
	a->stage = AGAIN_WAY;
	return resume(c->tid, 0);
}

/* ---- on the way ---- */

static void passing_set(struct call *c)
{
	c->worker->tid = gettid();
	c->worker->passing = c->tid;
	c->n->passing_count++;
}

/* False if there was none, or it has been claimed */
static bool passing_claim(struct notifyd *n, struct worker *w, pid_t tid)
{
	pid_t expected = tid;

	if (!atomic_compare_exchange_strong(&w->passing, &expected, 0))
		return false;
	n->passing_count--;
	return true;
}

bool again_is_ours(const struct call *c)
{
	struct notifyd *n = c->n;
	struct proc_status st;

	if (n->passing_count == 0)
		return false;
	for (size_t i = 0; i < DOORMAN_THREADS_MAX; i++)
		if (passing_claim(n, &n->worker[i], c->tid))
			/* killed and reaped meanwhile, its number another's: then that one is judged */
			return proc_status(c->tid, &st) == 0 && st.tracer == n->worker[i].tid;
	return false;
}

static int at_entry(struct again *a, struct call *c)
{
	const struct block *b = &a->block;
	struct arch_regs regs;
	int r = arch_read(c->tid, &regs);

	if (r < 0 || a->stage != AGAIN_WAY || !arch_is_prepared(&regs, a->code, b->path, b->argv, b->envp))
		return r < 0 ? r : -EPERM;
	a->stage = AGAIN_CALL;
	passing_set(c);
	return resume(c->tid, 0);
}

/* Of the first exec; or of the second, which then has failed, or is made again behind a signal */
static int at_exit(struct again *a, struct call *c, int64_t result)
{
	if (a->stage == AGAIN_WAY)
		return resume(c->tid, 0);
	(void)passing_claim(c->n, c->worker, c->tid);	/* interrupted before anybody received it */
	if (result > -RESTARTS_FIRST || result < -RESTARTS_LAST)
		return result < 0 ? (int)result : -EPERM;
	a->stage = AGAIN_WAY;
	return resume(c->tid, 0);
}

int again_stopped(struct again *a, struct call *c, int status)
{
	struct __ptrace_syscall_info info;
	int event = status >> 16;

	if (WSTOPSIG(status) != SYSCALL_STOP)
		/* ours of the beginning, a group stop, or a signal on its way */
		return resume(c->tid, event ? 0 : WSTOPSIG(status));
	if (ptrace(PTRACE_GET_SYSCALL_INFO, c->tid, (void *)sizeof(info), &info) < 0)
		return -errno;
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY)
		return at_entry(a, c);
	if (info.op == PTRACE_SYSCALL_INFO_EXIT)
		return at_exit(a, c, info.exit.rval);
	return -EPERM;
}

void again_free(struct again *a, struct call *c)
{
	if (a->stage != AGAIN_NO)
		(void)passing_claim(c->n, c->worker, c->tid);	/* killed on the way: nobody has asked */
	block_free(&a->block);
}
