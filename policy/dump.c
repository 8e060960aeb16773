/* SPDX-License-Identifier: Apache-2.0
 *
 * policy/dump.c - A compiled policy as text
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/fdio.h"
#include "policy/compile.h"
#include "policy/format.h"

static const char *const section_name[] = {
	[POLICY_SECTION_NONE] = "none",
	[POLICY_SECTION_FILES] = "files",
	[POLICY_SECTION_COMMANDS] = "commands",
	[POLICY_SECTION_NETWORK] = "network",
	[POLICY_SECTION_SOCKETS] = "sockets",
};
static_assert(ARRAY_SIZE(section_name) == POLICY_SECTION_COUNT, "one name each");

static const struct {
	uint32_t flag;
	const char *name;
} flag_name[] = {
	{ POLICY_F_AUDIT, "audit" },
	{ POLICY_F_HIDE, "hide" },
	{ BLOB_COND_STOOD_SELF, "stood-self" },
	{ BLOB_COND_STOOD_FOLDER, "stood-folder" },
	{ BLOB_COND_BY, "by" },
	{ BLOB_COND_ARGS, "args" },
	{ BLOB_RULE_DEFAULT, "default" },
};

/* Control bytes of a policy file stay out of terminals */
static void put_string(FILE *f, struct policy_str s)
{
	uint32_t i;

	(void)fputc('"', f);	/* an error sticks to the stream and is seen at its end */
	for (i = 0; i < s.len; i++) {	/* the words of a command end in \x00 */
		unsigned char c = (unsigned char)s.s[i];

		if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
			(void)fprintf(f, "\\x%02x", c);	/* as above */
		else
			(void)fputc(c, f);	/* as above */
	}
	(void)fputc('"', f);	/* as above */
}

static void put_layer(FILE *f, const struct blob *b, uint32_t idx)
{
	const struct blob_layer *l = &b->header->layer[idx];
	uint32_t s;

	fprintf(f, "layer %u ", idx);
	put_string(f, blob_string(b, l->name));
	fprintf(f, "%s%s\n", l->flags & BLOB_LAYER_BASE ? " base" : "",
		l->flags & BLOB_LAYER_OVERRIDES ? " overrides" : "");
	for (s = POLICY_SECTION_NONE + 1; (l->flags & BLOB_LAYER_BASE) && s < POLICY_SECTION_COUNT; s++)
		fprintf(f, "  default %s %s\n", section_name[s],
			policy_verdict_name((enum policy_verdict)l->fallback[s]));
}

static void put_rule(FILE *f, const struct blob *b, uint32_t idx)
{
	const struct blob_rule *r = &b->rule[idx];
	uint32_t i;

	fprintf(f, "rule %u layer %u %s ", idx, r->layer_idx, section_name[r->section]);
	put_string(f, blob_string(b, r->id));
	fprintf(f, " %s", policy_verdict_name((enum policy_verdict)r->verdict));
	if (r->err)
		fprintf(f, " err %d", r->err);
	for (i = 0; i < POLICY_OP_COUNT; i++)
		if (r->ops & POLICY_OP_BIT(i))
			fprintf(f, " %s", policy_op_name((enum policy_op)i));
	for (i = 0; i < ARRAY_SIZE(flag_name); i++)
		if (r->flags & flag_name[i].flag)
			fprintf(f, " [%s]", flag_name[i].name);
	if (r->target.len) {
		fprintf(f, " to ");
		put_string(f, blob_string(b, r->target));
	}
	if (r->message.len) {
		fprintf(f, " message ");
		put_string(f, blob_string(b, r->message));
	}
	fprintf(f, "\n");
}

static void put_net(FILE *f, const struct blob *b, uint32_t idx)
{
	const struct blob_net *n = &b->net[idx];
	size_t i;

	fprintf(f, "net rule %u ", n->rule_idx);
	for (i = 0; i < sizeof(n->ip); i += 2)
		fprintf(f, "%s%02x%02x", i ? ":" : "", n->ip[i], n->ip[i + 1]);
	fprintf(f, "/%u port %u-%u\n", n->prefix_bits, n->port_low, n->port_high);
}

int policy_dump(const struct policy *p, int fd)
{
	struct blob b = blob_view(p);
	const struct blob_range *t = b.header->table;
	char *text = NULL;
	size_t size = 0;
	uint32_t i;
	FILE *f = open_memstream(&text, &size);
	int r;

	if (!f)
		return -errno;
	fprintf(f, "policy %u bytes, %u rules, %u states, %u cells, %u chains, %u lists\n",
		b.header->size, t[BLOB_TABLE_RULE].count, t[BLOB_TABLE_STATE].count,
		t[BLOB_TABLE_CELL].count, t[BLOB_TABLE_CHAIN].count, t[BLOB_TABLE_LIST].count);
	for (i = 0; i < b.header->layer_count; i++)
		put_layer(f, &b, i);
	for (i = 0; i < t[BLOB_TABLE_RULE].count; i++)
		put_rule(f, &b, i);
	for (i = 0; i < t[BLOB_TABLE_NET].count; i++)
		put_net(f, &b, i);
	r = ferror(f) ? -ENOMEM : 0;
	if (fclose(f) != 0)
		r = -ENOMEM;
	if (r == 0)
		r = fdio_write_full(fd, text, size);
	free(text);
	return r;
}

bool policy_rule_get(const struct policy *p, uint32_t rule_id, struct policy_str *ret_id,
		     struct policy_str *ret_layer, struct policy_str *ret_message)
{
	struct blob b = blob_view(p);
	const struct blob_rule *r;

	if (rule_id >= b.header->table[BLOB_TABLE_RULE].count)
		return false;
	r = &b.rule[rule_id];
	*ret_id = blob_string(&b, r->id);
	*ret_layer = blob_string(&b, b.header->layer[r->layer_idx].name);
	*ret_message = blob_string(&b, r->message);
	return true;
}
