/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/tasks_test.c - Where the control group of a session of root's is made
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "cage/parts.h"

#define V1_MOUNTS \
	"22 1 0:20 / / rw,relatime - ext4 /dev/vda rw\n" \
	"30 22 0:26 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n" \
	"31 22 0:27 / /sys/fs/cgroup/pids rw,nosuid shared:9 - cgroup cgroup rw,pids\n" \
	"32 22 0:28 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n"
#define V2_MOUNTS \
	"22 1 0:20 / / rw,relatime - ext4 /dev/vda rw\n" \
	"30 22 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"

static const struct {
	const char *groups, *mounts;
	bool is_v2;
	const char *point, *dir;	/* NULL: there is none */
} cases[] = {
	{ "9:pids:/user.slice\n1:cpu:/\n0::/init.scope\n", V1_MOUNTS, false, "/sys/fs/cgroup/pids", "/sys/fs/cgroup/pids/user.slice" },
	{ "9:pids:/\n0::/init.scope\n", V1_MOUNTS, false, "/sys/fs/cgroup/pids", "/sys/fs/cgroup/pids" },
	{ "9:pids:/\n0::/init.scope\n", V1_MOUNTS, true, "/sys/fs/cgroup/unified", "/sys/fs/cgroup/unified/init.scope" },
	/* beside others of one hierarchy, and not the beginning of another's name */
	{ "4:cpu,pids:/a\n", "31 22 0:27 / /c rw - cgroup cgroup rw,cpu,pids\n", false, "/c", "/c/a" },
	{ "4:pidsx:/a\n", "31 22 0:27 / /c rw - cgroup cgroup rw,pidsx\n", false, NULL, NULL },
	{ "0::/user.slice/user-0.slice/session-1.scope\n", V2_MOUNTS, true, "/sys/fs/cgroup",
	  "/sys/fs/cgroup/user.slice/user-0.slice/session-1.scope" },
	{ "0::/\n", V2_MOUNTS, true, "/sys/fs/cgroup", "/sys/fs/cgroup" },
	{ "0::/user.slice\n", V2_MOUNTS, false, NULL, NULL },
	/* a container: the mount shows a part of the hierarchy */
	{ "9:pids:/docker/12ab/x\n", "31 22 0:27 /docker/12ab /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n", false,
	  "/sys/fs/cgroup/pids", "/sys/fs/cgroup/pids/x" },
	{ "9:pids:/docker/12ab\n", "31 22 0:27 /docker/12ab /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n", false,
	  "/sys/fs/cgroup/pids", "/sys/fs/cgroup/pids" },
	{ "9:pids:/a\n", "22 1 0:20 / / rw,relatime - ext4 /dev/vda rw\n", false, NULL, NULL },
	{ "", V1_MOUNTS, false, NULL, NULL },
	{ "nonsense\n9:pids\n", V1_MOUNTS, false, NULL, NULL },
	{ "9:pids:/a\n", "nonsense\n - \n31 - cgroup\n", false, NULL, NULL },
};

static void the_place_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *groups = strdup(cases[i].groups), *mounts = strdup(cases[i].mounts);
		char point[PATH_MAX], dir[PATH_MAX];

		assert_non_null(groups);
		assert_non_null(mounts);
		assert_int_equal(tasks_place(groups, mounts, cases[i].is_v2, point, dir), cases[i].dir != NULL);
		if (cases[i].dir) {
			assert_string_equal(point, cases[i].point);
			assert_string_equal(dir, cases[i].dir);
		}
		free(groups);
		free(mounts);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_place_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
