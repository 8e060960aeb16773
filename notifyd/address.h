/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/address.h - Socket addresses, copied once and judged as the kernel will read them
 */
#ifndef NOTIFYD_ADDRESS_H
#define NOTIFYD_ADDRESS_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "common/base.h"
#include "policy/policy.h"

#define ADDRESS_TEXT_SIZE 64	/* "[ffff:...]:65535" */

/** struct address - Our copy. @len is what the caller said, at most sizeof(struct sockaddr_storage) */
struct address {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
		struct sockaddr_storage storage;
	};
	socklen_t len;
};

/** struct endpoint - An address and port in one form for both families */
struct endpoint {
	uint8_t ip[16];		/* v4-mapped */
	uint16_t port;		/* host order */
};

/** address_endpoint() - 0; -EAFNOSUPPORT neither family; -EINVAL too short */
int address_endpoint(const struct address *a, struct endpoint *ret) MUST_USE;

/** address_is_any() - 0.0.0.0, :: or ::ffff:0.0.0.0 */
bool address_is_any(const struct endpoint *e);
bool address_is_v4(const struct endpoint *e);
bool address_is_loopback(const struct endpoint *e);

/** address_any_to_loopback() - The kernel takes a connect to any address as one to itself: say so in the copy */
void address_any_to_loopback(struct address *a);

/** endpoint_loopback() - 127.0.0.1 or ::1 with a port */
void endpoint_loopback(int family, uint16_t port, struct endpoint *ret);

/** endpoint_text() - "127.0.0.1:80", "[::1]:80" */
void endpoint_text(const struct endpoint *e, char buf[ADDRESS_TEXT_SIZE]);

enum unix_name_kind {
	UNIX_NAME_NONE = 0,	/* bind: the kernel picks an abstract one */
	UNIX_NAME_ABSTRACT,
	UNIX_NAME_PATH,
};

/** address_unix_kind() - -EINVAL: too short or too long */
int address_unix_kind(const struct address *a, enum unix_name_kind *ret) MUST_USE;

/** address_unix_path() - The path with a NUL: up to the first one or to the end of the address */
void address_unix_path(const struct address *a, char buf[sizeof(struct sockaddr_un)]);

#endif /* NOTIFYD_ADDRESS_H */
