/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/lib/replay.c - Main of a fuzzer without a fuzzer: its kept inputs, once each
 *
 * tests/fuzz/NAME_fuzz.c linked with this is NAME_replay; inputs are the files
 * of tests/fuzz/corpus/NAME/. One TAP line; a crash is no line at all.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/fdio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *dir)
{
	DIR *d = opendir(dir);
	int count = 0;

	if (!d)
		return -1;
	for (struct dirent *e; (e = readdir(d));) {
		char path[4096], *text;
		size_t len;

		if (e->d_name[0] == '.')
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);	/* a cut path fails to open */
		if (fdio_read_file(AT_FDCWD, path, 1 << 24, &text, &len) < 0) {
			printf("# cannot read %s\n", path);
			closedir(d);
			return -1;
		}
		/* A copy of the exact size, so that a sanitizer sees one byte too many */
		uint8_t *exact = malloc(len ? len : 1);

		if (!exact)
			abort();
		memcpy(exact, text, len);
		LLVMFuzzerTestOneInput(exact, len);
		free(exact);
		free(text);
		count++;
	}
	closedir(d);
	return count;
}

int main(int argc, char **argv)
{
	const char *base = strrchr(argv[0], '/');
	char name[256], dir[512];
	char *suffix;
	int count;

	(void)argc;
	(void)snprintf(name, sizeof(name), "%s", base ? base + 1 : argv[0]);	/* our own name */
	suffix = strstr(name, "_replay");
	if (suffix)
		*suffix = '\0';
	(void)snprintf(dir, sizeof(dir), "tests/fuzz/corpus/%s", name);	/* always fits */
	printf("1..1\n");
	count = replay(dir);
	printf("%sok 1 - fuzz corpus %s: %d inputs\n", count > 0 ? "" : "not ", name, count);
	return count > 0 ? 0 : 1;
}
