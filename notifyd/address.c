/* SPDX-License-Identifier: Apache-2.0
 *
 * notifyd/address.c - Socket addresses, copied once and judged as the kernel will read them
 */
#include "notifyd/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SIN6_LEN_RFC2133 24	/* the kernel still takes an address without the scope */

static const uint8_t v4_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
static const uint8_t zero[16];
static const uint8_t v6_loopback[16] = { [15] = 1 };

static void set_v4(struct endpoint *e, uint32_t addr)
{
	memcpy(e->ip, v4_prefix, sizeof(v4_prefix));
	memcpy(e->ip + 12, &addr, sizeof(addr));
}

int address_endpoint(const struct address *a, struct endpoint *ret)
{
	if (a->len < sizeof(sa_family_t))
		return -EINVAL;
	if (a->sa.sa_family == AF_INET) {
		if (a->len < sizeof(a->in))
			return -EINVAL;
		set_v4(ret, a->in.sin_addr.s_addr);
		ret->port = ntohs(a->in.sin_port);
		return 0;
	}
	if (a->sa.sa_family == AF_INET6) {
		if (a->len < SIN6_LEN_RFC2133)
			return -EINVAL;
		memcpy(ret->ip, &a->in6.sin6_addr, sizeof(ret->ip));
		ret->port = ntohs(a->in6.sin6_port);
		return 0;
	}
	return -EAFNOSUPPORT;
}

bool address_is_v4(const struct endpoint *e)
{
	return memcmp(e->ip, v4_prefix, sizeof(v4_prefix)) == 0;
}

bool address_is_any(const struct endpoint *e)
{
	return memcmp(e->ip, zero, 16) == 0 || (address_is_v4(e) && memcmp(e->ip + 12, zero, 4) == 0);
}

bool address_is_loopback(const struct endpoint *e)
{
	return memcmp(e->ip, v6_loopback, 16) == 0 || (address_is_v4(e) && e->ip[12] == 127);
}

void endpoint_loopback(int family, uint16_t port, struct endpoint *ret)
{
	if (family == AF_INET6)
		memcpy(ret->ip, v6_loopback, sizeof(ret->ip));
	else
		set_v4(ret, htonl(INADDR_LOOPBACK));
	ret->port = port;
}

void address_any_to_loopback(struct address *a)
{
	struct endpoint e;

	if (address_endpoint(a, &e) < 0 || !address_is_any(&e))
		return;
	endpoint_loopback(a->sa.sa_family == AF_INET6 && !address_is_v4(&e) ? AF_INET6 : AF_INET, e.port, &e);
	if (a->sa.sa_family == AF_INET6)
		memcpy(&a->in6.sin6_addr, e.ip, sizeof(e.ip));
	else
		memcpy(&a->in.sin_addr, e.ip + 12, 4);
}

void endpoint_text(const struct endpoint *e, char buf[ADDRESS_TEXT_SIZE])
{
	char ip[INET6_ADDRSTRLEN];

	if (address_is_v4(e)) {
		(void)inet_ntop(AF_INET, e->ip + 12, ip, sizeof(ip));	/* large enough */
		(void)snprintf(buf, ADDRESS_TEXT_SIZE, "%s:%u", ip, e->port);
	} else {
		(void)inet_ntop(AF_INET6, e->ip, ip, sizeof(ip));	/* large enough */
		(void)snprintf(buf, ADDRESS_TEXT_SIZE, "[%s]:%u", ip, e->port);
	}
}

int address_unix_kind(const struct address *a, enum unix_name_kind *ret)
{
	if (a->len < sizeof(sa_family_t) || a->len > sizeof(struct sockaddr_un))
		return -EINVAL;
	if (a->len == sizeof(sa_family_t))
		*ret = UNIX_NAME_NONE;
	else
		*ret = a->un.sun_path[0] ? UNIX_NAME_PATH : UNIX_NAME_ABSTRACT;
	return 0;
}

void address_unix_path(const struct address *a, char buf[sizeof(struct sockaddr_un)])
{
	size_t size = a->len - offsetof(struct sockaddr_un, sun_path);

	memcpy(buf, a->un.sun_path, size);	/* 108 bytes without a NUL are a path too */
	buf[size] = '\0';
}
