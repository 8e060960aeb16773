/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/addresses.c - host, cidr, url and port of network rules
 *
 * Until names work (DESIGN 16.8) a host is an address or "localhost".
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/diag.h"
#include "policy/rules.h"

#define V4_BITS	96		/* prefix of the v4-mapped addresses */
#define HOST_SIZE 64
#define RANGES_MAX 8192		/* of one rule; more than a whole policy may have */

struct ports {
	uint16_t low, high;
};

struct ranges {
	struct policy_net *net;		/* ports are filled in at the end */
	size_t count;
	struct arena *arena;
};

static int add_range(struct ranges *r, const struct policy_net *n)
{
	struct policy_net *grown = arena_grow(r->arena, r->net, r->count, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	r->net = grown;
	r->net[r->count++] = *n;
	return 0;
}

/* An address in either family; *ret_v4 says which it was written in */
static bool parse_address(const char *s, uint8_t ip[16], bool *ret_v4)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	*ret_v4 = inet_pton(AF_INET, s, ip + 12) == 1;
	if (*ret_v4) {
		memcpy(ip, mapped, sizeof(mapped));
		return true;
	}
	return inet_pton(AF_INET6, s, ip) == 1;
}

/* "localhost" is both of its addresses. Return: ranges added, 0 if @s is no address, -ENOMEM */
static int add_host(struct ranges *r, const char *s)
{
	struct policy_net n = { .prefix_bits = 128 };
	bool is_v4;
	int err;

	if (strcmp(s, "localhost") == 0) {
		err = add_host(r, "127.0.0.1");
		return err < 0 ? err : add_host(r, "::1");
	}
	if (!parse_address(s, n.ip, &is_v4))
		return 0;
	err = add_range(r, &n);
	return err < 0 ? err : 1;
}

static bool parse_number(const char *s, unsigned long max, unsigned long *ret)
{
	char *end;

	if (*s < '0' || *s > '9' || strlen(s) > 5)
		return false;
	*ret = strtoul(s, &end, 10);
	return *end == '\0' && *ret <= max;
}

static int fail(struct policy_diag *d, const struct json_value *at, const char *sentence)
{
	return diag_at(d, at->line, at->column, "%s: %s", diag_quote(at->string).s, sentence);
}

static bool has_host_bits(const struct policy_net *n)
{
	for (unsigned int bit = n->prefix_bits; bit < 128; bit++)
		if (n->ip[bit / 8] & (0x80 >> bit % 8))
			return true;
	return false;
}

static int add_cidr(struct ranges *r, const struct expand *e, const struct json_value *at)
{
	char host[HOST_SIZE];
	const char *slash = strchr(at->string, '/');
	struct policy_net n = { .prefix_bits = 0 };
	unsigned long bits;
	bool is_v4;

	if (!slash)
		return fail(e->diag, at, "a cidr is written ADDRESS/BITS");
	if ((size_t)(slash - at->string) >= sizeof(host))
		return fail(e->diag, at, "this is not an address");
	memcpy(host, at->string, (size_t)(slash - at->string));
	host[slash - at->string] = '\0';
	if (!parse_address(host, n.ip, &is_v4))
		return fail(e->diag, at, "this is not an address");
	if (!parse_number(slash + 1, is_v4 ? 32 : 128, &bits))
		return fail(e->diag, at, "the number of bits is out of range");
	n.prefix_bits = (uint8_t)(bits + (is_v4 ? V4_BITS : 0));
	if (has_host_bits(&n))
		return fail(e->diag, at, "the address has bits set behind its prefix");
	return add_range(r, &n) < 0 ? diag_memory(e->diag) : 0;
}

/* The host and port of "scheme://[user@]host[:port]..."; false if it is no such thing */
static bool split_url(const char *url, char host[HOST_SIZE], unsigned long *ret_port)
{
	static const struct {
		const char *scheme;
		unsigned long port;
	} schemes[] = { { "http://", 80 }, { "https://", 443 } };
	const char *p = NULL, *end, *user, *close;
	char port[8];

	for (size_t i = 0; i < ARRAY_SIZE(schemes) && !p; i++) {
		if (strncasecmp(url, schemes[i].scheme, strlen(schemes[i].scheme)) != 0)
			continue;
		p = url + strlen(schemes[i].scheme);
		*ret_port = schemes[i].port;
	}
	if (!p)
		return false;
	end = p + strcspn(p, "/?#");
	user = memrchr(p, '@', (size_t)(end - p));
	if (user)
		p = user + 1;
	close = *p == '[' ? memchr(p, ']', (size_t)(end - p)) : NULL;
	if (*p == '[' && !close)
		return false;
	if (*p == '[')
		p++;
	if (!close)
		close = p + strcspn(p, ":/?#");
	if (close == p || close - p >= HOST_SIZE)
		return false;
	memcpy(host, p, (size_t)(close - p));
	host[close - p] = '\0';
	p = *close == ']' ? close + 1 : close;
	if (p == end)
		return true;
	if (*p != ':' || (size_t)(end - p) > sizeof(port))
		return false;
	memcpy(port, p + 1, (size_t)(end - p - 1));
	port[end - p - 1] = '\0';
	return parse_number(port, UINT16_MAX, ret_port);
}

/* The one address that a url names, if it names one; its port is filled in */
static int add_one_url(struct ranges *r, const struct expand *e, const struct json_value *at,
		       const char *url)
{
	char host[HOST_SIZE];
	unsigned long port;
	size_t before = r->count;

	if (!split_url(url, host, &port))
		return fail(e->diag, at, "this does not stand for a http or https URL");
	if (add_host(r, host) < 0)
		return diag_memory(e->diag);
	for (size_t i = before; i < r->count; i++)
		r->net[i].port_low = r->net[i].port_high = (uint16_t)port;
	return 0;
}

static int add_url(struct ranges *r, const struct expand *e, const struct json_value *at)
{
	const char *const *urls = NULL, *url = NULL;
	size_t count = 0;
	bool is_command;
	int err = expand_command(e, at, &urls, &count, &is_command);

	for (size_t i = 0; err == 0 && is_command && i < count; i++)
		err = add_one_url(r, e, at, urls[i]);
	if (err < 0 || is_command)
		return err;
	err = expand_text(e, at, &url);
	return err < 0 || !url || !*url ? err : add_one_url(r, e, at, url);
}

static int read_port(struct ports *ret, const struct json_value *at, struct policy_diag *d)
{
	char low[8];
	const char *dash;
	unsigned long a, b;

	if (at->type == JSON_NUMBER) {
		if (at->number < 0 || at->number > UINT16_MAX)
			return diag_at(d, at->line, at->column, "a port is a number from 0 to 65535");
		*ret = (struct ports){ (uint16_t)at->number, (uint16_t)at->number };
		return 0;
	}
	dash = strchrnul(at->string, '-');
	if ((size_t)(dash - at->string) >= sizeof(low))
		return fail(d, at, "a port is a number from 0 to 65535, or \"first-last\"");
	memcpy(low, at->string, (size_t)(dash - at->string));
	low[dash - at->string] = '\0';
	if (!parse_number(low, UINT16_MAX, &a) ||
	    !parse_number(*dash ? dash + 1 : low, UINT16_MAX, &b))
		return fail(d, at, "a port is a number from 0 to 65535, or \"first-last\"");
	if (a > b)
		return fail(d, at, "the first port is greater than the last");
	*ret = (struct ports){ (uint16_t)a, (uint16_t)b };
	return 0;
}

static const struct json_value *first_of(const struct json_value *v)
{
	return v && v->type == JSON_ARRAY ? v->child : v;
}

static const struct json_value *next_of(const struct json_value *list, const struct json_value *item)
{
	return list->type == JSON_ARRAY ? item->next : NULL;
}

static int read_hosts(struct ranges *r, const struct expand *e, const struct json_value *list)
{
	for (const struct json_value *i = first_of(list); i; i = next_of(list, i)) {
		int n = add_host(r, i->string);

		if (n < 0)
			return diag_memory(e->diag);
		if (n == 0)
			return fail(e->diag, i, "host names are not supported yet; "
				    "give an address or \"localhost\"");
	}
	return 0;
}

static int read_cidrs(struct ranges *r, const struct expand *e, const struct json_value *list)
{
	int err = 0;

	for (const struct json_value *i = first_of(list); err == 0 && i; i = next_of(list, i))
		err = add_cidr(r, e, i);
	return err;
}

static int read_urls(struct ranges *r, const struct expand *e, const struct json_value *list)
{
	int err = 0;

	for (const struct json_value *i = first_of(list); err == 0 && i; i = next_of(list, i))
		err = add_url(r, e, i);
	return err;
}

/* Every address with every range of ports */
static int cross_ports(struct ranges *r, const struct expand *e, const struct json_value *list)
{
	struct ranges all = { .arena = r->arena };

	for (const struct json_value *i = first_of(list); i; i = next_of(list, i)) {
		struct ports p = { 0, 0 };
		int err = read_port(&p, i, e->diag);

		if (err < 0)
			return err;
		if (r->count > RANGES_MAX || all.count > RANGES_MAX - r->count)
			return diag_at(e->diag, list->line, list->column,
				       "addresses and ports together are more than %u ranges", RANGES_MAX);
		for (size_t k = 0; k < r->count; k++) {
			struct policy_net n = r->net[k];

			n.port_low = p.low;
			n.port_high = p.high;
			if (add_range(&all, &n) < 0)
				return diag_memory(e->diag);
		}
	}
	*r = all;
	return 0;
}

static int read_addresses(struct ranges *r, bool *ret_dropped, const struct expand *e,
			  const struct json_value *v)
{
	const struct json_value *url = json_get(v, "url"), *port = json_get(v, "port");
	const struct json_value *host = json_get(v, "host"), *cidr = json_get(v, "cidr");
	int err;

	*ret_dropped = false;
	if (url) {
		if (host || cidr || port)
			return diag_at(e->diag, url->key_line, url->key_column,
				       "\"url\" stands alone: it has the address and the port");
		err = read_urls(r, e, url);
		*ret_dropped = r->count == 0;
		return err;
	}
	err = read_hosts(r, e, host);
	if (err == 0)
		err = read_cidrs(r, e, cidr);
	if (err < 0)
		return err;
	if (!host && !cidr && add_range(r, &(struct policy_net){ .prefix_bits = 0 }) < 0)
		return diag_memory(e->diag);
	if (port)
		return cross_ports(r, e, port);
	for (size_t i = 0; i < r->count; i++)
		r->net[i].port_high = UINT16_MAX;
	return 0;
}

int addresses_read(struct policy_rule *rule, bool *ret_dropped, const struct expand *e,
		   const struct json_value *v)
{
	struct ranges r = { .arena = e->arena };
	int err = read_addresses(&r, ret_dropped, e, v);

	if (err < 0)
		return err;
	rule->net = r.net;
	rule->net_count = r.count;
	return 0;
}

int addresses_grant(struct policy_rule *rule, struct arena *a, const char *text,
		    struct policy_diag *reterr)
{
	struct ranges r = { .arena = a };
	char host[HOST_SIZE];
	const char *colon = strrchr(text, ':'), *start = text;
	unsigned long port = 0;
	size_t len = strlen(text);
	bool has_port = colon && (text[0] == '[' ? colon[-1] == ']' : strchr(text, ':') == colon);
	int n;

	if (has_port && !parse_number(colon + 1, UINT16_MAX, &port))
		return diag_at(reterr, 0, 0, "--allow-host %s: a port is a number from 0 to 65535",
			       diag_quote(text).s);
	if (has_port)
		len = (size_t)(colon - text);
	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		start++;
		len -= 2;
	}
	host[0] = '\0';
	if (len < sizeof(host)) {
		memcpy(host, start, len);
		host[len] = '\0';
	}
	n = add_host(&r, host);
	if (n < 0)
		return diag_memory(reterr);
	if (n == 0)
		return diag_at(reterr, 0, 0, "--allow-host %s: host names are not supported yet; "
			       "give an address or \"localhost\"", diag_quote(text).s);
	for (size_t i = 0; i < r.count; i++) {
		r.net[i].port_low = (uint16_t)port;
		r.net[i].port_high = has_port ? (uint16_t)port : UINT16_MAX;
	}
	rule->net = r.net;
	rule->net_count = r.count;
	return 0;
}
