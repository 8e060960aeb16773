/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/netlink-xfrm.c - Netlink beyond routes
 *
 *	Attack:		socket(AF_NETLINK, NETLINK_XFRM)
 *	Stopped by:	filter
 *	Expect:		EPROTONOSUPPORT
 *	Twin:		NETLINK_ROUTE, which getifaddrs() needs
 *	Source:		behaviours 58
 */
#include <linux/netlink.h>
#include <sys/socket.h>

#include "tests/lib/attack.h"

static long try(bool twin)
{
	if (twin)
		return socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
	return socket(AF_NETLINK, SOCK_RAW, 6 /* NETLINK_XFRM */);
}

int main(int argc, char **argv)
{
	bool twin = attack_is_twin(argc, argv);
	long r = try(twin);

	if (twin && r < 0)
		twin_refused("%s", attack_errno(errno));
	if (twin)
		twin_works();
	if (r >= 0)
		escaped("a socket was made");
	blocked(errno);
}
