/* SPDX-License-Identifier: Apache-2.0
 *
 * tests/unit/notifyd_address_test.c - Addresses as the kernel will read them; the set of own listeners
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "notifyd/address.h"
#include "notifyd/diag.h"
#include "notifyd/socket.h"

static struct address v4(const char *ip, uint16_t port)
{
	struct address a = { .len = sizeof(a.in) };

	a.in.sin_family = AF_INET;
	a.in.sin_port = htons(port);
	assert_int_equal(inet_pton(AF_INET, ip, &a.in.sin_addr), 1);
	return a;
}

static struct address v6(const char *ip, uint16_t port)
{
	struct address a = { .len = sizeof(a.in6) };

	a.in6.sin6_family = AF_INET6;
	a.in6.sin6_port = htons(port);
	assert_int_equal(inet_pton(AF_INET6, ip, &a.in6.sin6_addr), 1);
	return a;
}

static void assert_endpoint(struct address a, const char *text, bool any, bool loopback)
{
	char buf[ADDRESS_TEXT_SIZE];
	struct endpoint e;

	assert_int_equal(address_endpoint(&a, &e), 0);
	endpoint_text(&e, buf);
	assert_string_equal(buf, text);
	assert_int_equal(address_is_any(&e), any);
	assert_int_equal(address_is_loopback(&e), loopback);
}

static void test_endpoint(void **state)
{
	(void)state;
	assert_endpoint(v4("192.0.2.1", 80), "192.0.2.1:80", false, false);
	assert_endpoint(v4("127.9.9.9", 1), "127.9.9.9:1", false, true);
	assert_endpoint(v4("0.0.0.0", 0), "0.0.0.0:0", true, false);
	assert_endpoint(v6("2001:db8::1", 65535), "[2001:db8::1]:65535", false, false);
	assert_endpoint(v6("::1", 80), "[::1]:80", false, true);
	assert_endpoint(v6("::", 80), "[::]:80", true, false);
	/* one address in two families is one address */
	assert_endpoint(v6("::ffff:127.0.0.1", 80), "127.0.0.1:80", false, true);
	assert_endpoint(v6("::ffff:0.0.0.0", 80), "0.0.0.0:80", true, false);
}

static void test_endpoint_refused(void **state)
{
	struct address a = v4("192.0.2.1", 80);
	struct endpoint e;

	(void)state;
	a.len = sizeof(a.in) - 1;
	assert_int_equal(address_endpoint(&a, &e), -EINVAL);
	a.len = 1;
	assert_int_equal(address_endpoint(&a, &e), -EINVAL);
	a.len = sizeof(a.in);
	a.sa.sa_family = AF_APPLETALK;
	assert_int_equal(address_endpoint(&a, &e), -EAFNOSUPPORT);
	a = v6("::1", 80);
	a.len = 23;
	assert_int_equal(address_endpoint(&a, &e), -EINVAL);
	a.len = 24;	/* without the scope: the kernel takes it */
	assert_int_equal(address_endpoint(&a, &e), 0);
}

static void assert_rewritten(struct address a, const char *text)
{
	char buf[ADDRESS_TEXT_SIZE];
	struct endpoint e;

	address_any_to_loopback(&a);
	assert_int_equal(address_endpoint(&a, &e), 0);
	endpoint_text(&e, buf);
	assert_string_equal(buf, text);
}

static void test_any_to_loopback(void **state)
{
	(void)state;
	assert_rewritten(v4("0.0.0.0", 80), "127.0.0.1:80");
	assert_rewritten(v6("::", 80), "[::1]:80");
	assert_rewritten(v6("::ffff:0.0.0.0", 80), "127.0.0.1:80");
	assert_rewritten(v4("192.0.2.1", 80), "192.0.2.1:80");
}

static struct address unix_name(const char *bytes, size_t len)
{
	struct address a = { .len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len) };

	a.un.sun_family = AF_UNIX;
	memcpy(a.un.sun_path, bytes, len);
	return a;
}

static void test_unix(void **state)
{
	struct address a = unix_name("/tmp/x", 7);
	char full[108], path[sizeof(struct sockaddr_un)];
	enum unix_name_kind kind;

	(void)state;
	assert_int_equal(address_unix_kind(&a, &kind), 0);
	assert_int_equal(kind, UNIX_NAME_PATH);
	address_unix_path(&a, path);
	assert_string_equal(path, "/tmp/x");
	a = unix_name("/tmp/x", 4);	/* cut by its length, without a NUL */
	address_unix_path(&a, path);
	assert_string_equal(path, "/tmp");
	memset(full, 'a', sizeof(full));	/* 108 bytes, all of them path */
	a = unix_name(full, sizeof(full));
	assert_int_equal(address_unix_kind(&a, &kind), 0);
	address_unix_path(&a, path);
	assert_int_equal(strlen(path), 108);
	a = unix_name("\0abc", 4);
	assert_int_equal(address_unix_kind(&a, &kind), 0);
	assert_int_equal(kind, UNIX_NAME_ABSTRACT);
	a = unix_name("", 0);
	assert_int_equal(address_unix_kind(&a, &kind), 0);
	assert_int_equal(kind, UNIX_NAME_NONE);
	a.len = sizeof(struct sockaddr_un) + 1;
	assert_int_equal(address_unix_kind(&a, &kind), -EINVAL);
	a.len = 1;
	assert_int_equal(address_unix_kind(&a, &kind), -EINVAL);
}

static void test_cookies(void **state)
{
	struct cookies k = { .slot = NULL };
	int fd[200];
	uint64_t cookie;
	socklen_t len = sizeof(cookie);

	(void)state;
	assert_int_equal(pthread_mutex_init(&k.lock, NULL), 0);
	assert_false(cookies_has(&k, 1));
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++) {	/* grows twice */
		fd[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(cookies_add(&k, fd[i]), 0);
		assert_int_equal(cookies_add(&k, fd[i]), 0);
	}
	assert_int_equal(k.count, ARRAY_SIZE(fd));
	for (size_t i = 0; i < ARRAY_SIZE(fd); i++) {
		assert_int_equal(getsockopt(fd[i], SOL_SOCKET, SO_COOKIE, &cookie, &len), 0);
		assert_true(cookies_has(&k, cookie));
		close(fd[i]);
	}
	assert_false(cookies_has(&k, cookie + 1));
	assert_false(cookies_has(&k, 0));
	free(k.slot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_endpoint), cmocka_unit_test(test_endpoint_refused),
		cmocka_unit_test(test_any_to_loopback), cmocka_unit_test(test_unix), cmocka_unit_test(test_cookies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
