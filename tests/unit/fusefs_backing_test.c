/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/fusefs_backing_test.c - The real tree, with somebody changing it; and the gate before it
 *
 * No file system is mounted: the functions are called as the operations call them.
 */
#include "tests/unit/policy_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fusefs/reply.h"
#include "fusefs/subtree.h"
#include "fusefs/walk.h"

struct world {
	struct fixture f;
	struct fusefs fs;
	struct event_sink sink;
	struct node *ws;
	char top[64], cmd[128];
	unsigned refused, noted, births;
	char last[512];
};

static int on_event(struct event_sink *sink, const struct event *ev)
{
	struct world *w = (struct world *)((char *)sink - offsetof(struct world, sink));

	snprintf(w->last, sizeof(w->last), "%s %.*s %.*s", policy_op_name(ev->op), (int)ev->object.len, ev->object.s,
		 (int)ev->decision->rule.len, ev->decision->rule.s);
	if (ev->flags & EVENT_F_BIRTH)
		w->births++;
	else if (ev->err)
		w->refused++;
	else
		w->noted++;
	return 0;
}

static void rule(struct world *w, const char *id, const char *path, uint64_t ops, enum policy_verdict v, uint32_t flags)
{
	char full[256];

	snprintf(full, sizeof(full), "%s%s", w->top, path);
	fixture_add(&w->f, (struct policy_rule){ FILES_RULE, .id = id, PATHS(full), .ops = ops, .verdict = v, .flags = flags });
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct node *dir;
	struct policy_state root;
	struct policy_beneath below;
	struct seen seen;
	int fd;

	strcpy(w->top, "/tmp/fusefs_test.XXXXXX");
	assert_non_null(mkdtemp(w->top));
	assert_int_equal(chdir(w->top), 0);
	fixture_begin(&w->f);
	rule(w, "key", "/**/*.key", BIT(READ), POLICY_DENY, 0);
	rule(w, "hidden", "/**/h*.hid", POLICY_OPS_FILES, POLICY_DENY, POLICY_F_HIDE);
	rule(w, "secret", "/secret", POLICY_OPS_FILES, POLICY_DENY, 0);
	rule(w, "rc", "/**/rc", POLICY_OPS_MODIFY, POLICY_DENY, POLICY_RULE_STOOD_FOLDER);
	rule(w, "open", "/open/**", POLICY_OPS_FILES, POLICY_ALLOW, 0);
	rule(w, "deep", "/way/to/named/**", POLICY_OPS_FILES, POLICY_ALLOW, 0);
	rule(w, "readable", "/readable", BIT(READ), POLICY_ALLOW, 0);
	fixture_default(&w->f, POLICY_SECTION_FILES, POLICY_DENY);
	fixture_open(&w->f);
	w->sink.event = on_event;
	w->fs = (struct fusefs){
		.policy = &w->f.p, .sink = &w->sink, .nodes = nodes_new(&w->f.p, 3), .born = born_new(),
		.mountpoints = calloc(1, sizeof(char *)), .uid = getuid(), .gid = getgid(),
		.self_fds = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC),
	};
	policy_state_root(&w->f.p, &root);
	policy_state_beneath(&w->f.p, &root, &below);
	w->fs.is_conditional = below.conditional;
	assert_true(below.conditional);
	assert_int_equal(backing_root(w->top, &fd, &seen), 0);
	dir = nodes_add_ancestor(w->fs.nodes, nodes_root(w->fs.nodes), "tmp");
	w->ws = nodes_add_root(w->fs.nodes, dir, w->top + 5, &seen.id, fd);
	assert_non_null(w->ws);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	assert_int_equal(chdir("/"), 0);
	nodes_free(w->fs.nodes);
	born_free(w->fs.born);
	free(w->fs.mountpoints);
	close(w->fs.self_fds);
	fixture_end(&w->f);
	snprintf(w->cmd, sizeof(w->cmd), "rm -rf %s", w->top);
	assert_int_equal(system(w->cmd), 0);
	free(w);
	return 0;
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static struct gate gate_of(struct world *w)
{
	return (struct gate){ .fs = &w->fs, .tid = 0 };
}

/* As a lookup does it */
static struct node *find(struct world *w, struct node *dir, const char *name)
{
	cleanup_dir struct dirref d = BACKING_NO_DIR;
	struct gate g = gate_of(w);
	struct fuse_entry_param e;
	struct spot s;

	assert_int_equal(backing_dir(&w->fs, dir, &d), 0);
	assert_int_equal(gate_spot(&g, &d, name, &s), 0);
	return s.exists ? reply_entry_fill(&w->fs, &s, false, &e) : NULL;
}

static struct node *find_path(struct world *w, const char *path)
{
	struct node *n = w->ws;
	char buf[256], *rest = NULL;

	snprintf(buf, sizeof(buf), "%s", path);
	for (char *p = strtok_r(buf, "/", &rest); p && n; p = strtok_r(NULL, "/", &rest))
		n = find(w, n, p);
	return n;
}

static void reads(struct world *w, struct node *n, const char *want)
{
	struct seen seen;
	char buf[16] = "";
	int fd;

	assert_int_equal(backing_open(&w->fs, n, O_RDONLY, &fd, &seen), 0);
	assert_int_equal(read(fd, buf, sizeof(buf)), (ssize_t)strlen(want));
	assert_string_equal(buf, want);
	close(fd);
}

static void what_the_host_replaced_is_stale(void **state)
{
	struct world *w = *state;
	struct seen seen;
	struct node *n;
	int fd;

	put("f", "one");
	put("other", "content");
	n = find(w, w->ws, "f");
	reads(w, n, "one");
	assert_int_equal(rename("other", "f"), 0);
	assert_int_equal(backing_stat(&w->fs, n, &seen), -ESTALE);
	assert_int_equal(backing_pin(&w->fs, n, &fd, &seen), -ESTALE);
	/* and is not truncated on the way to finding out */
	assert_int_equal(backing_open(&w->fs, n, O_WRONLY | O_TRUNC, &fd, &seen), -ESTALE);
	reads(w, find(w, w->ws, "f"), "content");
}

static void nothing_planted_is_followed(void **state)
{
	struct world *w = *state;
	struct dirref d = BACKING_NO_DIR;
	struct node *n, *dir;
	struct seen seen;
	int fd;

	put("f", "one");
	mkdir("d", 0755);
	mkdir("e", 0755);
	put("d/x", "in d");
	n = find(w, w->ws, "f");
	dir = find(w, w->ws, "d");
	assert_int_equal(rename("d", "d.old") | rename("f", "f.old"), 0);
	assert_int_equal(symlink("/etc", "d") | symlink("/etc/passwd", "f"), 0);
	assert_int_equal(backing_open(&w->fs, n, O_RDONLY, &fd, &seen), -ESTALE);
	assert_int_equal(backing_pin(&w->fs, n, &fd, &seen), -ESTALE);
	assert_int_equal(backing_dir(&w->fs, dir, &d), -ESTALE);
	assert_int_equal(unlink("d") | rename("e", "d"), 0);
	assert_int_equal(backing_dir(&w->fs, dir, &d), -ESTALE);	/* a directory, but another */
	assert_int_equal(rmdir("d") | rename("d.old", "d"), 0);
	assert_int_equal(backing_dir(&w->fs, dir, &d), 0);
	assert_int_equal(backing_look(&d, "x", &seen), 0);
	backing_dir_put(&d);
}

static void a_fifo_in_its_place_holds_up_nobody(void **state)
{
	struct world *w = *state;
	struct seen seen;
	struct node *n;
	int fd;

	put("f", "one");
	n = find(w, w->ws, "f");
	assert_int_equal(unlink("f") | mkfifo("f", 0644), 0);
	alarm(10);
	assert_int_equal(backing_open(&w->fs, n, O_RDONLY, &fd, &seen), -ESTALE);
	assert_int_equal(backing_open(&w->fs, n, O_WRONLY, &fd, &seen), -ESTALE);
	alarm(0);
	assert_int_equal(backing_open(&w->fs, find(w, w->ws, "f"), O_RDONLY, &fd, &seen), -ENXIO);
}

static void any_of_several_names_will_do(void **state)
{
	struct world *w = *state;
	struct node *n;

	put("a", "both");
	assert_int_equal(link("a", "b"), 0);
	n = find(w, w->ws, "a");
	assert_ptr_equal(find(w, w->ws, "b"), n);
	assert_int_equal(unlink("b"), 0);
	reads(w, n, "both");
}

static void open_files_need_no_name(void **state)
{
	struct world *w = *state;
	struct handle *h = calloc(1, sizeof(*h));
	struct seen seen;
	struct node *n;

	put("f", "one");
	n = find(w, w->ws, "f");
	assert_int_equal(backing_open(&w->fs, n, O_RDWR, &h->fd, &seen), 0);
	nodes_handle_add(w->fs.nodes, n, h);
	assert_int_equal(unlink("f"), 0);
	assert_int_equal(backing_stat(&w->fs, n, &seen), 0);
	assert_int_equal(seen.st.st_nlink, 0);
	reads(w, n, "one");
	nodes_handle_remove(w->fs.nodes, h);
	close(h->fd);
	free(h);
	assert_int_equal(backing_stat(&w->fs, n, &seen), -ESTALE);
}

static void directories_as_deep_as_one_likes(void **state)
{
	struct world *w = *state;
	struct node *n = w->ws;
	struct seen seen;
	char *path;

	for (int i = 0; i < 300; i++) {		/* 300 * 31 bytes: beyond PATH_MAX */
		assert_int_equal(mkdir("ddddddddddddddddddddddddddddd", 0755) | chdir("ddddddddddddddddddddddddddddd"), 0);
		n = find(w, n, "ddddddddddddddddddddddddddddd");
		assert_non_null(n);
	}
	put("f", "deep");
	reads(w, find(w, n, "f"), "deep");
	path = nodes_path(w->fs.nodes, n, "f");
	assert_true(strlen(path) > 9000);
	free(path);
	/* three descriptors are kept: from the middle on everything is opened anew */
	for (int i = 0; i < 10; i++)
		assert_int_equal(backing_stat(&w->fs, find(w, w->ws, "ddddddddddddddddddddddddddddd"), &seen), 0);
	reads(w, find(w, n, "f"), "deep");
}

static enum gate_face face_of(struct world *w, const char *dir, const char *name)
{
	cleanup_dir struct dirref d = BACKING_NO_DIR;
	struct gate g = gate_of(w);
	struct policy_decision decision;
	struct spot s;

	assert_int_equal(backing_dir(&w->fs, find_path(w, dir), &d), 0);
	assert_int_equal(gate_spot(&g, &d, name, &s), 0);
	assert_true(s.exists);
	return gate_face(&g, &s, s.seen.st.st_mode, &decision);
}

static void faces(void **state)
{
	struct world *w = *state;
	char *mount[] = { NULL, NULL };

	assert_int_equal(mkdir("open", 0755) | mkdir("way", 0755) | mkdir("way/to", 0755) | mkdir("way/to/named", 0755) |
			 mkdir("absent", 0755) | mkdir("absent/cache", 0755), 0);
	put("open/x", "");
	put("open/x.key", "");
	put("open/h1.hid", "");
	put("secret", "");
	put("readable", "");
	put("way/x", "");
	put("way/to/named/x", "");
	assert_int_equal(face_of(w, "open", "x"), GATE_SEEN);
	assert_int_equal(face_of(w, "open", "x.key"), GATE_SEEN);
	assert_int_equal(face_of(w, "open", "h1.hid"), GATE_HIDDEN);
	assert_int_equal(face_of(w, "", "secret"), GATE_REFUSED);
	assert_int_equal(face_of(w, "", "readable"), GATE_SEEN);
	assert_int_equal(face_of(w, "", "way"), GATE_WAY);
	assert_int_equal(face_of(w, "way", "to"), GATE_WAY);
	assert_int_equal(face_of(w, "way/to/named", "x"), GATE_SEEN);
	assert_int_equal(face_of(w, "absent", "cache"), GATE_ABSENT);
	assert_int_equal(asprintf(&mount[0], "%s/absent/cache", w->top) > 0, 1);
	free(w->fs.mountpoints);
	w->fs.mountpoints = mount;
	assert_int_equal(face_of(w, "", "absent"), GATE_SEEN);
	assert_int_equal(face_of(w, "absent", "cache"), GATE_SEEN);
	w->fs.mountpoints = calloc(1, sizeof(char *));
	free(mount[0]);
}

static int carry(struct world *w, const char *dir, const char *name, const char *new_dir, const char *new_name)
{
	cleanup_dir struct dirref from = BACKING_NO_DIR, to = BACKING_NO_DIR;
	struct gate g = gate_of(w);
	struct spot old, new;

	assert_int_equal(backing_dir(&w->fs, find_path(w, dir), &from) | backing_dir(&w->fs, find_path(w, new_dir), &to), 0);
	assert_int_equal(gate_spot(&g, &from, name, &old) | gate_spot(&g, &to, new_name, &new), 0);
	if (S_ISDIR(old.seen.st.st_mode))
		return subtree_may_move(&g, &from, &old, &new);
	return gate_may_carry(&g, &old, &new);
}

static void nothing_is_laundered(void **state)
{
	struct world *w = *state;

	assert_int_equal(mkdir("open", 0755) | mkdir("open/d", 0755) | mkdir("open/d/e", 0755), 0);
	put("open/x.key", "");
	put("open/x", "");
	put("open/d/e/x", "");
	assert_int_equal(carry(w, "open", "x", "open", "y"), 0);
	assert_int_equal(carry(w, "open", "x.key", "open", "y.key"), 0);
	assert_int_equal(carry(w, "open", "x.key", "open", "y"), -EACCES);
	assert_int_equal(w->refused, 1);
	assert_non_null(strstr(w->last, "open/x.key key"));
	assert_int_equal(carry(w, "open", "x", "", "elsewhere"), -EACCES);	/* writing there is not allowed */
	assert_int_equal(carry(w, "open", "d", "open", "f"), 0);
	put("open/d/e/h2.hid", "");
	assert_int_equal(carry(w, "open", "d", "open", "f"), -ENOENT);
	assert_non_null(strstr(w->last, "open/d/e/h2.hid hidden"));
	assert_int_equal(unlink("open/d/e/h2.hid"), 0);
	put("open/d/e/rc", "");
	assert_int_equal(carry(w, "open", "d", "open", "f"), -EACCES);	/* stood */
	assert_non_null(strstr(w->last, "open/d/e/rc rc"));
}

static void what_is_born_may_be_changed(void **state)
{
	struct world *w = *state;
	struct gate g = gate_of(w);
	cleanup_dir struct dirref d = BACKING_NO_DIR;
	struct spot s;

	assert_int_equal(mkdir("open", 0755), 0);
	put("open/rc", "");
	assert_int_equal(backing_dir(&w->fs, find(w, w->ws, "open"), &d), 0);
	assert_int_equal(gate_spot(&g, &d, "rc", &s), 0);
	assert_int_equal(s.traits, POLICY_T_UNKNOWN);
	assert_int_equal(gate_may(&g, &s, BIT(WRITE)), -EACCES);
	gate_born(&g, &s, &s.seen.id);
	assert_int_equal(w->births, 1);
	assert_int_equal(gate_spot(&g, &d, "rc", &s), 0);
	assert_int_equal(s.traits, 0);
	assert_int_equal(gate_may(&g, &s, BIT(WRITE)), 0);
	/* an absent name is as old as its directory */
	assert_int_equal(unlink("open/rc"), 0);
	assert_int_equal(gate_spot(&g, &d, "rc", &s), 0);
	assert_int_equal(s.traits, POLICY_T_STOOD_FOLDER);
	assert_int_equal(gate_may(&g, &s, BIT(CREATE)), -EACCES);
}

static void listings(void **state)
{
	struct walk w;
	struct walk_entry e;
	unsigned count = 0, r;
	off_t half = 0;
	char name[32];

	(void)state;
	for (int i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "a-rather-long-name-%d", i);
		put(name, "");
	}
	assert_int_equal(walk_begin(&w, open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), 0);
	while ((r = (unsigned)walk_next(&w, &e)) == 1) {
		count++;
		assert_true(walk_is_dot(e.name) || S_ISREG(e.type));
		if (count == 1500)
			half = e.next_off;
	}
	assert_int_equal(r, 0);
	assert_int_equal(count, 3002);
	assert_int_equal(walk_seek(&w, half), 0);
	for (count = 0; walk_next(&w, &e) == 1; count++)
		;
	assert_int_equal(count, 1502);
	walk_end(&w);
}

static void owners(void **state)
{
	struct world *w = *state;
	struct stat st = { .st_uid = 2000, .st_gid = 3000, .st_mode = S_IFREG | 0644 }, as;
	gid_t groups[] = { 3000 };

	w->fs.uid = 1000;
	w->fs.gid = 1000;
	fs_attr(&w->fs, &st, &as);
	assert_int_equal(as.st_uid, 2000);	/* another's, and only to read */
	st.st_mode = S_IFREG | 0664;
	fs_attr(&w->fs, &st, &as);
	assert_int_equal(as.st_uid, 1000);	/* the kernel would not even ask us about writing */
	st.st_uid = 1000;
	w->fs.groups = groups;
	w->fs.group_count = 1;
	fs_attr(&w->fs, &st, &as);
	assert_int_equal(as.st_gid, 1000);
	w->fs.uid = 0;
	fs_attr(&w->fs, &st, &as);
	assert_int_equal(as.st_gid, 3000);	/* root's cage maps everybody */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		TEST(what_the_host_replaced_is_stale),
		TEST(nothing_planted_is_followed),
		TEST(a_fifo_in_its_place_holds_up_nobody),
		TEST(any_of_several_names_will_do),
		TEST(open_files_need_no_name),
		TEST(directories_as_deep_as_one_likes),
		TEST(faces),
		TEST(nothing_is_laundered),
		TEST(what_is_born_may_be_changed),
		TEST(listings),
		TEST(owners),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
