/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/open.c - open(2) and close(2): "open read FILE", "open write FILE"
 */
#include <fcntl.h>

#include "bench/bench.h"

struct what {
	const char *path;
	int flags;
};

static void once(void *arg)
{
	const struct what *w = arg;
	int fd = open(w->path, w->flags, 0600);

	if (fd < 0)
		bench_die(w->path);
	close(fd);
}

int main(int argc, char **argv)
{
	struct what w = { .flags = O_RDONLY };

	if (argc != 3)
		return 2;
	w.path = argv[2];
	if (strcmp(argv[1], "write") == 0)
		w.flags = O_WRONLY | O_CREAT;
	bench_loop(once, &w, 200, 2000, 1);
	return 0;
}
