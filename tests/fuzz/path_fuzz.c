/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/fuzz/path_fuzz.c - Paths and patterns
 *
 * The input is three texts, each ended by a newline: pattern, base, path. The
 * joined path must be normalised whatever base and path were; and where the
 * pattern is one, the compiled automaton and the plain reading must agree on
 * that path, walked at once and step by step.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base.h"
#include "policy/compile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_normalised(const char *s, size_t len)
{
	const char *p;

	if (strlen(s) > len || s[0] != '/' || (len > 1 && s[len - 1] == '/'))
		abort();
	for (p = s; (p = strchr(p, '/')); p++) {
		size_t n = strcspn(p + 1, "/");

		if (len > 1 && (n == 0 || (n == 1 && p[1] == '.') || (n == 2 && p[1] == '.' && p[2] == '.')))
			abort();
	}
}

/* The joined path in @buf; false if there is none */
static bool join(char *buf, size_t size, struct policy_str base, struct policy_str path)
{
	char again[600];
	int n, m;

	n = policy_path_join(buf, size, base, path);
	if (n < 0) {
		if (n != -ENAMETOOLONG && n != -EINVAL)
			abort();
		return false;
	}
	if ((size_t)n >= size || buf[n] != '\0')
		abort();
	if (memchr(buf, '\0', (size_t)n))
		return false;	/* no path of the kernel's */
	check_normalised(buf, (size_t)n);
	m = policy_path_join(again, sizeof(again), (struct policy_str){ "", 0 }, policy_str(buf));
	if (m != n || strcmp(again, buf) != 0)
		abort();
	return true;
}

static bool ask(const struct policy *p, const char *path)
{
	struct policy_request req = {
		.op = POLICY_OP_READ,
		.object = { .kind = POLICY_OBJECT_PATH, .path = policy_str(path) },
	};
	struct policy_decision d;

	policy_eval(p, &req, &d);
	return d.verdict == POLICY_ALLOW;
}

static bool ask_steps(const struct policy *p, const char *path)
{
	struct policy_state st;
	struct policy_decision d;

	policy_state_root(p, &st);
	while (*path == '/' && path[1]) {
		size_t n = strcspn(++path, "/");

		policy_state_step(p, &st, (struct policy_str){ path, (uint32_t)n }, &st);
		path += n;
	}
	policy_eval_state(p, &st, POLICY_OP_READ, 0, NULL, &d);
	return d.verdict == POLICY_ALLOW;
}

static void check_pattern(const char *pattern, const char *path)
{
	struct policy_rule rule = {
		.id = "it", .section = POLICY_SECTION_FILES, .ops = POLICY_OP_BIT(POLICY_OP_READ),
		.verdict = POLICY_ALLOW, .path = &pattern, .path_count = 1,
	};
	struct policy_builder *b;
	struct policy_diag diag;
	struct policy p;
	uint32_t source;
	size_t size;
	void *blob;
	int r;

	if (policy_builder_new(&b) < 0 || policy_builder_layer(b, "base", true) < 0 ||
	    policy_builder_add(b, &rule, &diag) < 0)
		abort();
	r = policy_builder_emit(b, &blob, &size, &diag, &source);
	policy_builder_free(b);
	if (r == -EFBIG || r == -EINVAL)
		return;	/* too big, or it can match no path at all */
	if (r < 0 || policy_open(&p, blob, size) < 0)
		abort();
	if (ask(&p, path) != policy_pattern_match(pattern, policy_str(path)) ||
	    ask(&p, path) != ask_steps(&p, path))
		abort();
	free(blob);
}

/* One line of the input; the bytes themselves, not ended by a NUL */
static struct policy_str next_line(const uint8_t **data, size_t *size)
{
	const uint8_t *end = memchr(*data, '\n', *size);
	size_t len = end ? (size_t)(end - *data) : *size;
	struct policy_str s = { (const char *)*data, (uint32_t)len };

	*data += len + (end ? 1 : 0);
	*size -= len + (end ? 1 : 0);
	return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct policy_str text, base, path;
	struct policy_diag diag;
	char pattern[40], buf[512];	/* longer ones of many stars only take long to be refused */

	if (size > 1000)
		return 0;
	text = next_line(&data, &size);
	base = next_line(&data, &size);
	path = next_line(&data, &size);
	(void)join(buf, 3, base, path);		/* mostly too small */
	if (!join(buf, sizeof(buf), base, path) || text.len >= sizeof(pattern))
		return 0;
	memcpy(pattern, text.s, text.len);
	pattern[text.len] = '\0';
	if (policy_pattern_check(pattern, &diag) == 0 && pattern[0] == '/')
		check_pattern(pattern, buf);
	return 0;
}
