/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/policy_load_test.c - Layers, grants, variables, links, settings and the kept compilation
 *
 * Broken texts are in tests/policy/bad; here is what right ones mean together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/json_in.h"
#include "policy/load.h"

struct world {
	char dir[64], ws[80], home[80];
	char *env[4];
	struct policy_vars vars;
	struct policy_sources src;
	struct policy_loaded *l;
	struct policy_diag d;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	strcpy(w->dir, "/var/tmp/policy-load.XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	(void)snprintf(w->ws, sizeof(w->ws), "%s/ws", w->dir);
	(void)snprintf(w->home, sizeof(w->home), "%s/home", w->dir);
	assert_int_equal(mkdir(w->ws, 0755), 0);
	assert_int_equal(mkdir(w->home, 0755), 0);
	w->vars = (struct policy_vars){ w->ws, w->home, NULL, w->env, NULL };
	*state = w;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *f)
{
	(void)st;
	(void)type;
	(void)f;
	return remove(path);
}

static int tear_down(void **state)
{
	struct world *w = *state;

	policy_loaded_free(w->l);
	(void)nftw(w->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);	/* what is left lies in /var/tmp */
	free(w);
	return 0;
}

static char *in(const struct world *w, const char *name)
{
	static char path[32][PATH_MAX];
	static unsigned int at;
	char *p = path[at++ % 32];

	(void)snprintf(p, PATH_MAX, "%s/%s", w->dir, name);
	return p;
}

static char *put(const struct world *w, const char *name, const char *text)
{
	char *path = in(w, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	return path;
}

static void load(struct world *w)
{
	w->l = policy_loaded_free(w->l);
	if (policy_load(&w->l, &w->src, &w->vars, &w->d) < 0)
		fail_msg("%s:%u:%u: %s", w->d.file, w->d.line, w->d.column, w->d.message);
}

static void refuse(struct world *w, const char *sentence)
{
	w->l = policy_loaded_free(w->l);
	assert_true(policy_load(&w->l, &w->src, &w->vars, &w->d) < 0);
	if (!strstr(w->d.message, sentence))
		fail_msg("\"%s\" is not in \"%s\"", sentence, w->d.message);
}

static struct policy_decision decide(const struct world *w, enum policy_op op, const char *path)
{
	struct policy_request req = { .op = op, .traits = POLICY_T_UNKNOWN };
	struct policy_decision d;

	req.object.kind = policy_op_object(op);
	if (req.object.kind == POLICY_OBJECT_EXEC)
		req.object.exec.path = req.object.exec.asked = policy_str(path);
	else
		req.object.path = policy_str(path);
	policy_eval(&w->l->policy, &req, &d);
	return d;
}

static void expect(const struct world *w, enum policy_op op, const char *path,
		   enum policy_verdict v, const char *rule)
{
	struct policy_decision d = decide(w, op, path);

	if (d.verdict != v || d.rule.len != strlen(rule) || memcmp(d.rule.s, rule, d.rule.len) != 0)
		fail_msg("%s %s: %s %.*s, not %s %s", policy_op_name(op), path,
			 policy_verdict_name(d.verdict), (int)d.rule.len, d.rule.s,
			 policy_verdict_name(v), rule);
}

static void test_own_rules_before_extended(void **state)
{
	struct world *w = *state;

	put(w, "base.json", "{ \"version\": 1, \"files\": ["
	    "{ \"id\": \"wide\", \"path\": \"/srv/**\", \"ops\": \"all\", \"decision\": \"allow\" } ],"
	    "\"defaults\": { \"files\": \"allow\", \"commands\": \"allow\" }, \"tracing\": \"allow\" }");
	w->src.base = put(w, "own.json", "{ \"version\": 1, \"extends\": \"base.json\", \"files\": ["
	    "{ \"id\": \"narrow\", \"path\": \"/srv/a\", \"ops\": \"read\", \"decision\": \"deny\" } ],"
	    "\"defaults\": { \"files\": \"deny\" } }");
	load(w);
	expect(w, POLICY_OP_READ, "/srv/a", POLICY_DENY, "narrow");
	expect(w, POLICY_OP_READ, "/srv/b", POLICY_ALLOW, "wide");
	expect(w, POLICY_OP_READ, "/etc/x", POLICY_DENY, "default");
	expect(w, POLICY_OP_RUN, "/bin/x", POLICY_ALLOW, "default");
	assert_true(w->l->tracing);
}

static void test_missing_keys_deny(void **state)
{
	struct world *w = *state;

	w->src.base = put(w, "own.json", "{ \"version\": 1 }");
	load(w);
	expect(w, POLICY_OP_READ, "/etc/passwd", POLICY_DENY, "default");
	expect(w, POLICY_OP_RUN, "/bin/true", POLICY_DENY, "default");
	expect(w, POLICY_OP_SOCKET, "/run/x", POLICY_DENY, "default");
	assert_false(w->l->tracing);
	assert_false(w->l->nested);
}

static void test_strictest_layer_wins(void **state)
{
	struct world *w = *state;
	const char *denies = "{ \"version\": 1, \"tracing\": \"refuse\", \"nested\": false,"
		"\"limits\": { \"processes\": 10 }, \"environment\": { \"remove\": \"KEPT\" },"
		"\"files\": [ { \"id\": \"p\", \"path\": \"a.*\", \"ops\": \"read\", \"decision\": \"deny\" } ] }";

	w->src.base = put(w, "own.json", "{ \"version\": 1, \"tracing\": \"allow\", \"nested\": true,"
		"\"limits\": { \"processes\": 100, \"open_files\": 64 }, \"environment\": { \"keep\": \"KEPT\" },"
		"\"files\": [ { \"id\": \"all\", \"path\": \"/**\", \"ops\": \"all\", \"decision\": \"allow\" } ] }");
	load(w);
	expect(w, POLICY_OP_READ, in(w, "ws/x/a.c"), POLICY_ALLOW, "all");
	assert_true(w->l->tracing && w->l->nested);
	assert_int_equal(w->l->limit_processes, 100);

	w->src.project_file = put(w, "project.json", denies);
	load(w);
	expect(w, POLICY_OP_READ, in(w, "ws/x/a.c"), POLICY_DENY, "p");
	expect(w, POLICY_OP_READ, in(w, "ws/x/b.c"), POLICY_ALLOW, "all");
	expect(w, POLICY_OP_READ, "/srv/a.c", POLICY_ALLOW, "all");	/* not of the workspace */
	assert_false(w->l->tracing || w->l->nested);
	assert_int_equal(w->l->limit_processes, 10);
	assert_int_equal(w->l->limit_open_files, 64);
	expect(w, POLICY_OP_WRITE, w->src.project_file, POLICY_DENY, "agentsh-policy-2");
}

static void test_redirects_and_flags_of_layers(void **state)
{
	struct world *w = *state;
	struct policy_decision d;

	w->src.base = put(w, "own.json", "{ \"version\": 1, \"package_manager\": true, \"files\": ["
		"{ \"id\": \"own\", \"path\": \"/etc/hosts\", \"ops\": \"write\", \"decision\": \"redirect\", \"to\": \"~/h*\" },"
		"{ \"id\": \"all\", \"path\": \"/**\", \"ops\": \"all\", \"decision\": \"allow\" } ], \"commands\": ["
		"{ \"id\": \"run\", \"run\": \"curl\", \"decision\": \"redirect\", \"to\": [\"~/x\", \"${WORKSPACE}\", \"\", \"${ARGS}\"] } ],"
		"\"environment\": { \"each\": true, \"remove\": \"A\", \"set\": { \"B\": \"1\" } } }");
	load(w);
	d = decide(w, POLICY_OP_WRITE, "/etc/hosts");
	assert_int_equal(d.verdict, POLICY_REDIRECT);
	assert_string_equal(d.target.s, in(w, "home/h*"));
	assert_true(w->l->package_manager);
	assert_int_equal(w->l->env_count, 2);
	assert_true(w->l->env[0].each && w->l->env[1].each);
	d = decide(w, POLICY_OP_RUN, "/usr/bin/curl");
	assert_int_equal(d.verdict, POLICY_REDIRECT);
	assert_string_equal(d.target.s, in(w, "home/x"));
	assert_string_equal(d.target.s + d.target.len - 9, "");
	assert_string_equal(d.target.s + d.target.len - 8, POLICY_TARGET_ARGS);

	w->src.system_file = put(w, "system.json", "{ \"version\": 1, \"package_manager\": false, \"files\": ["
		"{ \"id\": \"sys\", \"path\": \"/etc/hosts\", \"ops\": \"write\", \"decision\": \"redirect\", \"to\": \"/srv/h\" } ] }");
	load(w);
	d = decide(w, POLICY_OP_WRITE, "/etc/hosts");
	assert_string_equal(d.target.s, "/srv/h");
	assert_false(w->l->package_manager);
	w->src.system_file = put(w, "system.json", "{ \"version\": 1, \"package_manager\": true }");
	refuse(w, "may only take away");
}

static void test_grants_stand_behind_denials(void **state)
{
	struct world *w = *state;
	const char *const grants[] = { in(w, "home"), NULL };
	const char *const hosts[] = { "127.0.0.1:80", "[::1]:81", "10.1.2.3", NULL };

	w->src.base = put(w, "own.json", "{ \"version\": 1, \"files\": ["
		"{ \"id\": \"a\", \"path\": \"/srv/**\", \"ops\": \"all\", \"decision\": \"allow\" },"
		"{ \"id\": \"keys\", \"path\": \"~/key\", \"ops\": \"all\", \"decision\": \"deny\" },"
		"{ \"id\": \"carve\", \"path\": \"~/**\", \"ops\": \"all\", \"decision\": \"default\" },"
		"{ \"id\": \"rest\", \"path\": \"/**\", \"ops\": \"read\", \"decision\": \"allow\" } ] }");
	load(w);
	expect(w, POLICY_OP_READ, in(w, "home/x"), POLICY_DENY, "default");
	w->src.allow_write = grants;
	w->src.allow_host = hosts;
	load(w);
	expect(w, POLICY_OP_WRITE, in(w, "home/x"), POLICY_ALLOW, "allow-write-1");
	expect(w, POLICY_OP_READ, in(w, "home/key"), POLICY_DENY, "keys");
	expect(w, POLICY_OP_READ, in(w, "ws/y"), POLICY_ALLOW, "rest");
	w->src.allow_write = NULL;
	w->src.allow_read = grants;
	load(w);
	expect(w, POLICY_OP_READ, in(w, "home/x"), POLICY_ALLOW, "allow-read-1");
	expect(w, POLICY_OP_WRITE, in(w, "home/x"), POLICY_DENY, "default");
}

static void test_grants_are_checked(void **state)
{
	struct world *w = *state;
	const char *const nowhere[] = { "/no/such/directory", NULL };
	const char *const name[] = { "example.invalid", NULL };
	const char *const port[] = { "127.0.0.1:65536", NULL };

	w->src.base = put(w, "own.json", "{ \"version\": 1 }");
	w->src.allow_read = nowhere;
	refuse(w, "--allow-read \"/no/such/directory\"");
	w->src.allow_read = NULL;
	w->src.allow_host = name;
	refuse(w, "host names are not supported yet");
	w->src.allow_host = port;
	refuse(w, "0 to 65535");
	w->src.allow_host = NULL;
	load(w);
}

static void test_wildcards_of_variables_are_none(void **state)
{
	struct world *w = *state;
	char star[PATH_MAX];

	(void)snprintf(star, sizeof(star), "STAR=%s/*", w->dir);
	w->env[0] = star;
	w->src.base = put(w, "own.json", "{ \"version\": 1, \"files\": ["
		"{ \"id\": \"s\", \"path\": \"${STAR}/x\", \"ops\": \"read\", \"decision\": \"allow\" } ] }");
	load(w);
	expect(w, POLICY_OP_READ, in(w, "*/x"), POLICY_ALLOW, "s");
	expect(w, POLICY_OP_READ, in(w, "a/x"), POLICY_DENY, "default");
}

/* What restricts follows links; what grants follows none that the cage could have made */
static void test_links_in_patterns(void **state)
{
	struct world *w = *state;

	assert_int_equal(mkdir(in(w, "real"), 0755), 0);
	assert_int_equal(symlink(in(w, "real"), in(w, "link")), 0);
	assert_int_equal(symlink(in(w, "real"), in(w, "ws/link")), 0);
	w->src.base = put(w, "own.json", "{ \"version\": 1, \"files\": ["
		"{ \"id\": \"d\", \"path\": \"${WORKSPACE}/link/secret\", \"ops\": \"read\", \"decision\": \"deny\" },"
		"{ \"id\": \"w\", \"path\": \"${WORKSPACE}/link/**\", \"ops\": \"write\", \"decision\": \"allow\" },"
		"{ \"id\": \"r\", \"path\": \"${TOP}/link/**\", \"ops\": \"read\", \"decision\": \"allow\" } ] }");
	char top[PATH_MAX];

	(void)snprintf(top, sizeof(top), "TOP=%s", w->dir);
	w->env[0] = top;
	load(w);
	expect(w, POLICY_OP_READ, in(w, "real/secret"), POLICY_DENY, "d");
	expect(w, POLICY_OP_READ, in(w, "real/other"), POLICY_ALLOW, "r");
	expect(w, POLICY_OP_WRITE, in(w, "ws/link/x"), POLICY_ALLOW, "w");
	expect(w, POLICY_OP_WRITE, in(w, "real/x"), POLICY_DENY, "default");
}

/* A readable link of the home: its target may be read, where no session can have made the link */
static void test_links_of_a_dotfile_manager(void **state)
{
	struct world *w = *state;
	static const struct {
		const char *link, *target;
	} links[] = {
		{ "home/.gitconfig", "dotfiles/gitconfig" },
		{ "home/.denied", "dotfiles/secret" },		/* a rule of its own, behind */
		{ "home/.writable", "dotfiles/other" },		/* the cage could have made it */
		{ "home/.chain", "dotfiles/hop" },		/* through one that it could have made */
		{ "home/dotfiles/hop", "other" },
		{ "home/.config/nvim", "../dotfiles/nvim" },
		{ "home/.config/mixed", "../dotfiles/mixed" },	/* names told apart beneath */
		{ "home/.config/all", ".." },
		{ "home/.unnamed", "dotfiles/other" },
	};
	static const char *const files[] = {
		"home/dotfiles/gitconfig", "home/dotfiles/secret", "home/dotfiles/other",
		"home/dotfiles/nvim/init.lua", "home/dotfiles/mixed/a",
	};

	assert_int_equal(mkdir(in(w, "home/.config"), 0755), 0);
	assert_int_equal(mkdir(in(w, "home/dotfiles"), 0755), 0);
	assert_int_equal(mkdir(in(w, "home/dotfiles/nvim"), 0755), 0);
	assert_int_equal(mkdir(in(w, "home/dotfiles/mixed"), 0755), 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		put(w, files[i], "x");
	for (size_t i = 0; i < sizeof(links) / sizeof(*links); i++)
		assert_int_equal(symlink(links[i].target, in(w, links[i].link)), 0);
	w->src.base = put(w, "own.json", "{ \"version\": 1, \"files\": ["
		"{ \"id\": \"look\", \"path\": [\"~/{.gitconfig,.denied,.writable,.chain}\", \"~/.config/{nvim,all}\","
		"  \"~/.config/{nvim,all}/**\"], \"ops\": [\"list\", \"stat\", \"read\"], \"decision\": \"allow\" },"
		"{ \"id\": \"some\", \"path\": [\"~/.config/mixed\", \"~/.config/mixed/a\"], \"ops\": [\"list\", \"stat\", \"read\"],"
		"  \"decision\": \"allow\" },"
		"{ \"id\": \"work\", \"path\": [\"~/.writable\", \"~/dotfiles/hop\"], \"ops\": \"modify\", \"decision\": \"allow\" },"
		"{ \"id\": \"secret\", \"path\": \"~/dotfiles/secret\", \"ops\": \"read\", \"decision\": \"deny\" },"
		"{ \"id\": \"carve\", \"path\": \"~/**\", \"ops\": \"all\", \"decision\": \"default\" } ] }");
	load(w);
	expect(w, POLICY_OP_READ, in(w, "home/.gitconfig"), POLICY_ALLOW, "look");
	assert_int_equal(decide(w, POLICY_OP_READ, in(w, "home/dotfiles/gitconfig")).verdict, POLICY_ALLOW);
	assert_int_equal(decide(w, POLICY_OP_STAT, in(w, "home/dotfiles/gitconfig")).verdict, POLICY_ALLOW);
	expect(w, POLICY_OP_WRITE, in(w, "home/dotfiles/gitconfig"), POLICY_DENY, "default");
	expect(w, POLICY_OP_EXEC, in(w, "home/dotfiles/gitconfig"), POLICY_DENY, "default");
	assert_int_equal(decide(w, POLICY_OP_READ, in(w, "home/dotfiles/nvim/init.lua")).verdict, POLICY_ALLOW);
	expect(w, POLICY_OP_CREATE, in(w, "home/dotfiles/nvim/x"), POLICY_DENY, "default");
	expect(w, POLICY_OP_READ, in(w, "home/dotfiles/secret"), POLICY_DENY, "secret");
	expect(w, POLICY_OP_READ, in(w, "home/dotfiles/other"), POLICY_DENY, "default");
	expect(w, POLICY_OP_READ, in(w, "home/dotfiles/mixed/b"), POLICY_DENY, "default");
	expect(w, POLICY_OP_LIST, in(w, "home/dotfiles"), POLICY_DENY, "default");
	expect(w, POLICY_OP_READ, in(w, "home/.unnamed"), POLICY_DENY, "default");
	expect(w, POLICY_OP_READ, in(w, "home/x"), POLICY_DENY, "default");

	/* a project's file takes that away as well */
	w->src.project_file = put(w, "project.json", "{ \"version\": 1, \"files\": ["
		"{ \"id\": \"no\", \"path\": \"~/dotfiles/gitconfig\", \"ops\": \"read\", \"decision\": \"deny\" } ] }");
	load(w);
	expect(w, POLICY_OP_READ, in(w, "home/dotfiles/gitconfig"), POLICY_DENY, "no");
}

static bool has(char **envp, const char *entry)
{
	for (; *envp; envp++)
		if (strcmp(*envp, entry) == 0)
			return true;
	return false;
}

static void test_environment(void **state)
{
	struct world *w = *state;
	char *const given[] = { (char *)"A_TOKEN=1", (char *)"B_TOKEN=2", (char *)"PATH=/bin",
				(char *)"CI=0", (char *)"noequals", (char *)"STRIPPED=1", NULL };
	char **envp;

	w->src.base = put(w, "own.json", "{ \"version\": 1, \"environment\": {"
		"\"remove\": [\"*_TOKEN\"], \"keep\": [\"B_*\", \"STRIPPED\"],"
		"\"set\": { \"CI\": \"1\", \"WS\": \"${WORKSPACE}/x\", \"NONE\": \"${NOT_SET}\" } } }");
	w->src.project_file = put(w, "project.json",
		"{ \"version\": 1, \"environment\": { \"remove\": \"STRIPPED\" } }");
	load(w);
	envp = policy_env_apply(w->l, given);
	assert_non_null(envp);
	assert_false(has(envp, "A_TOKEN=1"));
	assert_true(has(envp, "B_TOKEN=2"));
	assert_true(has(envp, "PATH=/bin"));
	assert_true(has(envp, "CI=1"));
	assert_false(has(envp, "CI=0"));
	assert_false(has(envp, "noequals"));
	assert_false(has(envp, "STRIPPED=1"));
	assert_false(has(envp, "NONE="));
	policy_env_free(envp);
}

static void expect_connect(const struct world *w, const uint8_t last, uint16_t port, enum policy_verdict v)
{
	struct policy_request req = { .op = POLICY_OP_CONNECT };
	struct policy_decision d;

	req.object.kind = POLICY_OBJECT_ADDR;
	memcpy(req.object.addr.ip, (uint8_t[16]){ [10] = 0xff, [11] = 0xff, [12] = 127, [15] = last }, 16);
	req.object.addr.port = port;
	policy_eval(&w->l->policy, &req, &d);
	assert_int_equal(d.verdict, v);
}

static void test_url_of_the_environment(void **state)
{
	struct world *w = *state;

	w->src.base = put(w, "own.json", "{ \"version\": 1, \"network\": ["
		"{ \"id\": \"api\", \"url\": \"${API}\", \"decision\": \"allow\" } ] }");
	load(w);				/* not set: no rule */
	expect_connect(w, 1, 80, POLICY_DENY);
	w->env[0] = (char *)"API=http://user@127.0.0.1:4567/v1?x";
	load(w);
	expect_connect(w, 1, 4567, POLICY_ALLOW);
	expect_connect(w, 1, 80, POLICY_DENY);
	expect_connect(w, 2, 4567, POLICY_DENY);
	w->env[0] = (char *)"API=https://localhost";
	load(w);
	expect_connect(w, 1, 443, POLICY_ALLOW);
	w->env[0] = (char *)"API=http://127.0.0.1@api.invalid";
	load(w);				/* a name: not in effect, and not 127.0.0.1 */
	expect_connect(w, 1, 80, POLICY_DENY);
	w->env[0] = (char *)"API=127.0.0.1";
	refuse(w, "http or https URL");
}

static void test_own_files_are_out_of_reach(void **state)
{
	struct world *w = *state;

	w->src.base = put(w, "own.json", "{ \"version\": 1, \"defaults\": { \"files\": \"allow\" } }");
	load(w);
	expect(w, POLICY_OP_READ, w->src.base, POLICY_ALLOW, "default");
	expect(w, POLICY_OP_WRITE, w->src.base, POLICY_DENY, "agentsh-policy-1");
	expect(w, POLICY_OP_RENAME, w->src.base, POLICY_DENY, "agentsh-policy-1");
	expect(w, POLICY_OP_STAT, in(w, "home/.local/state/agentsh"), POLICY_DENY, "agentsh-state");
	assert_int_equal(decide(w, POLICY_OP_STAT, in(w, "home/.local/state/agentsh/x")).err, ENOENT);
	expect(w, POLICY_OP_STAT, in(w, "home/.local/state/other"), POLICY_ALLOW, "default");
	expect(w, POLICY_OP_CREATE, in(w, "ws/.agentsh/policy.json"), POLICY_DENY, "agentsh-project");

	/* where the variables point, there yet or not */
	char state_home[PATH_MAX];

	(void)snprintf(state_home, sizeof(state_home), "XDG_STATE_HOME=%s/not/./there//", w->dir);
	w->env[0] = state_home;
	load(w);
	expect(w, POLICY_OP_READ, in(w, "not/there/agentsh/x/audit.jsonl"), POLICY_DENY, "agentsh-state-xdg");
	expect(w, POLICY_OP_READ, in(w, "not/there/other"), POLICY_ALLOW, "default");
}

static void test_extends_has_an_end(void **state)
{
	struct world *w = *state;
	char name[32], text[128];

	for (int i = 0; i < 12; i++) {
		(void)snprintf(name, sizeof(name), "e%d.json", i);
		(void)snprintf(text, sizeof(text), "{ \"version\": 1, \"extends\": \"e%d.json\" }", i + 1);
		put(w, name, text);
	}
	put(w, "e12.json", "{ \"version\": 1 }");
	w->src.base = in(w, "e0.json");
	refuse(w, "too many");
	w->src.base = in(w, "e2.json");
	load(w);
	put(w, "e12.json", "{ \"version\": 1, \"extends\": \"e11.json\" }");
	w->src.base = in(w, "e11.json");
	refuse(w, "in a circle");
	/* twice is no circle: its rules are there once */
	put(w, "e12.json", "{ \"version\": 1, \"extends\": [\"developer\", \"claude\", \"developer\"] }");
	w->src.base = in(w, "e12.json");
	load(w);
}

static void test_kept_compilation(void **state)
{
	struct world *w = *state;
	struct stat before, after;
	size_t size;
	char kept[PATH_MAX] = "";

	w->src.cache_dir = in(w, "kept");
	w->src.base = put(w, "own.json", "{ \"version\": 1, \"files\": ["
		"{ \"id\": \"a\", \"path\": \"/srv/**\", \"ops\": \"read\", \"decision\": \"allow\" } ] }");
	load(w);
	size = w->l->policy.size;
	assert_int_equal(stat(w->src.cache_dir, &before), 0);
	load(w);
	assert_int_equal(w->l->policy.size, size);
	expect(w, POLICY_OP_READ, "/srv/x", POLICY_ALLOW, "a");
	assert_int_equal(stat(w->src.cache_dir, &after), 0);
	assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);	/* nothing written: it was used */

	/* broken in any byte, it is made again */
	(void)snprintf(kept, sizeof(kept), "cd %s && for f in *; do printf x | "
		       "dd of=$f bs=1 seek=$(($(stat -c %%s $f) - 9)) conv=notrunc 2>/dev/null; done",
		       w->src.cache_dir);
	assert_int_equal(system(kept), 0);
	load(w);
	expect(w, POLICY_OP_READ, "/srv/x", POLICY_ALLOW, "a");
	expect(w, POLICY_OP_WRITE, "/srv/x", POLICY_DENY, "default");

	/* one more rule is another policy */
	put(w, "own.json", "{ \"version\": 1, \"files\": ["
	    "{ \"id\": \"a\", \"path\": \"/srv/**\", \"ops\": \"write\", \"decision\": \"allow\" } ] }");
	load(w);
	expect(w, POLICY_OP_READ, "/srv/x", POLICY_DENY, "default");
	expect(w, POLICY_OP_WRITE, "/srv/x", POLICY_ALLOW, "a");

	/* a directory that others can write to is not used */
	assert_int_equal(chmod(w->src.cache_dir, 0777), 0);
	load(w);
	expect(w, POLICY_OP_WRITE, "/srv/x", POLICY_ALLOW, "a");
}

static void test_positions_in_json(void **state)
{
	static const char text[] = "{ // a comment\n  \"a\": [1, \"\\u00e9\",],\n\t/* two\nlines */ \"b\": {},\n}";
	struct json_doc *doc = NULL;
	struct policy_diag d;
	const struct json_value *a, *b;

	(void)state;
	assert_int_equal(json_read(&doc, text, sizeof(text) - 1, &d), 0);
	a = json_get(json_root(doc), "a");
	b = json_get(json_root(doc), "b");
	assert_int_equal(a->key_line, 2);
	assert_int_equal(a->key_column, 3);
	assert_int_equal(a->child->next->column, 12);
	assert_string_equal(a->child->next->string, "\xc3\xa9");
	assert_null(a->child->next->next);
	assert_int_equal(b->key_line, 4);
	assert_int_equal(b->column, 15);
	assert_int_equal(b->type, JSON_OBJECT);
	assert_null(json_get(json_root(doc), "A"));
	json_free(doc);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_own_rules_before_extended),
		TEST(test_missing_keys_deny),
		TEST(test_strictest_layer_wins),
		TEST(test_redirects_and_flags_of_layers),
		TEST(test_grants_stand_behind_denials),
		TEST(test_grants_are_checked),
		TEST(test_wildcards_of_variables_are_none),
		TEST(test_links_in_patterns),
		TEST(test_links_of_a_dotfile_manager),
		TEST(test_environment),
		TEST(test_url_of_the_environment),
		TEST(test_own_files_are_out_of_reach),
		TEST(test_extends_has_an_end),
		TEST(test_kept_compilation),
		cmocka_unit_test(test_positions_in_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
