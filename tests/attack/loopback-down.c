/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/loopback-down.c - What only a capability allows
 *
 *	Attack:		take the loopback interface down, by a capability in the cage's own namespaces
 *	Stopped by:	caps
 *	Expect:		EPERM
 *	Twin:		ask for its flags
 *	Source:		DESIGN 3, step 8
 */
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "tests/lib/attack.h"

static long try(bool twin)
{
	struct ifreq r = { .ifr_name = "lo" };
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	if (ioctl(s, SIOCGIFFLAGS, &r) < 0 || twin)
		return twin ? s : -1;
	r.ifr_flags &= (short)~IFF_UP;
	return ioctl(s, SIOCSIFFLAGS, &r);
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
		escaped("it is down");
	blocked(errno);
}
