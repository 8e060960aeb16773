/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/doctor.c - "agentsh doctor": which cage this machine gives, and the next command where something is missing
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cage/cage.h"
#include "cli/cli.h"
#include "cli/probe.h"
#include "common/jsonw.h"
#include "common/lacks.h"

#define DOCTOR_ABI_NEWEST 6	/* Landlock's, of the newest right that the cage uses */

enum doctor_need {
	DOCTOR_REQUIRED = 0,	/* no cage without it */
	DOCTOR_OPTIONAL,	/* a cage without it is weaker or slower, as told */
	DOCTOR_NOTE,		/* a setting of the machine worth knowing; never wrong */
};

struct doctor_row {
	const char *name;
	enum doctor_need need;
	void (*try)(struct probe_result *ret);
	int landlock_abi;	/* not 0: a right that this ABI has; judged from the probe of Landlock */
	const char *costs;	/* what is lost without it */
	bool in_userns;		/* tried in a user namespace: says nothing new where there is none */
};

static const struct doctor_row rows[] = {
	{ "not inside another cage", DOCTOR_REQUIRED, probe_outside, 0, NULL, false },
	{ "kernel", DOCTOR_REQUIRED, probe_kernel, 0, NULL, false },
	{ "user namespace", DOCTOR_REQUIRED, probe_userns, 0, NULL, false },
	{ "mount namespace", DOCTOR_REQUIRED, probe_mntns, 0, NULL, true },
	{ "network namespace", DOCTOR_REQUIRED, probe_netns, 0, NULL, true },
	{ "ipc namespace", DOCTOR_REQUIRED, probe_ipcns, 0, NULL, true },
	{ "pid namespace", DOCTOR_REQUIRED, probe_pidns, 0, NULL, true },
	{ "fresh /proc", DOCTOR_REQUIRED, probe_proc, 0, NULL, true },
	{ "/dev/fuse", DOCTOR_REQUIRED, probe_fuse, 0, NULL, true },
	{ "seccomp notification", DOCTOR_REQUIRED, probe_notify, 0, NULL, false },
	{ "seizing at exec", DOCTOR_REQUIRED, probe_seize, 0, NULL, true },
	{ "pidfd_getfd", DOCTOR_REQUIRED, probe_getfd, 0, NULL, true },
	{ "openat2", DOCTOR_REQUIRED, probe_openat2, 0, NULL, false },
	{ "mount_setattr", DOCTOR_REQUIRED, probe_mount_setattr, 0, NULL, true },
	{ "Landlock", DOCTOR_REQUIRED, probe_landlock, 0, NULL, false },
	{ "Landlock: network", DOCTOR_OPTIONAL, NULL, 4, "the empty network namespace and the doorman alone shut TCP", false },
	{ "Landlock: scopes", DOCTOR_OPTIONAL, NULL, 6,
	  "the pid and network namespaces alone keep signals and abstract sockets in", false },
	{ "SYNC_WAKE_UP", DOCTOR_OPTIONAL, probe_sync_wake_up, 0, "checked calls take longer", false },
	{ "PIDFD_THREAD", DOCTOR_OPTIONAL, probe_pidfd_thread, 0,
	  "socket calls fail in a thread whose descriptors are not its process's", false },
	{ "socket diagnostics", DOCTOR_OPTIONAL, probe_diag, 0,
	  "Unix sockets made inside cannot be connected to, and servers inside only where a rule allows it", false },
	{ "TIOCSTI", DOCTOR_NOTE, probe_tiocsti, 0, NULL, false },
	{ "protected_hardlinks", DOCTOR_NOTE, probe_hardlinks, 0, NULL, false },
	{ "Yama", DOCTOR_NOTE, probe_yama, 0, NULL, false },
};

static const char *const words[] = {
	[DOCTOR_REQUIRED] = "MISSING",
	[DOCTOR_OPTIONAL] = "optional",
	[DOCTOR_NOTE] = "note",
};
static_assert(ARRAY_SIZE(words) == DOCTOR_NOTE + 1, "words[] and enum doctor_need differ");

/* What the rows before have shown, and later ones build on */
struct doctor_known {
	bool no_userns;
	int landlock_abi;
};

static void judge(const struct doctor_row *row, struct doctor_known *known, struct probe_result *ret)
{
	int abi = known->landlock_abi;

	if (row->in_userns && known->no_userns) {
		*ret = (struct probe_result){ .err = EPERM, .detail = "can only be tried in a user namespace" };
		return;
	}
	if (row->try) {
		probe_run(row->try, ret);
		if (row->try == probe_landlock)
			known->landlock_abi = ret->value;
		if (row->try == probe_userns)
			known->no_userns = ret->err != 0;
		return;
	}
	*ret = (struct probe_result){ .err = abi >= row->landlock_abi ? 0 : ENOSYS };
	if (ret->err)
		(void)snprintf(ret->detail, sizeof(ret->detail), "ABI %d, wants %d", abi, row->landlock_abi); /* fits */
}

char *doctor_lacking(char *buf, size_t size)
{
	struct doctor_known known = { 0 };
	struct probe_result r = { 0 };
	size_t len = 0;

	buf[0] = '\0';
	probe_landlock(&r);
	known.landlock_abi = r.value;
	r = (struct probe_result){ 0 };
	probe_pidfd_thread(&r);
	/* 6.12 and 6.9: such a kernel has the older ones too */
	if (known.landlock_abi >= DOCTOR_ABI_NEWEST && r.err == 0 && !lacks("sync-wake-up"))
		return buf;
	for (size_t i = 0; i < ARRAY_SIZE(rows) && len < size; i++) {
		if (rows[i].need != DOCTOR_OPTIONAL)
			continue;
		judge(&rows[i], &known, &r);
		if (r.err)
			len += (size_t)snprintf(buf + len, size - len, "%s%s", len ? ", " : "", rows[i].name);
	}
	return buf;
}

static void say_row(const struct doctor_row *row, const struct probe_result *r)
{
	bool noted = row->need == DOCTOR_NOTE && r->detail[0];

	printf("%-9s %s", r->err || noted ? words[row->need] : "ok", row->name);
	if (r->detail[0])
		printf(": %s", r->detail);
	if (r->err)
		printf(" (%s)", strerror(r->err));
	printf("\n");
	if (r->err && row->costs)
		printf("%-9s without it: %s\n", "", row->costs);
	if (r->err && r->next[0])
		printf("%-9s next: %s\n", "", r->next);
}

static void json_row(struct jsonw *w, const struct doctor_row *row, const struct probe_result *r)
{
	static const char *const needs[] = { "required", "optional", "note" };

	jsonw_object_begin(w);
	jsonw_key(w, "name");
	jsonw_cstr(w, row->name);
	jsonw_key(w, "need");
	jsonw_cstr(w, needs[row->need]);
	jsonw_key(w, "ok");
	jsonw_bool(w, r->err == 0);
	jsonw_key(w, "error");
	jsonw_cstr(w, r->err ? strerror(r->err) : NULL);
	jsonw_key(w, "detail");
	jsonw_cstr(w, r->detail[0] ? r->detail : NULL);
	jsonw_key(w, "costs");
	jsonw_cstr(w, r->err ? row->costs : NULL);
	jsonw_key(w, "next");
	jsonw_cstr(w, r->err && r->next[0] ? r->next : NULL);
	jsonw_object_end(w);
}

static bool can_cage(const struct probe_result *results)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].need == DOCTOR_REQUIRED && results[i].err)
			return false;
	return true;
}

static void say_json(const struct probe_result *results)
{
	char buf[16384];
	struct jsonw w;

	jsonw_init(&w, buf, sizeof(buf));
	jsonw_object_begin(&w);
	jsonw_key(&w, "cage");
	jsonw_bool(&w, can_cage(results));
	jsonw_key(&w, "checks");
	jsonw_array_begin(&w);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		json_row(&w, &rows[i], &results[i]);
	jsonw_array_end(&w);
	jsonw_object_end(&w);
	puts(buf);
}

int cmd_doctor(int argc, char **argv)
{
	struct probe_result results[ARRAY_SIZE(rows)];
	bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
	struct doctor_known known = { 0 };

	if (argc > 1 && !json) {
		fprintf(stderr, "agentsh: doctor takes no argument but --json, not \"%.60s\"\n",
			argc > 2 ? argv[2] : argv[1]);
		return CAGE_EXIT_NO_CAGE;
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		judge(&rows[i], &known, &results[i]);
		if (!json)
			say_row(&rows[i], &results[i]);
	}
	if (json)
		say_json(results);
	else
		puts(can_cage(results) ? "\nA cage can be built on this machine." :
		     "\nNo cage can be built here: see the lines that say MISSING.");
	return fflush(stdout) || !can_cage(results);
}
