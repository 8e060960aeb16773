/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/bench.h - Times one thing many times and prints each time
 *
 * A benchmark prints one number a line, in microseconds; bench/run.sh has the
 * rounds, the medians and the comparisons.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static inline double bench_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

_Noreturn static inline void bench_die(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	exit(1);
}

/**
 * bench_loop() - @warm calls that do not count, then @count that do
 * @batch:	calls that make one number; more than 1 where one is too short to time
 */
static inline void bench_loop(void (*once)(void *), void *arg, int warm, int count, int batch)
{
	double *us = malloc(sizeof(*us) * (size_t)count);

	if (!us)
		bench_die("memory");
	for (int i = 0; i < warm; i++)
		once(arg);
	for (int i = 0; i < count; i++) {
		double from = bench_us();

		for (int k = 0; k < batch; k++)
			once(arg);
		us[i] = (bench_us() - from) / batch;
	}
	for (int i = 0; i < count; i++)
		printf("%.2f\n", us[i]);
	free(us);
}

#endif /* BENCH_BENCH_H */
