/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/fuzz/fusefs_nodes_fuzz.c - The table of nodes under any sequence of events
 *
 * Each four bytes are one event: the kernel looks a name up, forgets, renames;
 * the host puts another object somewhere. After each, every known node has a
 * path of names that were given, directories lead to the root, and at the end
 * nothing is left that the kernel has forgotten. The names of the little world
 * are in the table below; some are decided differently, so that hard links part.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base.h"
#include "fusefs/nodes.h"
#include "policy/compile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KNOWN_MAX 32

static const char *const names[] = { "a", "b", "c.key", "d.key", "e", "jail", "g", "h" };

/** struct known - What the kernel holds */
struct known {
	struct node *node;
	uint64_t lookups;
};

struct world {
	struct policy policy;
	struct nodes *t;
	struct node *root;
	struct known known[KNOWN_MAX];
};

static void *make_policy(struct policy *ret)
{
	static const char *const key[] = { "/w/**/*.key" }, *const jail[] = { "/w/jail/**" }, *const all[] = { "/w/**" };
	const struct policy_rule rules[] = {
		{ .id = "key", .path = key, .verdict = POLICY_DENY, .ops = POLICY_OP_BIT(POLICY_OP_READ) },
		{ .id = "jail", .path = jail, .verdict = POLICY_DENY, .ops = POLICY_OP_BIT(POLICY_OP_WRITE) },
		{ .id = "all", .path = all, .verdict = POLICY_ALLOW, .ops = POLICY_OPS_FILES },
	};
	struct policy_builder *b;
	struct policy_diag diag;
	uint32_t source;
	size_t size;
	void *blob;

	if (policy_builder_new(&b) < 0 || policy_builder_layer(b, "base", true) < 0)
		abort();
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		struct policy_rule r = rules[i];

		r.section = POLICY_SECTION_FILES;
		r.path_count = 1;
		if (policy_builder_add(b, &r, &diag) < 0)
			abort();
	}
	if (policy_builder_emit(b, &blob, &size, &diag, &source) < 0 || policy_open(ret, blob, size) < 0)
		abort();
	policy_builder_free(b);
	return blob;
}

static struct node *dir_of(struct world *w, uint8_t n)
{
	struct known *k = &w->known[n % KNOWN_MAX];

	return k->lookups && S_ISDIR(node_type(k->node)) ? k->node : w->root;
}

static void look_up(struct world *w, const uint8_t *e)
{
	struct node *dir = dir_of(w, e[1]), *n;
	const char *name = names[e[2] % ARRAY_SIZE(names)];
	struct node_id id = { 1, 2 + e[3] % 12u, 0 };
	struct policy_state st;

	nodes_state(w->t, dir, &st);
	policy_state_step(&w->policy, &st, policy_str(name), &st);
	n = nodes_intern(w->t, dir, name, &st, &id, e[3] % 3 ? S_IFREG : S_IFDIR);
	if (!n)
		abort();
	for (size_t i = 0; i < KNOWN_MAX; i++)
		if (!w->known[i].lookups || w->known[i].node == n) {
			w->known[i].node = n;
			w->known[i].lookups++;
			return;
		}
	nodes_forget(w->t, n, 1);
}

static void forget(struct world *w, const uint8_t *e)
{
	struct known *k = &w->known[e[1] % KNOWN_MAX];
	uint64_t count = e[2] % 2 ? k->lookups : 1;

	if (!k->lookups)
		return;
	k->lookups -= count;
	nodes_forget(w->t, k->node, count);
}

static bool is_beneath(struct world *w, struct node *n, struct node *dir)
{
	for (; n; n = nodes_parent_of(w->t, n))
		if (n == dir)
			return true;
	return false;
}

/* As the kernel and rename.c would: never a directory into itself */
static void do_rename(struct world *w, const uint8_t *e)
{
	struct known *k = &w->known[e[1] % KNOWN_MAX], *o = &w->known[e[2] % KNOWN_MAX];
	struct nodes_move m = { .new_dir = dir_of(w, e[3]), .new_name = names[e[3] / KNOWN_MAX] };
	struct node_id id, other;
	struct place p, q;

	if (!k->lookups || !nodes_place(w->t, k->node, 0, &p))
		return;
	id = node_id(k->node);
	m.id = &id;
	m.old_dir = p.dir;
	m.old_name = p.name;
	if (o->lookups && o->node != k->node && nodes_place(w->t, o->node, 0, &q)) {
		other = node_id(o->node);
		m.other_id = &other;
		m.exchange = e[2] & 0x80;
		m.other_is_last = !m.exchange && (e[2] & 0x40);
		m.new_dir = q.dir;
		m.new_name = q.name;
	}
	if (!is_beneath(w, m.new_dir, k->node) && !(m.exchange && is_beneath(w, m.old_dir, o->node)))
		nodes_rename(w->t, &m);
	nodes_place_put(w->t, &p);
	if (m.other_id)
		nodes_place_put(w->t, &q);
}

static void unlink_name(struct world *w, const uint8_t *e)
{
	struct known *k = &w->known[e[1] % KNOWN_MAX];
	struct node_id id;
	struct place p;

	if (!k->lookups || !nodes_place(w->t, k->node, 0, &p))
		return;
	id = node_id(k->node);
	nodes_unbind(w->t, p.dir, p.name, &id, e[2] % 2);
	nodes_place_put(w->t, &p);
}

static void check(struct world *w)
{
	struct policy_state st[NODES_NAMES_MAX], again;

	for (size_t i = 0; i < KNOWN_MAX; i++) {
		struct node *n = w->known[i].node;
		char *path;

		if (!w->known[i].lookups)
			continue;
		path = nodes_path(w->t, n, NULL);
		if (!path || strncmp(path, "/w/", 3) != 0)
			abort();
		/* The kept position is that of the path */
		if (nodes_states(w->t, n, st) < 1)
			abort();
		policy_state_path(&w->policy, policy_str(path), &again);
		if (memcmp(&st[0], &again, sizeof(again)) != 0)
			abort();
		free(path);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = { .known = { { NULL, 0 } } };
	void *blob = make_policy(&w.policy);
	struct node_id id = { 1, 1, 0 };

	w.t = nodes_new(&w.policy, 4);
	w.root = w.t ? nodes_add_root(w.t, nodes_root(w.t), "w", &id, -1) : NULL;
	if (!w.root)
		abort();
	for (; size >= 4; data += 4, size -= 4) {
		static void (*const events[])(struct world *, const uint8_t *) = {
			look_up, look_up, forget, do_rename, unlink_name,
		};

		events[data[0] % ARRAY_SIZE(events)](&w, data);
		check(&w);
	}
	for (size_t i = 0; i < KNOWN_MAX; i++)
		if (w.known[i].lookups)
			nodes_forget(w.t, w.known[i].node, w.known[i].lookups);
	if (nodes_count(w.t) != 1)	/* the root */
		abort();
	nodes_free(w.t);
	free(blob);
	return 0;
}
