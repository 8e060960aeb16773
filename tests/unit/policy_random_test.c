/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/policy_random_test.c - Random policies against the plain reading of the language
 *
 * The plain reading walks the rules in order and matches each pattern on its
 * own; it knows nothing of automata. Whatever the two disagree on is a bug.
 */
#include "tests/unit/policy_fixture.h"

#define RULES_MAX 10
#define ROUNDS 400

struct plain_rule {
	char pattern[2][64];
	char by[16];
	struct policy_rule rule;
	uint32_t layer;
	char id[8];
};

struct plain {
	struct fixture f;
	struct plain_rule rule[RULES_MAX];
	uint32_t rule_count, layer_count;
	enum policy_verdict fallback;
};

static uint64_t seed;

static uint32_t dice(uint32_t sides)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % sides;
}

static const char *const piece[] = {
	"a", "b", "c", "ab", "*", "*", "?", "[ab]", "[!a]", "[a-b]", "{a,bc}", "{b,c{a,b}}", "{,a}b", "\\a",
};

static void random_pattern(char *to)
{
	uint32_t components = 1 + dice(3), i, k;

	to[0] = '\0';
	for (i = 0; i < components; i++) {
		strcat(to, "/");
		if (dice(4) == 0) {
			strcat(to, "**");
			continue;
		}
		for (k = 1 + dice(2); k > 0; k--) {
			const char *p = piece[dice(ARRAY_SIZE(piece))];

			if (strlen(to) > 0 && to[strlen(to) - 1] == '*' && p[0] == '*')
				p = "a";
			strcat(to, p);
		}
	}
	if (dice(40) == 0)
		strcpy(to, "/");
}

static const uint32_t some_flags[] = {
	0, 0, 0, POLICY_F_AUDIT, POLICY_RULE_STOOD_SELF, POLICY_RULE_STOOD_FOLDER, POLICY_F_HIDE,
};

static void random_rule(struct plain *p)
{
	struct plain_rule *r = &p->rule[p->rule_count];
	const char *paths[2] = { r->pattern[0], r->pattern[1] };
	const char *by = r->by;

	random_pattern(r->pattern[0]);
	random_pattern(r->pattern[1]);
	strcpy(r->by, dice(2) ? "pro?" : "/x/**");
	snprintf(r->id, sizeof(r->id), "r%u", p->rule_count);
	r->layer = p->layer_count - 1;
	r->rule = (struct policy_rule){
		.id = r->id,
		.section = POLICY_SECTION_FILES,
		.ops = dice(3) ? POLICY_OPS_FILES : (1 + dice(7)),
		.verdict = dice(2) ? POLICY_ALLOW : dice(3) ? POLICY_DENY : POLICY_ASK,
		.flags = some_flags[dice(ARRAY_SIZE(some_flags))],
		.source = p->rule_count,	/* nothing is unreachable by its own file */
		.path = paths,
		.path_count = 1 + dice(2),
	};
	if (r->rule.verdict == POLICY_ALLOW)
		r->rule.flags &= POLICY_F_AUDIT;
	else if (dice(6) == 0)
		r->rule.by = &by, r->rule.by_count = 1;
	if (r->rule.verdict != POLICY_DENY)
		r->rule.flags &= ~POLICY_F_HIDE;
	else if (r->rule.by_count == 0 && r->rule.flags == 0 && dice(4) == 0)
		r->rule.flags = POLICY_RULE_DEFAULT;
	fixture_add(&p->f, r->rule);
	p->rule_count++;
}

static void random_policy(struct plain *p)
{
	uint32_t layers = 1 + dice(3), count;

	memset(p, 0, sizeof(*p));
	fixture_begin(&p->f);
	p->layer_count = 1;
	p->fallback = dice(2) ? POLICY_ALLOW : POLICY_DENY;
	fixture_default(&p->f, POLICY_SECTION_FILES, p->fallback);
	for (;;) {
		for (count = 1 + dice(RULES_MAX / layers); count > 0; count--)
			random_rule(p);
		if (p->layer_count == layers)
			break;
		fixture_layer(&p->f, "more");
		p->layer_count++;
	}
	fixture_open(&p->f);
}

static bool by_matches(const struct plain_rule *r, const char *exe)
{
	const char *base = strrchr(exe, '/');

	return r->rule.by_count == 0 || !*exe || policy_pattern_match(r->by, policy_str(exe)) ||
	       policy_pattern_match(r->by, policy_str(base + 1));
}

static bool plain_matches(const struct plain_rule *r, enum policy_op op, const char *path,
			  uint32_t traits, const char *exe)
{
	bool found = false;
	size_t i;

	if (!(r->rule.ops & POLICY_OP_BIT(op)))
		return false;
	if ((r->rule.flags & POLICY_RULE_STOOD_SELF) && !(traits & POLICY_T_STOOD_SELF))
		return false;
	if ((r->rule.flags & POLICY_RULE_STOOD_FOLDER) && !(traits & POLICY_T_STOOD_FOLDER))
		return false;
	for (i = 0; i < r->rule.path_count; i++)
		found |= policy_pattern_match(r->pattern[i], policy_str(path));
	return found && by_matches(r, exe);
}

struct answer {
	enum policy_verdict verdict;
	uint32_t rule_id;
};

static struct answer plain_eval(const struct plain *p, enum policy_op op, const char *path,
				uint32_t traits, const char *exe)
{
	struct answer best = { POLICY_VERDICT_COUNT, POLICY_RULE_NONE };
	uint32_t layer, i;

	for (layer = 0; layer < p->layer_count; layer++) {
		struct answer a = { p->fallback, POLICY_RULE_NONE };
		bool has_opinion = layer == 0;

		for (i = 0; i < p->rule_count; i++) {
			if (p->rule[i].layer != layer ||
			    !plain_matches(&p->rule[i], op, path, traits, exe))
				continue;
			if (p->rule[i].rule.flags & POLICY_RULE_DEFAULT)
				break;
			a = (struct answer){ p->rule[i].rule.verdict, i };
			has_opinion = true;
			break;
		}
		if (has_opinion && a.verdict < best.verdict)
			best = a;
	}
	return best;
}

static void random_path(char *to)
{
	uint32_t depth = dice(5), i, k;

	strcpy(to, depth ? "" : "/");
	for (i = 0; i < depth; i++) {
		char name[5] = { 0 };

		for (k = 0; k < 1 + dice(3); k++)
			name[k] = "abcd"[dice(4)];
		strcat(to, "/");
		strcat(to, name);
	}
}

static const char *const some_exe[] = { "", "/x/y", "/bin/prog", "/bin/other" };

static struct policy_state state_by_steps(const struct plain *p, const char *path)
{
	struct policy_state st;
	char copy[64], *name, *save = NULL;

	strcpy(copy, path);
	policy_state_root(&p->f.p, &st);
	for (name = strtok_r(copy, "/", &save); name; name = strtok_r(NULL, "/", &save))
		policy_state_step(&p->f.p, &st, policy_str(name), &st);
	return st;
}

static void check_path(const struct plain *p, const char *path)
{
	enum policy_op op = (enum policy_op)dice(3);
	uint32_t traits = dice(4);
	struct policy_subject subject = { policy_str(some_exe[dice(ARRAY_SIZE(some_exe))]) };
	struct answer want = plain_eval(p, op, path, traits, subject.exe.s);
	struct policy_decision d = ask_as(&p->f, op, path, traits, subject.exe.s);
	struct policy_state st = state_by_steps(p, path), whole;
	uint32_t i;

	if (d.verdict != want.verdict || d.rule_id != want.rule_id) {
		for (i = 0; i < p->rule_count; i++)
			print_message("layer %u rule %u: %s %s %s\n", p->rule[i].layer, i,
				      p->rule[i].pattern[0],
				      p->rule[i].rule.path_count > 1 ? p->rule[i].pattern[1] : "",
				      policy_verdict_name(p->rule[i].rule.verdict));
		fail_msg("%s %s: %s by %d, wanted %s by %d", policy_op_name(op), path,
			 policy_verdict_name(d.verdict), (int)d.rule_id,
			 policy_verdict_name(want.verdict), (int)want.rule_id);
	}
	policy_state_path(&p->f.p, policy_str(path), &whole);
	assert_memory_equal(&st, &whole, sizeof(st));
	policy_eval_state(&p->f.p, &st, op, traits, &subject, &d);
	assert_int_equal(d.verdict, want.verdict);
	assert_int_equal(d.rule_id, want.rule_id);
}

static void test_random_eval(void **unused)
{
	struct plain p;
	char path[64];
	int round, i;

	(void)unused;
	for (round = 0; round < ROUNDS; round++) {
		seed = (uint64_t)round;
		random_policy(&p);
		for (i = 0; i < 150; i++) {
			random_path(path);
			check_path(&p, path);
		}
		fixture_end(&p.f);
	}
}

/* Two paths of one class are decided alike, whatever is asked */
static void test_random_class(void **unused)
{
	struct plain p;
	char a[64], b[64];
	int round, i;
	size_t alike = 0;

	(void)unused;
	for (round = 0; round < ROUNDS; round++) {
		seed = (uint64_t)round;
		random_policy(&p);
		for (i = 0; i < 60; i++) {
			struct policy_state sa, sb;
			enum policy_op op = (enum policy_op)dice(4);
			const char *exe = some_exe[dice(ARRAY_SIZE(some_exe))];
			uint32_t traits = dice(4);

			random_path(a);
			random_path(b);
			policy_state_path(&p.f.p, policy_str(a), &sa);
			policy_state_path(&p.f.p, policy_str(b), &sb);
			if (policy_state_class(&p.f.p, &sa) != policy_state_class(&p.f.p, &sb))
				continue;
			alike++;
			assert_int_equal(plain_eval(&p, op, a, traits, exe).rule_id,
					 plain_eval(&p, op, b, traits, exe).rule_id);
		}
		fixture_end(&p.f);
	}
	assert_true(alike > ROUNDS);
}

/* What is truly decided for one path, over all traits and programs asked about */
static void true_facts(const struct plain *p, const char *path, struct policy_beneath *truth)
{
	uint32_t op, traits, exe;

	for (op = 0; op < 4; op++) {
		for (traits = 0; traits < 4; traits++) {
			for (exe = 0; exe < ARRAY_SIZE(some_exe); exe++) {
				struct answer a = plain_eval(p, (enum policy_op)op, path, traits,
							     some_exe[exe]);

				if (a.verdict == POLICY_ALLOW)
					truth->may_allow |= POLICY_OP_BIT(op);
				else
					truth->may_refuse |= POLICY_OP_BIT(op);
				if (a.rule_id != POLICY_RULE_NONE &&
				    (p->rule[a.rule_id].rule.flags & POLICY_F_HIDE))
					truth->hides = true;
			}
		}
	}
}

static void check_beneath(const struct plain *p, const char *dir)
{
	struct policy_beneath truth = { 0 }, said;
	struct policy_state st;
	char path[128], more[64];
	int i;

	for (i = 0; i < 25; i++) {
		do {
			random_path(more);
		} while (strcmp(more, "/") == 0);
		snprintf(path, sizeof(path), "%s%s", strcmp(dir, "/") ? dir : "", more);
		true_facts(p, path, &truth);
	}
	policy_state_path(&p->f.p, policy_str(dir), &st);
	policy_state_beneath(&p->f.p, &st, &said);
	assert_int_equal(truth.may_allow & ~said.may_allow, 0);
	assert_int_equal(truth.may_refuse & ~said.may_refuse, 0);
	assert_false(truth.hides && !said.hides);
}

static void test_random_beneath(void **unused)
{
	struct plain p;
	char dir[64];
	int round, i;

	(void)unused;
	for (round = 0; round < ROUNDS / 4; round++) {
		seed = (uint64_t)round + 77;
		random_policy(&p);
		for (i = 0; i < 8; i++) {
			random_path(dir);
			check_beneath(&p, dir);
		}
		fixture_end(&p.f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_eval),
		cmocka_unit_test(test_random_class),
		cmocka_unit_test(test_random_beneath),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
