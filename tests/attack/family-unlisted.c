/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/attack/family-unlisted.c - Families of sockets that nobody listed
 *
 *	Attack:		a socket of vsock, which no namespace holds, and of others with a history of holes
 *	Stopped by:	filter
 *	Expect:		EAFNOSUPPORT
 *	Twin:		socket(AF_UNIX)
 *	Source:		DESIGN 4: vsock, the family list is the only mechanism
 */
#include <sys/socket.h>

#include "tests/lib/attack.h"

int main(int argc, char **argv)
{
	static const int families[] = {
		AF_VSOCK, AF_ALG, AF_CAN, AF_KEY, AF_TIPC, AF_RDS, AF_BLUETOOTH, AF_X25, AF_AX25,
	};
	int err = 0;

	if (attack_is_twin(argc, argv)) {
		if (socket(AF_UNIX, SOCK_STREAM, 0) < 0)
			twin_refused("%s", attack_errno(errno));
		twin_works();
	}
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		/* Not every family has every type */
		if (socket(families[i], SOCK_STREAM, 0) >= 0 || socket(families[i], SOCK_SEQPACKET, 0) >= 0 ||
		    socket(families[i], SOCK_RAW, 1) >= 0)
			escaped("family %d", families[i]);
		if (!err)
			err = errno;
	}
	blocked(err);
}
