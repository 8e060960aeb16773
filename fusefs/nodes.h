/* SPDX-License-Identifier: Apache-2.0
 *
 * fusefs/nodes.h - What the kernel knows: nodes, their names, their positions in the policy
 *
 * DOC: What shares a node
 *
 * Hard links whose names are decided alike (policy_state_class()) share one,
 * and with it one page cache and one set of locks; names that are decided
 * differently never do. A directory is one node for each position in the
 * policy it is reached at, which is one unless the host mounts it twice.
 *
 * A node keeps its names (parent and text): they are what is judged, logged
 * and opened. If renames leave a node with names of different classes, the
 * strictest counts until the kernel has looked them up again.
 *
 * Everything here takes nodes.lock for itself. Nodes that the kernel knows stay
 * as long as the kernel holds them; what a struct place holds stays too.
 */
#ifndef FUSEFS_NODES_H
#define FUSEFS_NODES_H

#include <limits.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "common/base.h"
#include "policy/policy.h"

#define NODES_NAMES_MAX 8	/* names kept with a node; a store with a thousand links needs no more to be opened */

struct node;			/* opaque */
struct nodes;			/* opaque */

/** struct node_id - Which object. The birth time tells it from a later one with the same number */
struct node_id {
	uint64_t dev, ino;
	int64_t birth_ns;	/* 0: the file system does not tell */
};

/** struct place - One name of a node. Holds @dir; nodes_place_put() */
struct place {
	struct node *dir;
	char name[NAME_MAX + 1];
};

/** struct handle - One open file, for what is asked of a file that has no name any more */
struct handle {
	int fd;
	struct node *node;
	struct handle *next;
};

struct nodes *nodes_new(const struct policy *policy, size_t fd_max);	/* NULL: ENOMEM */
struct nodes *nodes_free(struct nodes *t);				/* NULL ok; returns NULL */
struct node *nodes_root(struct nodes *t);

/**
 * nodes_add_ancestor() - A directory above the served roots, which exists only here
 * Return: the node, the same for the same name; NULL: ENOMEM
 */
struct node *nodes_add_ancestor(struct nodes *t, struct node *parent, const char *name);
/** nodes_add_root() - A served root, with the O_PATH descriptor it is reached by (taken over on success) */
struct node *nodes_add_root(struct nodes *t, struct node *parent, const char *name,
			    const struct node_id *id, int fd);
/** nodes_child() - The child of an ancestor; NULL if there is none */
struct node *nodes_child(struct nodes *t, const struct node *parent, const char *name);
/** nodes_nth_child() - The same by number, its name with it. For listing. */
struct node *nodes_nth_child(struct nodes *t, const struct node *parent, size_t n, const char **ret_name);

/* What never changes of a node */
bool node_is_ancestor(const struct node *n);	/* exists only here */
bool node_is_root(const struct node *n);	/* a served root */
mode_t node_type(const struct node *n);		/* S_IFMT bits */
struct node_id node_id(const struct node *n);
uint64_t node_ino(const struct node *n);	/* for st_ino of ancestors */

/**
 * nodes_intern() - The node of a name that was just looked at; counts one lookup for the kernel
 * @state:	Position of the name
 * Return: the node; NULL: ENOMEM
 */
struct node *nodes_intern(struct nodes *t, struct node *parent, const char *name,
			  const struct policy_state *state, const struct node_id *id, mode_t type);
void nodes_forget(struct nodes *t, struct node *n, uint64_t count);

/** nodes_state() - Position of a directory, after any renames above it */
void nodes_state(struct nodes *t, struct node *dir, struct policy_state *ret);
/** nodes_states() - Positions of all names of a node, gone ones too; how many */
size_t nodes_states(struct nodes *t, struct node *n, struct policy_state ret[NODES_NAMES_MAX]);
/** nodes_place() - The @i-th name; false if there is none or it is gone */
bool nodes_place(struct nodes *t, struct node *n, size_t i, struct place *ret);
void nodes_place_put(struct nodes *t, struct place *p);
/** nodes_path() - Absolute path of a node, or of @name in it; free() it; NULL: ENOMEM */
char *nodes_path(struct nodes *t, const struct node *n, const char *name);
/** nodes_parent_of() - The directory of a directory; NULL for "/" */
struct node *nodes_parent_of(struct nodes *t, const struct node *dir);
/** nodes_number_of() - The kernel's number of the node of an object that has this name, for naming it only; 0 */
uintptr_t nodes_number_of(struct nodes *t, const struct node_id *id, const struct node *dir, const char *name);
/** nodes_epoch() - Changes with each rename of a directory */
uint32_t nodes_epoch(struct nodes *t);

/** nodes_unbind() - A name is gone. @is_last: and the object with it, or all that is known of it */
void nodes_unbind(struct nodes *t, const struct node *dir, const char *name, const struct node_id *id,
		  bool is_last);
/** nodes_drop_name() - The host has put something else there */
void nodes_drop_name(struct nodes *t, struct node *n, const struct place *p);

/** struct nodes_move - One name becoming another */
struct nodes_move {
	struct node *old_dir, *new_dir;
	const char *old_name, *new_name;
	const struct node_id *id;
	const struct node_id *other_id;	/* what was at the new name; NULL: nothing */
	bool exchange;			/* else @other_id lost its name */
	bool other_is_last;
};
void nodes_rename(struct nodes *t, const struct nodes_move *m);

/* Descriptors of directories: O_PATH, at most @fd_max but for those in use */
/** nodes_fd_get() - The kept one; -1 if there is none. Pair with nodes_fd_put() */
int nodes_fd_get(struct nodes *t, struct node *dir);
void nodes_fd_put(struct nodes *t, struct node *dir);
/** nodes_fd_keep() - Keep @fd (taken over); returns the one in use, which may be another's */
int nodes_fd_keep(struct nodes *t, struct node *dir, int fd);

/* Open files */
void nodes_handle_add(struct nodes *t, struct node *n, struct handle *h);
void nodes_handle_remove(struct nodes *t, struct handle *h);
/** nodes_handle_dup() - A duplicate of some open descriptor of the node; -EBADF: none */
int nodes_handle_dup(struct nodes *t, struct node *n);

/**
 * nodes_content_is_known() - Was the content the same when it was last opened (or listed)?
 *
 * Remembers @mtime_ns and @size for the next question. A change within the
 * last moments of the file system's clock could be followed by one with the
 * same time: such content counts as unknown.
 */
bool nodes_content_is_known(struct nodes *t, struct node *n, int64_t mtime_ns, int64_t size, int64_t now_ns);

/** nodes_tell() - The kernel is told these of a node */
void nodes_tell(struct nodes *t, struct node *n, int64_t mtime_ns, int64_t size);
/** nodes_was_told() - Was it told these last? */
bool nodes_was_told(struct nodes *t, struct node *n, int64_t mtime_ns, int64_t size);

size_t nodes_count(struct nodes *t);

#endif /* FUSEFS_NODES_H */
