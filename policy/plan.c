/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/plan.c - Which face each subtree gets
 *
 * DOC: Theory of Operation
 *
 * The walk goes down from "/", which is never mounted itself, along the names
 * that rules spell out. A directory beneath which everything is decided alike
 * gets its face and the walk ends there. One in which names are told apart is
 * served if it is the directory of such a name; if only deeper names are, it is
 * bound as its other names are decided and the walk goes on into the literal
 * ones. A mount over a bound directory falls off when somebody on the host
 * renames what it stands on, so what is then seen must never be more than what
 * the mount showed: a stricter child of a bound directory is always served, and
 * a refused name always makes its own directory served.
 */
#include "policy/plan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/diag.h"
#include "policy/plan_walk.h"

struct owned_plan {
	struct plan public;		/* first: what callers hold points here */
	struct arena arena;
};

/** struct place - A directory on the way down */
struct place {
	const char *path;
	struct policy_state st;
};

static int walk_directory(struct walk *w, const struct place *p);

static bool is_served_path(const struct walk *w, const char *path, const char **ret_why)
{
	for (size_t i = 0; i < w->served_count; i++) {
		if (strcmp(w->served[i], path) == 0) {
			*ret_why = w->served_why[i];
			return true;
		}
	}
	return false;
}

static bool has_served_beneath(const struct walk *w, const char *path)
{
	for (size_t i = 0; i < w->served_count; i++)
		if (plan_is_beneath(w->served[i], path))
			return true;
	return false;
}

static bool is_visible(const struct walk *w, const struct policy_state *st, const struct plan_own *own)
{
	return (own->strict | own->loose) != 0 || plan_uniform(w, st) != PLAN_ABSENT;
}

/*
 * The kernel refuses it already: the rule takes nothing but reading or running,
 * and the file's own mode takes that from us (or it is not there, in a directory
 * that we cannot change). /etc/shadow is why: serving all of /etc for it would
 * cost every program start.
 */
static bool is_guarded(const struct walk *w, const char *dir, const char *path, const struct stat *st,
		       const struct plan_own *own, const struct plan_own *other)
{
	uint64_t look = POLICY_OP_BIT(POLICY_OP_READ) | POLICY_OP_BIT(POLICY_OP_EXEC);

	if (w->is_root || own->hides || own->redirected || (other->strict & ~own->strict & ~look) ||
	    (own->strict & ~other->strict) || own->strict != own->loose)
		return false;
	if (!st)
		return faccessat(AT_FDCWD, dir, W_OK, AT_EACCESS) < 0;
	return S_ISREG(st->st_mode) && faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) < 0 &&
	       errno == EACCES;
}

/* ---- one child of a directory that is not uniform ---- */

enum child_kind {
	CHILD_NOTHING = 0,	/* as the other names, or nothing to see */
	CHILD_WALK,		/* a directory to go on into */
	CHILD_SERVE		/* makes the directory served */
};

/* Beside names of which nothing is seen */
static enum child_kind judge_among_none(const struct walk *w, const struct policy_state *st,
					const struct plan_own *own, const struct stat *found)
{
	struct policy_beneath b;

	if (!is_visible(w, st, own))
		return CHILD_NOTHING;
	if (found)
		return S_ISDIR(found->st_mode) ? CHILD_WALK : CHILD_SERVE;
	policy_state_beneath(&w->l->policy, st, &b);
	/* not there yet: of use only if it may be made */
	return (b.may_allow | own->loose) & POLICY_OPS_MODIFY ? CHILD_SERVE : CHILD_NOTHING;
}

/* Beside names that are all bound as @base */
static enum child_kind judge_among_bound(const struct walk *w, const struct place *dir,
					 const char *path, const struct policy_state *st,
					 const struct plan_own *own, const struct plan_own *other,
					 enum plan_face base, const struct stat *found)
{
	enum plan_face face = plan_uniform(w, st);

	/* A directory that stands and is given whole is bound: that it cannot be removed itself, being
	 * a mount point, is little against serving all of its neighbours */
	if (face == PLAN_WRITABLE && plan_face_fits(face, own) && found && S_ISDIR(found->st_mode))
		return CHILD_WALK;
	if (base == PLAN_READONLY && plan_is_handed_in(own, other, found))
		return CHILD_NOTHING;
	if (!plan_own_equal(own, other) && !is_guarded(w, dir->path, path, found, own, other))
		return CHILD_SERVE;
	if (found && S_ISDIR(found->st_mode))
		return face == base && !has_served_beneath(w, path) ? CHILD_NOTHING : CHILD_WALK;
	if (face == base)
		return CHILD_NOTHING;
	/* A file or a link has nothing beneath it, as long as nobody inside can replace it.
	 * A name that is not there yet may come to be, with what the rule says of it. */
	return found && base == PLAN_READONLY ? CHILD_NOTHING : CHILD_SERVE;
}

struct fork {
	const char **name;
	size_t name_count;
	enum plan_face base;		/* of the other names; PLAN_SKELETON: nothing is seen of them */
	struct plan_own other;
};

static enum child_kind judge_child(struct walk *w, const struct place *dir, const struct fork *f,
				   const char *name, struct place *ret)
{
	struct plan_own own;
	struct stat sb;
	const struct stat *found;
	const char *why;

	ret->path = plan_join(w, dir->path, name);
	if (!ret->path)
		return CHILD_SERVE;		/* walk_directory() meets the same and reports it */
	plan_step(w, &dir->st, name, &ret->st);
	found = lstat(ret->path, &sb) == 0 ? &sb : NULL;
	if (is_served_path(w, ret->path, &why) || (found && has_served_beneath(w, ret->path)))
		return CHILD_WALK;
	own = plan_own(w, &ret->st);
	if (f->base == PLAN_SKELETON)
		return judge_among_none(w, &ret->st, &own, found);
	return judge_among_bound(w, dir, ret->path, &ret->st, &own, &f->other, f->base, found);
}

static enum plan_face base_face(const struct walk *w, const struct place *p, struct plan_own *ret_other)
{
	struct policy_state st;
	enum plan_face face;

	plan_step_other(w, &p->st, &st);
	*ret_other = plan_own(w, &st);
	face = plan_uniform(w, &st);
	if (!is_visible(w, &st, ret_other))
		return PLAN_SKELETON;
	if ((face == PLAN_READONLY || face == PLAN_WRITABLE) && plan_face_fits(face, ret_other))
		return face;
	return PLAN_SERVED;
}

static int rank(enum plan_face f)
{
	return f == PLAN_WRITABLE ? 2 : f == PLAN_READONLY ? 1 : 0;
}

static int walk_children(struct walk *w, const struct place *dir, const struct fork *f)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < f->name_count; i++) {
		struct place child;
		enum plan_face face;

		if (judge_child(w, dir, f, f->name[i], &child) != CHILD_WALK)
			continue;
		face = plan_uniform(w, &child.st);
		/* what shows when the mount falls off must not be more */
		if (f->base != PLAN_SKELETON && face != PLAN_FACE_COUNT && rank(face) < rank(f->base) &&
		    !has_served_beneath(w, child.path))
			r = plan_serve(w, child.path, plan_why(w, child.path, "refused beneath"));
		else
			r = walk_directory(w, &child);
	}
	return r;
}

static int walk_fork(struct walk *w, const struct place *p)
{
	struct fork f = { .name = NULL };
	bool is_served;
	int r = plan_children(w, p->path, &f.name, &f.name_count);

	if (r < 0)
		return r;
	f.base = base_face(w, p, &f.other);
	is_served = f.base == PLAN_SERVED || plan_tells_names(w, p->path, f.base == PLAN_READONLY);
	for (size_t i = 0; !is_served && i < f.name_count; i++) {
		struct place child;

		is_served = judge_child(w, p, &f, f.name[i], &child) == CHILD_SERVE;
	}
	if (is_served)
		return plan_serve(w, p->path, plan_why(w, p->path, "names are told apart"));
	r = plan_add(w, p->path, f.base, f.base == PLAN_SKELETON ? "holds what is named beneath it" :
		     "as its other names");
	return r < 0 ? r : walk_children(w, p, &f);
}

static int walk_directory(struct walk *w, const struct place *p)
{
	enum plan_face face = plan_uniform(w, &p->st);
	const char *why;

	if (!p->path)
		return -ENOMEM;
	if (is_served_path(w, p->path, &why))
		return plan_serve(w, p->path, why);
	if (face == PLAN_FACE_COUNT || has_served_beneath(w, p->path))
		return walk_fork(w, p);
	if (face == PLAN_ABSENT)
		return 0;
	return plan_add(w, p->path, face, plan_why(w, p->path, "nothing is told apart in it"));
}

/* ---- what the cage makes itself: /tmp and /run hold only what is spelled out ---- */

/* The most that the rules which name @path give */
static enum plan_face granted_face(const struct walk *w, const char *path)
{
	uint64_t ops = 0;

	for (size_t i = 0; i < w->line_count; i++)
		if (w->line[i].anchor->verdict == POLICY_ALLOW && strcmp(w->line[i].literal, path) == 0)
			ops |= w->line[i].anchor->ops;
	return ops & POLICY_OPS_MODIFY ? PLAN_WRITABLE : ops ? PLAN_READONLY : PLAN_ABSENT;
}

static int walk_fixed(struct walk *w, const struct place *p);

static int walk_fixed_child(struct walk *w, const struct place *dir, const char *name)
{
	struct place child = { .path = plan_join(w, dir->path, name) };
	enum plan_face face, granted;
	struct stat sb;
	const char *why;

	if (!child.path)
		return -ENOMEM;
	plan_step(w, &dir->st, name, &child.st);
	if (lstat(child.path, &sb) < 0 || !S_ISDIR(sb.st_mode))
		return 0;
	if (is_served_path(w, child.path, &why))
		return plan_serve(w, child.path, why);
	granted = granted_face(w, child.path);
	if (granted == PLAN_ABSENT || has_served_beneath(w, child.path))
		return walk_fixed(w, &child);
	face = plan_uniform(w, &child.st);
	if (face == PLAN_FACE_COUNT)
		return walk_directory(w, &child);
	/* "/tmp/ **" speaks of the private /tmp, not of what a grant brings into it */
	face = rank(face) < rank(granted) ? face : granted;
	return plan_add(w, child.path, face, plan_why(w, child.path, "granted"));
}

static int walk_fixed(struct walk *w, const struct place *p)
{
	const char **name;
	size_t count;
	int r = plan_children(w, p->path, &name, &count);

	for (size_t i = 0; r == 0 && i < count; i++)
		r = walk_fixed_child(w, p, name[i]);
	return r;
}

static enum plan_face tmp_face(const struct walk *w)
{
	struct place tmp = { .path = "/tmp" };
	struct walk private = *w;
	struct plan_own own;
	enum plan_face face;

	policy_state_path(&w->l->policy, policy_str(tmp.path), &tmp.st);
	private.serves_writes = false;	/* it lies where nobody else can go */
	face = base_face(&private, &tmp, &own);
	if (face == PLAN_WRITABLE)
		return face;
	return face == PLAN_SKELETON ? PLAN_ABSENT : PLAN_READONLY;
}

/* ---- the top ---- */

static int add_link(struct walk *w, const char *path)
{
	char target[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	int r;

	if (n < 0)
		return 0;
	target[n] = '\0';
	r = plan_add(w, path, PLAN_READONLY, "a link; what it leads to is decided there");
	if (r < 0)
		return r;
	w->plan->entry[w->plan->entry_count - 1].is_directory = false;
	w->plan->entry[w->plan->entry_count - 1].link = arena_strdup(w->arena, target);
	return w->plan->entry[w->plan->entry_count - 1].link ? 0 : -ENOMEM;
}

static int walk_top_name(struct walk *w, const struct place *root, const char *name)
{
	static const char *const made_by_cage[] = { "proc", "sys", "dev" };
	struct place p = { .path = plan_join(w, "/", name) };
	struct plan_own own;
	struct stat sb;
	int r;

	if (!p.path)
		return -ENOMEM;
	for (size_t i = 0; i < ARRAY_SIZE(made_by_cage); i++)
		if (strcmp(name, made_by_cage[i]) == 0)
			return 0;
	plan_step(w, &root->st, name, &p.st);
	if (strcmp(name, "tmp") == 0 || strcmp(name, "run") == 0)
		return walk_fixed(w, &p);
	if (lstat(p.path, &sb) < 0)
		return 0;
	own = plan_own(w, &p.st);
	if (S_ISLNK(sb.st_mode))
		return own.strict & POLICY_OP_BIT(POLICY_OP_STAT) ? add_link(w, p.path) : 0;
	if (S_ISDIR(sb.st_mode))
		return walk_directory(w, &p);
	if (!S_ISREG(sb.st_mode) || !plan_face_fits(PLAN_READONLY, &own))
		return 0;
	r = plan_add(w, p.path, PLAN_READONLY, "a file at the top");
	if (r == 0)
		w->plan->entry[w->plan->entry_count - 1].is_directory = false;
	return r;
}

static int walk_top(struct walk *w)
{
	struct place root = { .path = "/" };
	DIR *d = opendir("/");
	const struct dirent *e;
	int r;

	if (!d)
		return diag_at(w->diag, 0, 0, "/ cannot be listed: %s", strerror(errno));
	policy_state_root(&w->l->policy, &root.st);
	r = plan_add(w, "/", PLAN_SKELETON, "holds what is named beneath it");
	while (r == 0 && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			r = walk_top_name(w, &root, e->d_name);
	(void)closedir(d);		/* read only */
	return r;
}

/* ---- outside ---- */

/* '/' before every other byte: parents stand before their children */
static int compare_entries(const void *va, const void *vb)
{
	const unsigned char *a = (const void *)((const struct plan_entry *)va)->path;
	const unsigned char *b = (const void *)((const struct plan_entry *)vb)->path;

	while (*a && *a == *b) {
		a++;
		b++;
	}
	return (*a == '/' ? 1 : *a ? *a + 1 : 0) - (*b == '/' ? 1 : *b ? *b + 1 : 0);
}

/* There are places that the cage makes itself */
static int check_places(const struct walk *w)
{
	static const char *const fixed[] = { "/dev", "/proc", "/sys" };
	const char *const paths[] = { w->l->workspace, w->l->home };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		for (size_t k = 0; k < ARRAY_SIZE(fixed); k++)
			if (strcmp(paths[i], fixed[k]) == 0 || plan_is_beneath(paths[i], fixed[k]))
				return diag_at(w->diag, 0, 0, "%s cannot be a %s: the cage has a %s of its own",
					       diag_quote(paths[i]).s, i ? "home" : "workspace", fixed[k]);
	return 0;
}

/* Whatever the walk did, nothing starts unless these two are served */
static int check_served(const struct walk *w)
{
	const char *const paths[] = { w->l->workspace, w->l->home };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		const struct plan_entry *e = plan_find(w->plan, paths[i]);

		if (!e || e->face != PLAN_SERVED)
			return diag_at(w->diag, 0, 0, "%s is no directory that can be served",
				       diag_quote(paths[i]).s);
	}
	return 0;
}

static int make(struct walk *w)
{
	int r = check_places(w);

	if (r == 0)
		r = plan_lines(w);
	if (r == 0)
		r = plan_find_served(w);
	if (r == 0)
		r = walk_top(w);
	if (r < 0)
		return r;
	qsort(w->plan->entry, w->plan->entry_count, sizeof(*w->plan->entry), compare_entries);
	r = check_served(w);
	if (r < 0)
		return r;
	w->plan->tmp = tmp_face(w);
	r = plan_opens(w);
	if (r < 0)
		return r;
	w->plan->home_is_served = true;
	w->plan->by_files = policy_has_by(&w->l->policy, POLICY_SECTION_FILES);
	return 0;
}

int plan_make(struct plan **ret, const struct policy_loaded *l, struct policy_diag *reterr)
{
	struct owned_plan *o = calloc(1, sizeof(*o));
	struct walk w = {
		.l = l, .diag = reterr, .is_root = geteuid() == 0,
		.serves_writes = geteuid() == 0 && !l->package_manager,
	};
	int r;

	*reterr = (struct policy_diag){ .line = 0 };
	if (!o)
		return diag_memory(reterr);
	w.arena = &o->arena;
	w.plan = &o->public;
	r = make(&w);
	if (r < 0) {
		if (r == -ENOMEM)
			(void)diag_memory(reterr);
		plan_free(&o->public);
		return r;
	}
	*ret = &o->public;
	return 0;
}

struct plan *plan_free(struct plan *p)
{
	struct owned_plan *o = (struct owned_plan *)p;

	if (o)
		arena_free(&o->arena);
	free(o);
	return NULL;
}

const char *plan_face_name(enum plan_face f)
{
	static const char *const names[PLAN_FACE_COUNT] = {
		[PLAN_ABSENT] = "absent",
		[PLAN_SKELETON] = "skeleton",
		[PLAN_READONLY] = "read-only",
		[PLAN_WRITABLE] = "writable",
		[PLAN_SERVED] = "served",
	};

	return f < PLAN_FACE_COUNT ? names[f] : "?";
}

/* The doorman asks at each open that he traps: most entries differ in a byte or two */
static bool covers(const char *dir, const char *path)
{
	if (dir[1] == '\0')
		return true;
	while (*dir && *dir == *path) {
		dir++;
		path++;
	}
	return *dir == '\0' && (*path == '\0' || *path == '/');
}

const struct plan_entry *plan_find(const struct plan *p, const char *path)
{
	const struct plan_entry *best = NULL;

	for (size_t i = 0; i < p->entry_count; i++) {
		const struct plan_entry *e = &p->entry[i];

		if (covers(e->path, path))
			best = e;
	}
	return best;
}
