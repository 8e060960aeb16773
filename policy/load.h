/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/load.h - From files and command-line grants to one loaded policy
 *
 * Write side: reads JSON (policy/json_in.c, the only user of cJSON), resolves
 * "extends", expands variables, stacks system, user and project layers,
 * compiles. Everything a session needs besides the blob comes out of here too:
 * environment rules, limits, tracing, nested, and the texts for the plan.
 */
#ifndef POLICY_LOAD_H
#define POLICY_LOAD_H

#include "policy/compile.h"

/** struct policy_vars - What ${...} and ~ stand for. Absolute, normalised, symlinks resolved by the caller. */
struct policy_vars {
	const char *workspace, *home, *session;	/* session may be NULL: ${SESSION} is then an error */
	char **environ;				/* ${SSH_AUTH_SOCK} and the like */
	char *const *command;			/* what the session runs, for ${COMMAND:KEY}; may be NULL */
};

/** struct policy_sources - Where the layers come from. NULL strings are "not given". */
struct policy_sources {
	const char *base;		/* --policy: a built-in name, or a file if it holds '/' or ends in .json */
	const char *user_file;		/* used as the base when @base is NULL and it exists; else "developer" */
	const char *system_file;	/* /etc/agentsh/policy.json */
	const char *project_file;	/* WORKSPACE/.agentsh/policy.json; may hold only deny, ask, redirect */
	const char *cache_dir;		/* compiled policies are kept here: policy/cache.h; NULL: nowhere */
	const char *profiles_dir;	/* built-in policies when not compiled in; NULL: the compiled-in ones */
	const char *const *allow_read, *const *allow_write, *const *allow_host; /* NULL-ended lists, may be NULL */
};

/** struct policy_env_rule - environment.remove / keep / set */
enum policy_env_kind {
	POLICY_ENV_REMOVE = 0,
	POLICY_ENV_KEEP,
	POLICY_ENV_SET,
	POLICY_ENV_STRIP	/* remove of a system or project file: KEEP and SET do not beat it */
};
struct policy_env_rule {
	enum policy_env_kind kind;
	const char *name;		/* pattern, but for SET */
	const char *value;		/* SET */
	bool each;			/* applies at every exec, not at the start of the session alone */
};

/** struct policy_anchor - Where the text of a files rule stands, for the plan */
struct policy_anchor {
	const char *pattern;		/* expanded */
	const char *rule;		/* id */
	uint64_t ops;
	enum policy_verdict verdict;
	uint32_t flags;			/* POLICY_F_*, POLICY_RULE_* */
	bool by;
	const char *target;		/* POLICY_REDIRECT: the path; else NULL */
};

/** struct policy_listed - One rule of any section, for people. The index is the rule_id of decisions. */
struct policy_listed {
	enum policy_section section;
	enum policy_verdict verdict;
	uint32_t flags;
	uint64_t ops;
	const char *id, *layer;
	const char *file;		/* where it was written: a path, "built-in:NAME", "command line", "agentsh" */
	uint32_t line, column;		/* in that file; 0 if it is none */
	const char *const *pattern;	/* paths or programs; NULL for network rules */
	size_t pattern_count;
	const struct policy_net *net;
	size_t net_count;
	bool has_args, has_by;
	const char *target;		/* POLICY_REDIRECT: as policy_decision.target; else NULL */
	size_t target_len;
};

/** struct policy_command - A program that a commands rule keeps from running whatever its arguments, for the plan */
struct policy_command {
	const char *pattern;		/* base name or absolute pattern */
	const char *rule;
};

/** struct policy_loaded - One policy, ready. Owned; policy_loaded_free(). */
struct policy_loaded {
	char *name;
	struct policy policy;		/* mapped from @fd */
	int fd;				/* sealed memfd */
	struct policy_env_rule *env;
	size_t env_count;
	struct policy_anchor *anchor;	/* all layers, files rules, in order */
	size_t anchor_count;
	struct policy_listed *rule;	/* all layers, all sections, in the builder's order */
	size_t rule_count;
	struct policy_command *command;
	size_t command_count;
	const char *search_path;	/* PATH as the command will have it; may be NULL */
	char *workspace, *home;
	uint64_t limit_processes, limit_open_files;	/* 0: not set */
	bool tracing;			/* allowed */
	bool nested;
	bool package_manager;		/* a caged root has the six capabilities that those need */
	char **files;			/* every file read, NULL-ended: the plan keeps them out of reach */
};

/**
 * policy_load() - Read, stack, compile, seal, map
 *
 * Refuses, with file, line and column, whatever is malformed, unknown,
 * unreachable or not yet supported (DESIGN 16.8: ask, registry, pipe, redirects of
 * the network, host names, sockets that allow, limits.memory). Nothing is ignored.
 *
 * Return: 0; -EINVAL and *@reterr filled; -ENOENT (with diag) for a missing file; -ENOMEM
 */
int policy_load(struct policy_loaded **ret, const struct policy_sources *src,
		const struct policy_vars *vars, struct policy_diag *reterr) POLICY_MUST_USE;
struct policy_loaded *policy_loaded_free(struct policy_loaded *l);	/* NULL ok; returns NULL */

/** policy_env_apply() - A new environment by the rules; keep beats remove, set comes last. Free with policy_env_free(). */
char **policy_env_apply(const struct policy_loaded *l, char *const *environ);
/** policy_env_each() - The same by those rules alone that are for every exec */
char **policy_env_each(const struct policy_loaded *l, char *const *environ);
void policy_env_free(char **envp);

#endif /* POLICY_LOAD_H */
