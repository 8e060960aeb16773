/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/policy.h - Read side of the policy: map, check, evaluate
 *
 * Freestanding: no malloc, no stdio, no locks, no globals, errno untouched.
 * Everything here is async-signal-safe and may run in a foreign process.
 *
 * A policy holds up to POLICY_LAYER_MAX layers (base, user or project, system).
 * Inside a layer the first matching rule wins; between layers the strictest,
 * of two redirects the system's, else the base's.
 * Each layer is one deterministic automaton over the bytes of a path, so a
 * question costs the length of the path, whatever the number of rules; and a
 * position in the automata (struct policy_state) can be kept with a directory
 * and advanced by one name.
 */
#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICY_MUST_USE	__attribute__((warn_unused_result))
#define POLICY_RULE_NONE UINT32_MAX	/* no rule matched: the section's default */
#define POLICY_LAYER_MAX 4

/* struct policy_decision.flags */
#define POLICY_F_AUDIT	(1u << 0)	/* report even when allowed */
#define POLICY_F_HIDE	(1u << 1)	/* refusal is ENOENT in lookup, listing and create alike */

/* The word of a command's redirect that stands for the caller's argv[1..] */
#define POLICY_TARGET_ARGS "${ARGS}"

/* What a redirect of a file may be for: whatever opens it */
#define POLICY_OPS_REDIRECT	(POLICY_OP_BIT(POLICY_OP_READ) | POLICY_OP_BIT(POLICY_OP_WRITE) | \
	POLICY_OP_BIT(POLICY_OP_CREATE) | POLICY_OP_BIT(POLICY_OP_TRUNCATE))

/* struct policy_request.traits: what the asker knows about the object. A rule
 * with "stood" (restricting only) matches only when its bit is set; whoever
 * does not know sets both, which is the strict answer. */
#define POLICY_T_STOOD_SELF	(1u << 0) /* the object itself was there when the session started */
#define POLICY_T_STOOD_FOLDER	(1u << 1) /* it was; or it is absent and its directory was there */
#define POLICY_T_UNKNOWN	(POLICY_T_STOOD_SELF | POLICY_T_STOOD_FOLDER)

enum policy_section {
	POLICY_SECTION_NONE = 0,
	POLICY_SECTION_FILES,
	POLICY_SECTION_COMMANDS,
	POLICY_SECTION_NETWORK,
	POLICY_SECTION_SOCKETS,
	POLICY_SECTION_COUNT
};

enum policy_object_kind {
	POLICY_OBJECT_NONE = 0,		/* always denied: a caller bug */
	POLICY_OBJECT_PATH,
	POLICY_OBJECT_EXEC,
	POLICY_OBJECT_ADDR,
	POLICY_OBJECT_COUNT
};

/** enum policy_op - What is attempted. The only list is policy/ops.def. */
enum policy_op {
#define POLICY_OP(id, name, section, object) POLICY_OP_##id,
#include "policy/ops.def"
#undef POLICY_OP
	POLICY_OP_COUNT
};

#define POLICY_OP_BIT(op)	(UINT64_C(1) << (op))
/* the groups of DESIGN 9 */
#define POLICY_OPS_MODIFY	(POLICY_OP_BIT(POLICY_OP_WRITE) | POLICY_OP_BIT(POLICY_OP_CREATE) | \
	POLICY_OP_BIT(POLICY_OP_DELETE) | POLICY_OP_BIT(POLICY_OP_RENAME) | \
	POLICY_OP_BIT(POLICY_OP_LINK) | POLICY_OP_BIT(POLICY_OP_SYMLINK) | \
	POLICY_OP_BIT(POLICY_OP_MKDIR) | POLICY_OP_BIT(POLICY_OP_RMDIR) | \
	POLICY_OP_BIT(POLICY_OP_CHMOD) | POLICY_OP_BIT(POLICY_OP_CHOWN) | \
	POLICY_OP_BIT(POLICY_OP_UTIMES) | POLICY_OP_BIT(POLICY_OP_XATTR) | \
	POLICY_OP_BIT(POLICY_OP_TRUNCATE) | POLICY_OP_BIT(POLICY_OP_MKNOD))
#define POLICY_OPS_FILES	(POLICY_OPS_MODIFY | POLICY_OP_BIT(POLICY_OP_LIST) | \
	POLICY_OP_BIT(POLICY_OP_STAT) | POLICY_OP_BIT(POLICY_OP_READ) | \
	POLICY_OP_BIT(POLICY_OP_EXEC))

/**
 * enum policy_verdict - Ordered by strictness, so merging is taking the minimum
 *
 * Zero denies: a zeroed decision, or one a bug forgot to fill, fails closed.
 */
enum policy_verdict {
	POLICY_DENY = 0,	/* fail with @err */
	POLICY_ASK,		/* hold until a person answers */
	POLICY_REDIRECT,	/* do it to @target instead */
	POLICY_ALLOW,
	POLICY_VERDICT_COUNT
};

/** struct policy_str - Borrowed bytes, not NUL-terminated. @len in bytes. */
struct policy_str {
	const char *s;
	uint32_t len;
};

/** struct policy_subject - Who. An empty @exe is "unknown": "by" rules match (they only restrict). */
struct policy_subject {
	struct policy_str exe;		/* absolute, as seen in the cage */
};

/** struct policy_object - What to. @kind must be the one ops.def gives the op. */
struct policy_object {
	enum policy_object_kind kind;
	union {
		struct policy_str path;	/* absolute, normalised: policy_path_join() */
		struct {
			struct policy_str path;		/* resolved object */
			struct policy_str asked;	/* as the caller named it; may equal path */
			const char *const *argv;	/* NUL-terminated strings */
			uint32_t argc;
		} exec;
		struct {
			uint8_t ip[16];		/* v4-mapped */
			uint16_t port;		/* host order */
		} addr;
	};
};

struct policy_request {
	enum policy_op op;
	uint32_t traits;		/* POLICY_T_* */
	struct policy_subject subject;
	struct policy_object object;
};

/**
 * struct policy_decision - The answer
 * @verdict:	What to do
 * @rule_id:	Index of the deciding rule over all layers, POLICY_RULE_NONE for the default
 * @err:	errno to fail with, > 0, set only with POLICY_DENY (EACCES; ENOENT when hidden)
 * @flags:	POLICY_F_*
 * @rule:	The rule's "id". "default" when none matched. Borrowed from the mapping
 * @message:	For the agent: what to do instead. Borrowed from the mapping; may be empty
 * @target:	Only with POLICY_REDIRECT. Borrowed from the mapping. Of a file its path; of a
 *		program the words to run, each followed by a NUL that @target.len counts, of which
 *		POLICY_TARGET_ARGS stands for the caller's argv[1..]
 */
struct policy_decision {
	enum policy_verdict verdict;
	uint32_t rule_id;
	int32_t err;
	uint32_t flags;
	struct policy_str rule, message, target;
};

/** struct policy - A checked blob. Two words, copied freely; fields are private. */
struct policy {
	const void *base;
	size_t size;
};

/** struct policy_state - Position in the files automata after a path. Plain data: compare with memcmp(). */
struct policy_state {
	uint32_t s[POLICY_LAYER_MAX];	/* unused layers are 0 */
};

/**
 * struct policy_beneath - What can be decided strictly beneath a directory
 * @may_allow:	Ops that some name beneath may be allowed
 * @may_refuse:	Ops that some name beneath may be refused (deny, ask, redirect)
 * @hides:	Some name beneath may be hidden
 * @conditional: Some decision beneath depends on "by" or "stood"
 *
 * An op in both masks is not uniform. @may_allow & @may_refuse == 0 and not
 * @hides and not @conditional: nothing beneath is told apart.
 */
struct policy_beneath {
	uint64_t may_allow, may_refuse;
	bool hides, conditional;
};

/**
 * policy_open() - Check every offset, count and string of a compiled policy
 * @ret:	Set on success only; borrows @base, which must outlive it
 * @base:	Blob, 8-byte aligned
 * @size:	Size of @base, bytes
 *
 * The one place that trusts nothing; after it policy_eval() cannot fail.
 *
 * Return: 0; -EBADMSG malformed; -EPROTO other version; -EINVAL misaligned
 */
int policy_open(struct policy *ret, const void *base, size_t size) POLICY_MUST_USE;

/**
 * policy_map_fd() - Map a sealed memfd read-only, then policy_open() it
 * @ret:	Set on success only; release with policy_unmap()
 * @fd:		Borrowed; may be closed after return
 *
 * Return: as policy_open(); -EPERM if a seal is missing; -errno of fstat/mmap
 *
 * Source: memfd_create(2), fcntl(2) F_GET_SEALS. Mapped MAP_PRIVATE, which
 * every kernel with seals accepts.
 */
int policy_map_fd(struct policy *ret, int fd) POLICY_MUST_USE;
void policy_unmap(struct policy *p);

/**
 * policy_eval() - Decide one request
 * @p:		From policy_open() or policy_map_fd()
 * @req:	Strings need only live for the call
 * @ret:	Always filled
 *
 * First matching rule of each layer, strictest of the layers. O(path length),
 * under 1 KiB of stack.
 */
void policy_eval(const struct policy *p, const struct policy_request *req,
		 struct policy_decision *ret);

/** policy_state_root() - The position of "/" itself */
void policy_state_root(const struct policy *p, struct policy_state *ret);

/**
 * policy_state_step() - Advance from a directory to one of its names
 * @ret:	May be @dir
 * @name:	One component: no '/', not empty, not "." or ".."
 */
void policy_state_step(const struct policy *p, const struct policy_state *dir,
		       struct policy_str name, struct policy_state *ret);

/** policy_state_path() - The position of an absolute, normalised path */
void policy_state_path(const struct policy *p, struct policy_str path,
		       struct policy_state *ret);

/** policy_eval_state() - As policy_eval() for a files op, the path being a kept position */
void policy_eval_state(const struct policy *p, const struct policy_state *st,
		       enum policy_op op, uint32_t traits,
		       const struct policy_subject *subject, struct policy_decision *ret);

/**
 * policy_state_class() - Two names with one class are decided alike, always
 *
 * For whoever shares an inode between names: hard links whose names differ in
 * class must not share it. Says nothing about names beneath.
 */
uint64_t policy_state_class(const struct policy *p, const struct policy_state *st);

/** policy_state_beneath() - What can be decided strictly beneath this directory; O(1) */
void policy_state_beneath(const struct policy *p, const struct policy_state *st,
			  struct policy_beneath *ret);

/** policy_merge() - Keep the stricter, for ops with two objects (rename, link) */
void policy_merge(struct policy_decision *acc, const struct policy_decision *other);

/** policy_has_by() - Some rule is limited to a program: the asker must find out who */
bool policy_has_by(const struct policy *p, enum policy_section section);

/** policy_has_rules() - The section has rules, or a default other than allow */
bool policy_has_rules(const struct policy *p, enum policy_section section);

/**
 * policy_path_join() - Resolve "." and ".." textually against a directory
 * @buf:	Result, NUL-terminated
 * @size:	Size of @buf, bytes
 *
 * Purely lexical: symlinks are the caller's business, because only the caller
 * knows in whose mount namespace.
 *
 * Return: length without the NUL; -ENAMETOOLONG; -EINVAL if @base is relative
 */
int policy_path_join(char *buf, size_t size, struct policy_str base,
		     struct policy_str path) POLICY_MUST_USE;

const char *policy_op_name(enum policy_op op);	/* static; "?" if out of range */
enum policy_section policy_op_section(enum policy_op op);
enum policy_object_kind policy_op_object(enum policy_op op);
const char *policy_verdict_name(enum policy_verdict v);	/* static */

static inline struct policy_str policy_str(const char *s)
{
	return (struct policy_str){ s, s ? (uint32_t)__builtin_strlen(s) : 0 };
}

#endif /* POLICY_POLICY_H */
