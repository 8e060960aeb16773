/* SPDX-License-Identifier: Apache-2.0
 *
 * bench/policy_eval.c - What a question to the policy costs, and what compiling one does
 *
 * For 500 and 5,000 rules: nanoseconds for one policy_eval() of a path of 80
 * bytes (median of the batches, paths in turn so that no cache is warmed for
 * one alone), and for policy_eval_state() of a kept position; milliseconds to
 * compile, and the size of the blob. A developer-size policy of 300 patterns
 * and one of literals only are compiled beside them.
 */
#include "bench/bench.h"

#include <stdbool.h>
#include <stdint.h>

#include "policy/compile.h"

#define PATH_LEN	80
#define PATHS		256
#define BATCHES		301

static const char *const suffix[] = {
	"*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.kdbx", "*.tfstate", ".env", ".env.*",
	"id_rsa*", "id_ed25519*", ".netrc", ".npmrc", "*secret*", "credentials.json", "*.ovpn",
	".vscode/**", ".idea/**", ".git/hooks/**", "node_modules/**", "*.gpg", "*.asc", "*.kubeconfig",
	"service-account*.json",
};

struct text {
	char pattern[200];
	enum policy_verdict verdict;
};

static void die(const char *what, const struct policy_diag *diag)
{
	fprintf(stderr, "%s: %s\n", what, diag->message);
	exit(1);
}

static void literal(char *to, size_t size, unsigned int i)
{
	(void)snprintf(to, size, "/home/user/project/src/module%03u/part-%u/file_%05u.c", i % 400,
		       i % 7, i);	/* always fits */
}

/* Globs first, as policies have them, then @count literals, then the wide rules */
static size_t make_rules(struct text *t, unsigned int count, unsigned int globs)
{
	size_t n = 0;
	unsigned int i;

	for (i = 0; i < globs; i++, n++) {
		(void)snprintf(t[n].pattern, sizeof(t[n].pattern), "/home/user/project/**/%s",
			       suffix[i]);	/* always fits */
		t[n].verdict = i % 2 ? POLICY_DENY : POLICY_ASK;
	}
	for (i = 0; i < count - globs; i++, n++) {
		literal(t[n].pattern, sizeof(t[n].pattern), i);
		t[n].verdict = POLICY_DENY;
	}
	if (globs > 0) {
		t[n++] = (struct text){ "/home/user/project/**", POLICY_ALLOW };
		t[n++] = (struct text){ "/usr/**", POLICY_ALLOW };
	}
	return n;
}

static void *compile(const struct text *t, size_t count, size_t *ret_size, double *ret_ms)
{
	struct policy_builder *b;
	struct policy_diag diag = { 0 };
	uint32_t source;
	double from;
	void *blob;
	size_t i;

	if (policy_builder_new(&b) < 0 || policy_builder_layer(b, "base", true) < 0)
		bench_die("builder");
	from = bench_us();
	for (i = 0; i < count; i++) {
		const char *path = t[i].pattern;
		struct policy_rule rule = {
			.id = "rule",
			.section = POLICY_SECTION_FILES,
			.ops = POLICY_OPS_FILES,
			.verdict = t[i].verdict,
			.path = &path,
			.path_count = 1,
		};

		if (policy_builder_add(b, &rule, &diag) < 0)
			die(path, &diag);
	}
	if (policy_builder_emit(b, &blob, ret_size, &diag, &source) < 0)
		die("emit", &diag);
	*ret_ms = (bench_us() - from) / 1000;
	policy_builder_free(b);
	return blob;
}

/* Half of them named by a rule, half near one; all of the same length */
static void make_path(char *to, unsigned int i, unsigned int rules)
{
	size_t len;

	literal(to, PATH_LEN + 1, i * 37 % rules);
	len = strlen(to);
	if (i % 2)
		to[len++] = '/';
	for (; len < PATH_LEN; len++)
		to[len] = "deep/er.name_"[len % 13];
	to[PATH_LEN] = '\0';
}

static int compare(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return a < b ? -1 : a > b;
}

struct question {
	struct policy p;
	struct policy_request req[PATHS];
	struct policy_state state[PATHS];
	bool by_state;
	uint64_t sum;		/* so that nothing is optimised away */
};

static double median_ns(struct question *q)
{
	double ns[BATCHES];
	int i, k;

	for (i = 0; i < BATCHES; i++) {
		double from = bench_us();

		for (k = 0; k < PATHS; k++) {
			struct policy_decision d;

			if (q->by_state)
				policy_eval_state(&q->p, &q->state[k], POLICY_OP_READ, 0,
						  &q->req[k].subject, &d);
			else
				policy_eval(&q->p, &q->req[k], &d);
			q->sum += d.rule_id;
		}
		ns[i] = (bench_us() - from) * 1000 / PATHS;
	}
	qsort(ns, BATCHES, sizeof(ns[0]), compare);
	return ns[BATCHES / 2];
}

static void ask(unsigned int rules, const void *blob, size_t size, double ms)
{
	static char path[PATHS][PATH_LEN + 1];
	static struct question q;
	double eval, state;
	unsigned int i;

	if (policy_open(&q.p, blob, size) < 0)
		bench_die("open");
	for (i = 0; i < PATHS; i++) {
		make_path(path[i], i, rules);
		q.req[i] = (struct policy_request){
			.op = POLICY_OP_READ,
			.subject.exe = policy_str("/usr/bin/cat"),
			.object = { .kind = POLICY_OBJECT_PATH, .path = policy_str(path[i]) },
		};
		policy_state_path(&q.p, q.req[i].object.path, &q.state[i]);
	}
	q.by_state = false;
	eval = median_ns(&q);
	q.by_state = true;
	state = median_ns(&q);
	printf("%5u rules: eval %6.1f ns, by kept position %5.1f ns, compiled in %6.2f ms, %7.1f KiB\n",
	       rules, eval, state, ms, (double)size / 1024);
}

/* Best of three: what matters is what the work costs, not what else ran */
static void run(unsigned int count, unsigned int globs, bool is_asked)
{
	struct text *t = calloc(count + 2, sizeof(*t));
	double ms, best = 1e9;
	void *blob = NULL;
	size_t size = 0, n;
	int i;

	if (!t)
		bench_die("memory");
	n = make_rules(t, count, globs);
	for (i = 0; i < 3; i++) {
		free(blob);
		blob = compile(t, n, &size, &ms);
		best = ms < best ? ms : best;
	}
	if (is_asked)
		ask(count, blob, size, best);
	else
		printf("%5u patterns, %u with stars: compiled in %6.2f ms, %7.1f KiB\n", count,
		       globs, best, (double)size / 1024);
	free(blob);
	free(t);
}

int main(void)
{
	run(500, (unsigned int)(sizeof(suffix) / sizeof(suffix[0])), true);
	run(5000, (unsigned int)(sizeof(suffix) / sizeof(suffix[0])), true);
	run(300, (unsigned int)(sizeof(suffix) / sizeof(suffix[0])), false);
	run(5000, 0, false);
	return 0;
}
