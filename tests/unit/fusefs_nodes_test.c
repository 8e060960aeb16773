/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/fusefs_nodes_test.c - What the kernel knows: who shares a node, what a rename changes
 */
#include "tests/unit/policy_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fusefs/born.h"
#include "fusefs/nodes.h"

struct world {
	struct fixture f;
	struct nodes *t;
	struct node *ws;
};

static const struct node_id root_id = { 7, 1, 5 };

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	fixture_begin(&w->f);
	fixture_add(&w->f, (struct policy_rule){ FILES_RULE, .id = "keys", PATHS("/h/ws/**/*.key", "/h/ws/*.key"),
						 .ops = BIT(READ), .verdict = POLICY_DENY });
	fixture_add(&w->f, (struct policy_rule){ FILES_RULE, .id = "jail", PATHS("/h/ws/jail/**"),
						 .ops = BIT(WRITE), .verdict = POLICY_DENY });
	fixture_add(&w->f, (struct policy_rule){ FILES_RULE, .id = "ws", PATHS("/h/ws", "/h/ws/**"),
						 .ops = POLICY_OPS_FILES, .verdict = POLICY_ALLOW });
	fixture_default(&w->f, POLICY_SECTION_FILES, POLICY_DENY);
	fixture_open(&w->f);
	w->t = nodes_new(&w->f.p, 2);
	assert_non_null(w->t);
	w->ws = nodes_add_root(w->t, nodes_add_ancestor(w->t, nodes_root(w->t), "h"), "ws", &root_id,
			       open("/", O_PATH | O_CLOEXEC));
	assert_non_null(w->ws);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	assert_null(nodes_free(w->t));
	fixture_end(&w->f);
	free(w);
	return 0;
}

static struct node *add(struct world *w, struct node *dir, const char *name, uint64_t ino, mode_t type)
{
	struct node_id id = { 7, ino, 0 };
	struct policy_state st;

	nodes_state(w->t, dir, &st);
	policy_state_step(&w->f.p, &st, policy_str(name), &st);
	return nodes_intern(w->t, dir, name, &st, &id, type);
}

static void assert_path(struct world *w, struct node *n, const char *want)
{
	char *path = nodes_path(w->t, n, NULL);

	assert_string_equal(path, want);
	free(path);
}

static bool may(struct world *w, struct node *n, enum policy_op op)
{
	struct policy_state st[NODES_NAMES_MAX];
	size_t count = nodes_states(w->t, n, st);
	struct policy_decision d;

	assert_true(count > 0);
	for (size_t i = 0; i < count; i++) {
		policy_eval_state(&w->f.p, &st[i], op, POLICY_T_UNKNOWN, NULL, &d);
		if (d.verdict != POLICY_ALLOW)
			return false;
	}
	return true;
}

static void move(struct world *w, struct node *n, struct node *from, const char *name, struct node *to,
		 const char *new_name)
{
	struct node_id id = node_id(n);
	struct nodes_move m = {
		.old_dir = from, .old_name = name, .new_dir = to, .new_name = new_name, .id = &id,
	};

	nodes_rename(w->t, &m);
}

static void hard_links_share_a_node_if_decided_alike(void **state)
{
	struct world *w = *state;
	struct node *a = add(w, w->ws, "a", 10, S_IFREG), *b = add(w, w->ws, "b", 10, S_IFREG);

	assert_ptr_equal(a, b);
	assert_ptr_not_equal(add(w, w->ws, "c.key", 10, S_IFREG), a);
	assert_ptr_not_equal(add(w, w->ws, "d", 11, S_IFREG), a);
	assert_ptr_equal(add(w, w->ws, "e.key", 10, S_IFREG), add(w, w->ws, "c.key", 10, S_IFREG));
}

static void another_birth_is_another_object(void **state)
{
	struct world *w = *state;
	struct node_id old = { 7, 20, 1 }, young = { 7, 20, 2 };
	struct policy_state st;
	struct node *n;

	nodes_state(w->t, w->ws, &st);
	policy_state_step(&w->f.p, &st, policy_str("a"), &st);
	n = nodes_intern(w->t, w->ws, "a", &st, &old, S_IFREG);
	assert_ptr_not_equal(nodes_intern(w->t, w->ws, "a", &st, &young, S_IFREG), n);
	assert_ptr_equal(nodes_intern(w->t, w->ws, "a", &st, &old, S_IFREG), n);
	/* and so is another type */
	assert_ptr_not_equal(nodes_intern(w->t, w->ws, "a", &st, &old, S_IFIFO), n);
}

static void forgotten_nodes_go_with_what_they_alone_held(void **state)
{
	struct world *w = *state;
	size_t before = nodes_count(w->t);
	struct node *d = add(w, w->ws, "d", 30, S_IFDIR), *e = add(w, d, "e", 31, S_IFDIR), *f = add(w, e, "f", 32, S_IFREG);

	assert_int_equal(nodes_count(w->t), before + 3);
	nodes_forget(w->t, d, 1);
	nodes_forget(w->t, e, 1);
	assert_int_equal(nodes_count(w->t), before + 3);
	assert_path(w, f, "/h/ws/d/e/f");
	assert_ptr_equal(add(w, e, "f", 32, S_IFREG), f);
	nodes_forget(w->t, f, 1);
	assert_int_equal(nodes_count(w->t), before + 3);
	nodes_forget(w->t, f, 1);
	assert_int_equal(nodes_count(w->t), before);
}

static void a_renamed_file_is_judged_by_its_new_name(void **state)
{
	struct world *w = *state;
	struct node *n = add(w, w->ws, "a", 40, S_IFREG);

	assert_true(may(w, n, POLICY_OP_READ));
	move(w, n, w->ws, "a", w->ws, "a.key");
	assert_false(may(w, n, POLICY_OP_READ));
	assert_true(may(w, n, POLICY_OP_WRITE));
	assert_path(w, n, "/h/ws/a.key");
}

static void of_several_names_the_strictest_counts(void **state)
{
	struct world *w = *state;
	struct node *n = add(w, w->ws, "a", 50, S_IFREG), *again;

	assert_ptr_equal(add(w, w->ws, "b", 50, S_IFREG), n);
	move(w, n, w->ws, "b", w->ws, "b.key");
	assert_false(may(w, n, POLICY_OP_READ));
	/* looked up again, each name has a node of its own */
	again = add(w, w->ws, "a", 50, S_IFREG);
	assert_ptr_not_equal(again, n);
	assert_true(may(w, again, POLICY_OP_READ));
	assert_false(may(w, n, POLICY_OP_READ));
}

static void a_renamed_directory_takes_what_is_beneath_along(void **state)
{
	struct world *w = *state;
	struct node *d = add(w, w->ws, "d", 60, S_IFDIR), *e = add(w, d, "e", 61, S_IFDIR), *f = add(w, e, "f", 62, S_IFREG);
	struct node *jail = add(w, w->ws, "jail", 63, S_IFDIR);

	assert_true(may(w, f, POLICY_OP_WRITE));
	move(w, d, w->ws, "d", jail, "x");
	assert_path(w, f, "/h/ws/jail/x/e/f");
	assert_false(may(w, f, POLICY_OP_WRITE));
	assert_true(may(w, f, POLICY_OP_READ));
	move(w, d, jail, "x", w->ws, "y");
	assert_true(may(w, f, POLICY_OP_WRITE));
	assert_path(w, f, "/h/ws/y/e/f");
}

static void exchanged_names(void **state)
{
	struct world *w = *state;
	struct node *a = add(w, w->ws, "a", 70, S_IFREG), *k = add(w, w->ws, "k.key", 71, S_IFREG);
	struct node_id a_id = node_id(a), k_id = node_id(k);
	struct nodes_move m = {
		.old_dir = w->ws, .old_name = "a", .new_dir = w->ws, .new_name = "k.key", .id = &a_id,
		.other_id = &k_id, .exchange = true,
	};

	nodes_rename(w->t, &m);
	assert_false(may(w, a, POLICY_OP_READ));
	assert_true(may(w, k, POLICY_OP_READ));
	assert_path(w, k, "/h/ws/a");
}

static void what_lost_its_last_name_is_not_found_again(void **state)
{
	struct world *w = *state;
	struct node *a = add(w, w->ws, "a.key", 80, S_IFREG), *b;
	struct node_id id = node_id(a);
	struct place p;

	nodes_unbind(w->t, w->ws, "a.key", &id, true);
	assert_false(nodes_place(w->t, a, 0, &p));
	assert_false(may(w, a, POLICY_OP_READ));	/* still judged by the name it had */
	b = add(w, w->ws, "a.key", 80, S_IFREG);	/* the number came again */
	assert_ptr_not_equal(a, b);
	assert_true(nodes_place(w->t, b, 0, &p));
	assert_string_equal(p.name, "a.key");
	nodes_place_put(w->t, &p);
}

static void a_replaced_file_is_not_found_again(void **state)
{
	struct world *w = *state;
	struct node *a = add(w, w->ws, "a", 90, S_IFREG), *b = add(w, w->ws, "b", 91, S_IFREG);
	struct node_id a_id = node_id(a), b_id = node_id(b);
	struct nodes_move m = {
		.old_dir = w->ws, .old_name = "a", .new_dir = w->ws, .new_name = "b", .id = &a_id,
		.other_id = &b_id, .other_is_last = true,
	};

	nodes_rename(w->t, &m);
	assert_path(w, a, "/h/ws/b");
	assert_ptr_equal(add(w, w->ws, "b", 90, S_IFREG), a);
	assert_ptr_not_equal(add(w, w->ws, "c", 91, S_IFREG), b);
}

static void names_kept_are_few(void **state)
{
	struct world *w = *state;
	struct node *n = NULL;
	struct policy_state st[NODES_NAMES_MAX];
	char name[16];

	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		n = add(w, w->ws, name, 100, S_IFREG);
	}
	assert_int_equal(nodes_states(w->t, n, st), NODES_NAMES_MAX);
	assert_path(w, n, "/h/ws/l999");
	nodes_forget(w->t, n, 1000);
}

static void a_directory_has_one_place(void **state)
{
	struct world *w = *state;
	struct node *d = add(w, w->ws, "d", 110, S_IFDIR), *sub = add(w, d, "sub", 111, S_IFDIR);

	assert_ptr_equal(add(w, w->ws, "moved", 110, S_IFDIR), d);	/* by the host */
	assert_path(w, sub, "/h/ws/moved/sub");
	/* decided differently: another node; beneath itself, as the host can mount it: another node */
	assert_ptr_not_equal(add(w, w->ws, "jail", 110, S_IFDIR), d);
	assert_ptr_not_equal(add(w, sub, "loop", 110, S_IFDIR), d);
}

static void descriptors_are_few(void **state)
{
	struct world *w = *state;
	struct node *d[4];
	int fd[4];

	for (int i = 0; i < 4; i++) {
		char name[16];

		snprintf(name, sizeof(name), "d%d", i);
		d[i] = add(w, w->ws, name, 120 + (uint64_t)i, S_IFDIR);
		assert_int_equal(nodes_fd_get(w->t, d[i]), -1);
		fd[i] = nodes_fd_keep(w->t, d[i], open("/", O_PATH | O_CLOEXEC));
		assert_true(fd[i] >= 0);
	}
	/* all in use: none is closed under anybody's hands */
	for (int i = 0; i < 4; i++) {
		assert_true(fcntl(fd[i], F_GETFD) >= 0);
		nodes_fd_put(w->t, d[i]);
	}
	assert_int_equal(nodes_fd_get(w->t, d[0]), fd[0]);
	nodes_fd_put(w->t, d[0]);
	assert_true(nodes_fd_keep(w->t, add(w, w->ws, "e", 130, S_IFDIR), open("/", O_PATH | O_CLOEXEC)) >= 0);
	assert_int_equal(nodes_fd_get(w->t, d[1]), -1);
	assert_int_equal(nodes_fd_get(w->t, d[2]), -1);
	assert_int_equal(nodes_fd_get(w->t, d[0]), fd[0]);	/* used last */
	nodes_fd_put(w->t, d[0]);
}

static void recent_content_is_not_believed(void **state)
{
	struct world *w = *state;
	struct node *n = add(w, w->ws, "a", 140, S_IFREG);
	const int64_t s = 1000000000;

	assert_false(nodes_content_is_known(w->t, n, 10 * s, 5, 100 * s));
	assert_true(nodes_content_is_known(w->t, n, 10 * s, 5, 100 * s));
	assert_false(nodes_content_is_known(w->t, n, 10 * s, 6, 100 * s));
	assert_false(nodes_content_is_known(w->t, n, 11 * s, 6, 100 * s));
	assert_false(nodes_content_is_known(w->t, n, 200 * s, 6, 200 * s + 1));
	assert_false(nodes_content_is_known(w->t, n, 200 * s, 6, 200 * s + 2));
	assert_false(nodes_content_is_known(w->t, n, 200 * s, 6, 201 * s));
	assert_true(nodes_content_is_known(w->t, n, 200 * s, 6, 201 * s));
}

static void births(void **state)
{
	struct born *b = born_new();

	(void)state;
	for (uint64_t i = 1; i <= 5000; i++)
		assert_int_equal(born_add(b, i % 3, i), 0);
	assert_int_equal(born_add(b, 1, 1), 0);	/* twice is once */
	for (uint64_t i = 1; i <= 5000; i += 2)
		born_drop(b, i % 3, i);
	born_drop(b, 9, 9);		/* never added */
	for (uint64_t i = 1; i <= 5000; i++) {
		assert_int_equal(born_has(b, i % 3, i), i % 2 == 0);
		assert_false(born_has(b, (i + 1) % 3, i));
	}
	assert_true(born_add(b, 1, 0) < 0);
	assert_false(born_has(b, 1, 0));
	assert_null(born_free(b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		TEST(hard_links_share_a_node_if_decided_alike),
		TEST(another_birth_is_another_object),
		TEST(forgotten_nodes_go_with_what_they_alone_held),
		TEST(a_renamed_file_is_judged_by_its_new_name),
		TEST(of_several_names_the_strictest_counts),
		TEST(a_renamed_directory_takes_what_is_beneath_along),
		TEST(exchanged_names),
		TEST(what_lost_its_last_name_is_not_found_again),
		TEST(a_replaced_file_is_not_found_again),
		TEST(names_kept_are_few),
		TEST(a_directory_has_one_place),
		TEST(descriptors_are_few),
		TEST(recent_content_is_not_believed),
		cmocka_unit_test(births),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
