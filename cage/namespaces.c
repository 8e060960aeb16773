/* SPDX-License-Identifier: Apache-2.0
 *
 * cage/namespaces.c - Namespaces: made, mapped, limited; the empty network
 */
#include "cage/parts.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "common/fdio.h"

static long knob(const char *path)
{
	cleanup_free char *text = NULL;
	size_t len;

	if (fdio_read_file(AT_FDCWD, path, 64, &text, &len) < 0)
		return -1;
	return strtol(text, NULL, 10);
}

/* Which of the usual reasons it is, and what cures it */
static int explain(struct cage_failure *reterr, int err)
{
	const char *step = "user namespace";

	if (access("/run/agentsh/bin", F_OK) == 0)
		return cage_fail(reterr, err, step, "this is inside a cage of agentsh already, which rules all that "
				 "is started here: run the command itself");
	if (knob("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1)
		return cage_fail(reterr, err, step, "AppArmor keeps programs without a profile from user "
				 "namespaces: install agentsh's profile /etc/apparmor.d/agentsh, which its package ships");
	if (knob("/proc/sys/kernel/unprivileged_userns_clone") == 0)
		return cage_fail(reterr, err, step, "user namespaces are switched off for ordinary users: "
				 "sysctl kernel.unprivileged_userns_clone=1");
	if (knob("/proc/sys/user/max_user_namespaces") == 0)
		return cage_fail(reterr, err, step, "this machine allows no user namespaces: "
				 "sysctl user.max_user_namespaces=10000");
	if (err == ENOSPC)
		return cage_fail(reterr, err, step, "too many namespaces are in use: see the limits in "
				 "/proc/sys/user, or end other sessions");
	if (err == EPERM)
		return cage_fail(reterr, err, step, "this machine or container refuses new namespaces "
				 "(a seccomp profile, a chroot, or a cage around this one): agentsh doctor tells more");
	return cage_fail(reterr, err, step, "%s", strerror(err));
}

/* All at once has failed: which of them is it? This process is given up anyway */
static int name_missing(int flags, int err, struct cage_failure *reterr)
{
	static const struct {
		int flag;
		const char *step, *knob;
	} kinds[] = {
		{ CLONE_NEWNS, "mount namespace", "max_mnt_namespaces" },
		{ CLONE_NEWNET, "network namespace", "max_net_namespaces" },
		{ CLONE_NEWIPC, "ipc namespace", "max_ipc_namespaces" },
	};

	if (unshare(CLONE_NEWUSER) < 0)
		return explain(reterr, errno);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if ((flags & kinds[i].flag) && unshare(kinds[i].flag) < 0)
			return cage_fail(reterr, errno, kinds[i].step, "this machine or container gives none "
					 "(its kernel, or /proc/sys/user/%s): %s", kinds[i].knob, strerror(errno));
	return explain(reterr, err);
}

int cage_unshare(const struct cage_config *cfg, struct cage_failure *reterr)
{
	int flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWIPC;

	if (!CAGE_IS_OFF(cfg, NETNS))
		flags |= CLONE_NEWNET;
	if (unshare(flags) < 0)
		return name_missing(flags, errno, reterr);
	/* Not slave: what the host mounts later would arrive here without our flags */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return cage_fail(reterr, errno, "mount namespace", "mounts cannot be made private: %s", strerror(errno));
	return 0;
}

static int write_map(pid_t pid, const char *name, const char *text)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);	/* always fits */
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;	/* maps are taken in one write or not at all */
}

/* Root keeps every id that it has itself: in a container that is not the full range */
static int copy_map(pid_t pid, const char *name)
{
	char own[64], text[4096] = "";
	cleanup_free char *lines = NULL;
	size_t len, used = 0;
	int r;

	(void)snprintf(own, sizeof(own), "/proc/self/%s", name);	/* always fits */
	r = fdio_read_file(AT_FDCWD, own, sizeof(text) - 1, &lines, &len);
	if (r < 0)
		return r;
	for (char *rest, *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		unsigned inside, outside, count;

		if (sscanf(line, "%u %u %u", &inside, &outside, &count) != 3)
			return -EINVAL;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%u %u %u\n", inside, inside, count);
		if (used >= sizeof(text))
			return -E2BIG;
	}
	return write_map(pid, name, text);
}

static int own_map(pid_t pid, const char *name, unsigned id)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%u %u 1\n", id, id);	/* always fits */
	return write_map(pid, name, text);
}

static int copy_maps(pid_t builder)
{
	int r = copy_map(builder, "uid_map");

	return r == 0 ? copy_map(builder, "gid_map") : r;
}

static int own_maps(pid_t builder, const struct cage_config *cfg)
{
	int r = write_map(builder, "setgroups", "deny");

	if (r == 0)
		r = own_map(builder, "uid_map", cfg->uid);
	return r == 0 ? own_map(builder, "gid_map", cfg->gid) : r;
}

int cage_write_maps(pid_t builder, const struct cage_config *cfg, struct cage_failure *reterr)
{
	int r = cfg->uid == 0 ? copy_maps(builder) : -EPERM;

	if (r == -EPERM)	/* an ordinary user, or root without the capabilities */
		r = own_maps(builder, cfg);
	if (r < 0)
		return cage_fail(reterr, -r, "user namespace", "its id maps cannot be written: %s", strerror(-r));
	return 0;
}

/* ---- network ---- */

struct add_address {
	struct nlmsghdr nh;
	struct ifaddrmsg ifa;
	struct rtattr attr;
	uint8_t addr[16];
};

/* Best effort: IPv6 may be switched off on this machine, and then nobody asks for it */
static void add_address(int sock, int index, int family, const char *text)
{
	struct add_address req = {
		.nh = { .nlmsg_type = RTM_NEWADDR, .nlmsg_flags = NLM_F_REQUEST },
		.ifa = { .ifa_family = (uint8_t)family, .ifa_flags = IFA_F_NODAD, .ifa_index = (unsigned)index },
		.attr = { .rta_type = IFA_LOCAL },
	};
	size_t len = family == AF_INET ? 4 : 16;

	req.ifa.ifa_prefixlen = (uint8_t)(8 * len);
	req.attr.rta_len = (unsigned short)RTA_LENGTH(len);
	req.nh.nlmsg_len = (uint32_t)(offsetof(struct add_address, addr) + len);
	if (inet_pton(family, text, req.addr) == 1)
		(void)send(sock, &req, req.nh.nlmsg_len, 0);	/* see above */
}

int cage_network_up(const struct cage_config *cfg, struct cage_failure *reterr)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING };
	cleanup_fd int sock = -1, route = -1;
	int index;

	if (CAGE_IS_OFF(cfg, NETNS))
		return 0;
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0 || ioctl(sock, SIOCSIFFLAGS, &ifr) < 0)
		return cage_fail(reterr, errno, "loopback", "the cage's own loopback does not come up: %s", strerror(errno));
	index = ioctl(sock, SIOCGIFINDEX, &ifr) < 0 ? 1 : ifr.ifr_ifindex;
	route = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	if (route < 0)
		return 0;
	/* getaddrinfo(AI_ADDRCONFIG) finds nothing where only loopback addresses exist */
	add_address(route, index, AF_INET, "192.0.2.1");
	add_address(route, index, AF_INET6, "fd00:a9e7::1");
	return 0;
}

/* ---- limits ---- */

int cage_limit_namespaces(const struct cage_config *cfg, int proc_fd, struct cage_failure *reterr)
{
	static const struct {
		const char *path;
		bool is_for_chromium;
	} limits[] = {
		{ "sys/user/max_user_namespaces", true }, { "sys/user/max_pid_namespaces", true },
		{ "sys/user/max_net_namespaces", true }, { "sys/user/max_mnt_namespaces", false },
	};

	if (CAGE_IS_OFF(cfg, NSLIMITS))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		if (cfg->nested && limits[i].is_for_chromium)
			continue;
		cleanup_fd int fd = openat(proc_fd, limits[i].path, O_WRONLY | O_CLOEXEC);

		if (fd < 0 || write(fd, "0\n", 2) != 2)
			return cage_fail(reterr, errno, "namespace limits", "/proc/%s cannot be set: %s",
					 limits[i].path, strerror(errno));
	}
	return 0;
}
