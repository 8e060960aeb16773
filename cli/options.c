/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/options.c - The command line of "agentsh [options] [--] command"
 */
#include "cli/options.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "common/base.h"

enum option_kind { OPTION_FLAG = 0, OPTION_TEXT, OPTION_LIST, OPTION_FD };

struct option_row {
	const char *name, *value, *help;
	enum option_kind kind;
	size_t at;		/* byte offset of the field in struct options */
};

#define AT(field) offsetof(struct options, field)
static const struct option_row rows[] = {
	{ "--policy", "NAME|FILE", "a built-in policy or a file; default: yours, else developer", OPTION_TEXT, AT(policy) },
	{ "--workspace", "DIR", "the folder to work in; default: the current one", OPTION_TEXT, AT(workspace) },
	{ "--allow-read", "DIR", "let DIR be read (may repeat)", OPTION_LIST, AT(allow_read) },
	{ "--allow-write", "DIR", "let DIR be read and changed (may repeat)", OPTION_LIST, AT(allow_write) },
	{ "--allow-host", "HOST[:PORT]", "let an address be connected to (may repeat)", OPTION_LIST, AT(allow_host) },
	{ "--pass-fd", "N", "hand descriptor N on, whatever it is (may repeat)", OPTION_FD, AT(pass_fds) },
	{ "--dry-run", NULL, "print what the cage would be and start nothing", OPTION_FLAG, AT(dry_run) },
	{ "--quiet", NULL, "no banner and no summary at the end", OPTION_FLAG, AT(quiet) },
	{ "--json", NULL, "what agentsh itself says is JSON", OPTION_FLAG, AT(json) },
};

void options_print(FILE *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char left[48];

		(void)snprintf(left, sizeof(left), "%s%s%s", rows[i].name,	/* table rows fit */
			       rows[i].value ? " " : "", rows[i].value ? rows[i].value : "");
		(void)fprintf(out, "  %-26s %s\n", left, rows[i].help);		/* help: nothing to do about it */
	}
}

static int add_text(const char **list, const char *value)
{
	size_t n = 0;

	while (list[n])
		n++;
	if (n == OPTIONS_LIST_MAX)
		return -E2BIG;
	list[n] = value;
	return 0;
}

static int add_fd(int *list, const char *value, char *why, size_t why_size)
{
	char *end;
	long fd = strtol(value, &end, 10);
	size_t n = 0;

	while (list[n] >= 0)
		n++;
	if (end == value || *end || fd < 0 || fd > 1 << 20) {
		(void)snprintf(why, why_size, "--pass-fd wants the number of a descriptor, not \"%.40s\"", value); /* may be cut */
		return -EINVAL;
	}
	if (fcntl((int)fd, F_GETFD) < 0) {
		(void)snprintf(why, why_size, "--pass-fd %ld: no such descriptor is open", fd);
		return -EINVAL;
	}
	if (n == OPTIONS_LIST_MAX)
		return -E2BIG;
	list[n] = (int)fd;
	list[n + 1] = -1;
	return 0;
}

static int apply(struct options *o, const struct option_row *row, const char *value,
		 char *why, size_t why_size)
{
	void *field = (char *)o + row->at;
	int r = 0;

	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)field = true;
		return 0;
	case OPTION_TEXT:
		if (*(const char **)field) {
			(void)snprintf(why, why_size, "%s is given twice", row->name);
			return -EINVAL;
		}
		*(const char **)field = value;
		return 0;
	case OPTION_LIST:
		r = add_text(field, value);
		break;
	case OPTION_FD:
		r = add_fd(field, value, why, why_size);
		break;
	}
	if (r == -E2BIG) {
		(void)snprintf(why, why_size, "%s is given more than %d times", row->name, OPTIONS_LIST_MAX);
		return -EINVAL;
	}
	return r;
}

static const struct option_row *find(const char *arg, size_t name_len)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strlen(rows[i].name) == name_len && memcmp(rows[i].name, arg, name_len) == 0)
			return &rows[i];
	return NULL;
}

/* One option at argv[*i]; advances *i past it and its value */
static int one(struct options *o, int argc, char **argv, int *i, char *why, size_t why_size)
{
	const char *arg = argv[*i], *value = strchr(arg, '=');
	const struct option_row *row = find(arg, value ? (size_t)(value - arg) : strlen(arg));

	++*i;
	if (!row) {
		(void)snprintf(why, why_size, "unknown option \"%.60s\" (see agentsh --help)", arg);
		return -EINVAL;
	}
	if (row->kind == OPTION_FLAG && value) {
		(void)snprintf(why, why_size, "%s takes no value", row->name);
		return -EINVAL;
	}
	if (row->kind != OPTION_FLAG) {
		if (value)
			value++;
		else if (*i < argc)
			value = argv[(*i)++];
		if (!value || !*value) {
			(void)snprintf(why, why_size, "%s wants a value (%s)", row->name, row->value);
			return -EINVAL;
		}
	}
	return apply(o, row, value, why, why_size);
}

int options_parse(struct options *ret, int argc, char **argv, char *why, size_t why_size)
{
	struct options o = { .pass_fds = { -1 } };
	int i = 1;

	while (i < argc && argv[i][0] == '-' && strcmp(argv[i], "--") != 0) {
		int r = one(&o, argc, argv, &i, why, why_size);

		if (r < 0) {
			ret->json = o.json;	/* how the sentence is to be said */
			return r;
		}
	}
	if (i < argc && strcmp(argv[i], "--") == 0)
		i++;
	o.command = argv + i;
	if (!*o.command && !o.dry_run) {
		(void)snprintf(why, why_size, "no command is given (see agentsh --help)");
		return -EINVAL;
	}
	if (*o.command && !**o.command) {
		(void)snprintf(why, why_size, "the command is an empty word");
		return -EINVAL;
	}
	*ret = o;
	return 0;
}

struct context_options options_context(const struct options *o)
{
	return (struct context_options){
		.policy = o->policy, .workspace = o->workspace,
		.allow_read = o->allow_read, .allow_write = o->allow_write,
		.allow_host = o->allow_host,
		.command = o->command,
	};
}
