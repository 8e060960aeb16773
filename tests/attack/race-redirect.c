/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/race-redirect.c - The memory of a task that is being led to another program
 *
 *	Attack:		code over the entry point and another path on the stack of a redirected program, written by a sibling
 *	Stopped by:	execstop, fusefs
 *	Expect:		-
 *	Twin:		the same program by a name that is not redirected
 *	Source:		DESIGN 6: a sibling can write the stopped task's memory where tracing is allowed
 *	Build:		-static -no-pie
 *	Needs:		tracing
 *	Policy:		redirect.json.in
 */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/lib/race.h"

#define CAUGHT 66

extern char _start[];

static volatile pid_t target;
static char stack[256 << 10];

static void prepare(bool twin)
{
	(void)twin;
	if (system("cp attack asked-tool && cp attack plain-tool") != 0)
		cannot("no copy");
}

/* The path that the doorman has written, turned into that of the denied program */
static void turn_path(int mem, pid_t pid)
{
	char name[64], line[256];
	unsigned long low = 0, high = 0;
	ssize_t n;
	FILE *maps;

	snprintf(name, sizeof(name), "/proc/%d/maps", pid);
	maps = fopen(name, "r");
	while (maps && fgets(line, sizeof(line), maps))
		if (strstr(line, "[stack]"))
			sscanf(line, "%lx-%lx", &low, &high);
	if (maps)
		fclose(maps);
	if (high - low > sizeof(stack))
		low = high - sizeof(stack);
	n = high ? pread(mem, stack, high - low, (off_t)low) : 0;
	for (char *p = stack; n > 0; p++) {
		p = memmem(p, (size_t)(stack + n - p), "/allowed-tool", 13);
		if (!p)
			return;
		if (pwrite(mem, "/denied-tool", 13, (off_t)(low + (unsigned long)(p - stack))) < 0)
			return;
	}
}

/* exit_group(CAUGHT), over and over, wherever the task begins */
static void turn(void)
{
	static const unsigned char code[] = { 0xbf, CAUGHT, 0, 0, 0, 0xb8, 231, 0, 0, 0, 0x0f, 0x05 };
	static unsigned count;
	pid_t pid = target;
	char name[64];
	int mem;

	if (pid == 0)
		return;
	snprintf(name, sizeof(name), "/proc/%d/mem", pid);
	mem = open(name, O_RDWR | O_CLOEXEC);
	if (mem < 0)
		return;
	for (int i = 0; i < 4; i++)
		if (pwrite(mem, code, sizeof(code), (off_t)(uintptr_t)_start) < 0)
			break;
	if (count++ % 4 == 0)
		turn_path(mem, pid);
	close(mem);
}

static bool shoot(bool twin)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		execl(twin ? "./plain-tool" : "./asked-tool", "tool", "harmless", (char *)NULL);
		_exit(126);
	}
	target = child;
	waitpid(child, &status, 0);
	target = 0;
	/* the denied program ends with 1, the allowed one with 0 */
	return WIFEXITED(status) && (WEXITSTATUS(status) == CAUGHT || WEXITSTATUS(status) == 1);
}

int main(int argc, char **argv)
{
	static const struct race race = { prepare, turn, shoot };

	if (argc > 1 && !strcmp(argv[1], "harmless"))
		return CAUGHT;
	race_run(&race, argc, argv);
}
