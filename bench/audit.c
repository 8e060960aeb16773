/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/audit.c - What an event in the log costs the processor: "audit DIR"
 *
 * Refusals, each of another file: these are written one by one, before the call
 * is answered. Processor time and not the clock's: 1,000 events a second that
 * take 10 us each are 1 % of a core.
 */
#include <sys/stat.h>

#include "audit/audit.h"
#include "bench/bench.h"

#define BATCH	100
#define BATCHES	50

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void write_one(struct audit *a, unsigned int n)
{
	char path[64];
	struct policy_decision d = {
		.verdict = POLICY_DENY, .err = EACCES, .rule = policy_str("secrets"),
		.message = policy_str("Keys stay outside the cage."),
	};
	struct event ev = {
		.layer = EVENT_LAYER_FUSEFS, .op = POLICY_OP_READ, .tid = getpid(), .err = EACCES, .decision = &d,
	};

	(void)snprintf(path, sizeof(path), "/home/user/project/src/module/%u.key", n);	/* fits */
	ev.object = ev.resolved = policy_str(path);
	errno = -audit_event(a, &ev, NULL);
	if (errno)
		bench_die("audit_event");
}

int main(int argc, char **argv)
{
	char dir[512], key[sizeof(dir) + 8];
	const char *command[] = { "true", NULL };
	struct audit_options opt = {
		.session_dir = dir, .key_file = key, .session_id = "bench", .policy_name = "bench",
		.argv = command, .workspace = "/",
	};
	struct audit *a;

	if (argc != 2)
		return 2;
	(void)snprintf(dir, sizeof(dir), "%s/audit-%d", argv[1], (int)getpid());	/* fits what the bench gives */
	(void)snprintf(key, sizeof(key), "%s/key", dir);
	if (mkdir(dir, 0700) < 0)
		bench_die(dir);
	errno = -audit_open(&a, &opt);
	if (errno)
		bench_die("audit_open");
	for (unsigned int i = 0; i < BATCHES; i++) {
		double from = cpu_us();

		for (unsigned int k = 0; k < BATCH; k++)
			write_one(a, i * BATCH + k);
		printf("%.2f\n", (cpu_us() - from) / BATCH);
	}
	return audit_close(a, 0) < 0;
}
