/* SPDX-License-Identifier: Apache-2.0
 *
 * cage/capabilities.c - None, or the six that package managers of root need; and the resolver's
 */
#include "cage/parts.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAP_LIMIT 64	/* capset(2) has two words; prctl says where the kernel's list ends */

/* apt fails in setgroups with none of them, and works with these */
static const int package_manager_caps[] = {
	CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_SETGID, CAP_SETUID,
};

/* The resolver's: /proc of those who ask, every path, and standing in for a caller with as much as that may have */
static const int resolver_caps[] = {
	CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_FOWNER, CAP_FSETID, CAP_SETGID, CAP_SETUID, CAP_SYS_PTRACE,
};

static uint64_t bits(const int *caps, size_t count)
{
	uint64_t ret = 0;

	for (size_t i = 0; i < count; i++)
		ret |= UINT64_C(1) << caps[i];
	return ret;
}

/* For good, in this thread and what it starts */
static int keep_only(uint64_t keep)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { { 0 }, { 0 } };

	for (int cap = 0; cap < CAP_LIMIT; cap++) {
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) < 0)
			break;		/* EINVAL: beyond the kernel's last */
		if (!(keep >> cap & 1) && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return -errno;
	}
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	for (int i = 0; i < 2; i++)
		data[i].effective = data[i].permitted = data[i].inheritable = (uint32_t)(keep >> 32 * i);
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

#ifdef AGENTSH_TEETH
/* The layer is off: an ordinary user's program keeps across the exec what the namespace gave it */
static int keep_all(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	for (int i = 0; i < 2; i++)
		data[i].inheritable = data[i].permitted;
	if (syscall(SYS_capset, &header, data) < 0)
		return -errno;
	for (int cap = 0; cap < CAP_LIMIT && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) < 0)
			return -errno;
	return 0;
}
#else
static int keep_all(void)
{
	return 0;
}
#endif

int capabilities_drop(const struct cage_config *cfg)
{
	bool has_six = cfg->package_manager && cfg->uid == 0;

	if (CAGE_IS_OFF(cfg, CAPS))
		return keep_all();
	return keep_only(has_six ? bits(package_manager_caps, ARRAY_SIZE(package_manager_caps)) : 0);
}

int capabilities_drop_resolver(void)
{
	return keep_only(bits(resolver_caps, ARRAY_SIZE(resolver_caps)));
}
