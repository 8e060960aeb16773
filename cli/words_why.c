/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/words_why.c - Questions of "agentsh why": from the wire, and answered
 */
#include "cli/words_why.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit/reader.h"
#include "cli/words_text.h"
#include "common/jsonw.h"

static const char *const kinds[] = {
	[WHY_NONE] = "", [WHY_ID] = "id", [WHY_PATH] = "path", [WHY_HOST] = "host", [WHY_COMMAND] = "command",
};
static_assert(ARRAY_SIZE(kinds) == WHY_KIND_COUNT, "kinds[] and enum why_kind differ");

/* ---- the wire ---- */

struct fields {
	const char *p, *end;
};

/* The next field, which ends in NUL inside the message; NULL if there is none */
static const char *next_field(struct fields *f)
{
	const char *start = f->p;
	const char *nul = start < f->end ? memchr(start, '\0', (size_t)(f->end - start)) : NULL;

	if (!nul)
		return NULL;
	f->p = nul + 1;
	return start;
}

static bool parse_number(const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t v = 0;

	if (!*text || strlen(text) > 19)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		v = v * 10 + (uint64_t)(*text - '0');
	}
	*ret = v;
	return v <= max;
}

static bool parse_op(const char *text, enum policy_op *ret)
{
	for (unsigned i = 0; text && i < POLICY_OP_COUNT; i++) {
		if (strcmp(text, policy_op_name((enum policy_op)i)) == 0) {
			*ret = (enum policy_op)i;
			return true;
		}
	}
	return false;
}

static bool parse_path(struct why_question *q, struct fields *f)
{
	const char *op, *traits;
	uint64_t v;

	q->path = next_field(f);
	op = next_field(f);
	traits = next_field(f);
	if (!q->path || q->path[0] != '/' || !parse_op(op, &q->op) || !traits || !parse_number(traits, 7, &v))
		return false;
	q->traits = (uint32_t)v;
	return policy_op_object(q->op) == POLICY_OBJECT_PATH;
}

static bool parse_host(struct why_question *q, struct fields *f)
{
	uint8_t ip[16];
	uint16_t port;

	q->host = next_field(f);
	return q->host && parse_op(next_field(f), &q->op) && policy_op_object(q->op) == POLICY_OBJECT_ADDR &&
		why_parse_host(q->host, ip, &port) == 0;
}

static bool parse_command(struct why_question *q, struct fields *f)
{
	const char *word;

	q->path = next_field(f);
	q->asked = next_field(f);
	if (!q->asked || q->path[0] != '/')
		return false;
	while ((word = next_field(f))) {
		if (q->argc == WHY_WORDS_MAX)
			return false;
		q->argv[q->argc++] = word;
	}
	return q->argc > 0;
}

int why_parse(struct why_question *ret, const char *buf, size_t len)
{
	struct fields f = { buf, buf + len };
	const char *magic = next_field(&f), *form = next_field(&f), *kind = next_field(&f), *id;
	bool good = false;

	memset(ret, 0, sizeof(*ret));
	if (!kind || strcmp(magic, WHY_MAGIC) != 0 || len > WHY_MAX)
		return -EBADMSG;
	ret->is_json = strcmp(form, "json") == 0;
	for (unsigned i = 1; i < WHY_KIND_COUNT; i++)
		if (strcmp(kind, kinds[i]) == 0)
			ret->kind = (enum why_kind)i;
	if (ret->kind == WHY_ID)
		good = (id = next_field(&f)) && parse_number(id, INT64_MAX, &ret->id);
	else if (ret->kind == WHY_PATH)
		good = parse_path(ret, &f);
	else if (ret->kind == WHY_HOST)
		good = parse_host(ret, &f);
	else if (ret->kind == WHY_COMMAND)
		good = parse_command(ret, &f);
	return good && f.p == f.end ? 0 : -EBADMSG;
}

static void put(char *buf, size_t size, size_t *len, const char *text)
{
	size_t n = strlen(text) + 1;

	if (*len <= size && n <= size - *len)
		memcpy(buf + *len, text, n);
	*len += n;	/* beyond @size: told at the end */
}

ssize_t why_encode(const struct why_question *q, char *buf, size_t size)
{
	char number[24];
	size_t len = 0;

	put(buf, size, &len, WHY_MAGIC);
	put(buf, size, &len, q->is_json ? "json" : "text");
	put(buf, size, &len, kinds[q->kind]);
	if (q->kind == WHY_ID) {
		(void)snprintf(number, sizeof(number), "%" PRIu64, q->id);	/* fits */
		put(buf, size, &len, number);
	} else if (q->kind == WHY_HOST) {
		put(buf, size, &len, q->host);
		put(buf, size, &len, policy_op_name(q->op));
	} else {
		put(buf, size, &len, q->path);
		put(buf, size, &len, q->kind == WHY_PATH ? policy_op_name(q->op) : q->asked);
	}
	if (q->kind == WHY_PATH) {
		(void)snprintf(number, sizeof(number), "%u", q->traits & 7);	/* fits */
		put(buf, size, &len, number);
	}
	for (uint32_t i = 0; q->kind == WHY_COMMAND && i < q->argc; i++)
		put(buf, size, &len, q->argv[i]);
	return len <= size ? (ssize_t)len : -E2BIG;
}

int why_parse_host(const char *text, uint8_t ret_ip[16], uint16_t *ret_port)
{
	const char *colon = strrchr(text, ':');
	char host[64];
	uint8_t v4[4];
	uint64_t port;
	size_t n;

	if (!colon || !parse_number(colon + 1, UINT16_MAX, &port))
		return -EINVAL;
	n = (size_t)(colon - text);
	if (n >= 2 && text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	}
	if (n >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, n);
	host[n] = '\0';
	if (strcmp(host, "localhost") == 0)
		strcpy(host, "127.0.0.1");
	if (inet_pton(AF_INET, host, v4) == 1) {
		memset(ret_ip, 0, 10);
		memset(ret_ip + 10, 0xff, 2);
		memcpy(ret_ip + 12, v4, 4);
	} else if (inet_pton(AF_INET6, host, ret_ip) != 1) {
		return -EINVAL;
	}
	*ret_port = (uint16_t)port;
	return 0;
}

/* ---- the answer ---- */

/* What is said in either form. Empty strings are left out */
struct answer {
	const struct policy_loaded *loaded;	/* NULL: no hint */
	uint64_t seq;				/* 0: a question about what would be */
	struct policy_str op, object, resolved, decision, rule, layer, message, time, program, err;
	enum policy_op op_id;
	uint32_t rule_id;
	bool is_refused, has_rule_id;
	char to[512];				/* of a redirect: a path, or words with spaces between */
};

static const char *hint_of(const struct answer *a, char *buf, size_t size)
{
	if (!a->is_refused || !a->loaded || !a->has_rule_id)
		return "";
	return text_hint(buf, size, a->loaded, a->op_id, a->object, a->rule_id);
}

static void put_json(const struct answer *a, char *buf, size_t size)
{
	const struct {
		const char *key;
		struct policy_str s;
	} texts[] = {
		{ "time", a->time }, { "program", a->program }, { "op", a->op }, { "object", a->object },
		{ "resolved", a->resolved }, { "decision", a->decision }, { "rule", a->rule },
		{ "layer", a->layer }, { "to", policy_str(a->to) }, { "err", a->err }, { "message", a->message },
	};
	char hint[512];
	struct jsonw w;

	jsonw_init(&w, buf, size - 1);
	jsonw_object_begin(&w);
	if (a->seq) {
		jsonw_key(&w, "id");
		jsonw_uint(&w, a->seq);
	}
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		if (texts[i].s.len == 0)
			continue;
		jsonw_key(&w, texts[i].key);
		jsonw_str(&w, texts[i].s);
	}
	if (a->loaded) {
		jsonw_key(&w, "policy");
		jsonw_cstr(&w, a->loaded->name);
	}
	if (hint_of(a, hint, sizeof(hint))[0]) {
		jsonw_key(&w, "hint");
		jsonw_cstr(&w, hint);
	}
	jsonw_object_end(&w);
	if (w.overflowed)
		jsonw_init(&w, buf, size - 1);	/* longer than any path: nothing is better than half */
	strcpy(buf + w.len, "\n");
}

static void put_text(const struct answer *a, char *buf, size_t size)
{
	char object[600], other[600], hint[512];
	const char *home = a->loaded ? a->loaded->home : NULL;
	FILE *f = fmemopen(buf, size, "w");

	if (!f) {
		buf[0] = '\0';
		return;
	}
	fprintf(f, "%.*s", (int)a->op.len, a->op.s);
	if (a->decision.len > 0)
		fprintf(f, " %s: %.*s", text_path(object, sizeof(object), a->object, home), (int)a->decision.len,
			a->decision.s);
	fprintf(f, "\n");
	if (a->resolved.len > 0)
		fprintf(f, "  which is   %s\n", text_path(other, sizeof(other), a->resolved, home));
	if (a->program.len > 0)
		fprintf(f, "  asked by   %s", text_path(other, sizeof(other), a->program, home));
	if (a->program.len > 0 || a->time.len > 0)
		fprintf(f, "%s%s\n", a->program.len > 0 ? " at " : "  asked at   ",
			text_escape(other, sizeof(other), a->time));
	if (a->rule.len > 0)
		fprintf(f, "  rule       %s", text_escape(other, sizeof(other), a->rule));
	if (a->rule.len > 0)
		fprintf(f, "%s%s\n", a->layer.len ? " of layer " : "", text_escape(other, sizeof(other), a->layer));
	if (a->to[0])
		fprintf(f, "  instead    %s\n", text_escape(other, sizeof(other), policy_str(a->to)));
	if (a->message.len > 0)
		fprintf(f, "  because    %s\n", text_escape(other, sizeof(other), a->message));
	if (hint_of(a, hint, sizeof(hint))[0])
		fprintf(f, "  but        %s\n", hint);
	(void)fclose(f);	/* memory: what does not fit is cut, and the NUL is there */
}

static enum why_status say(const struct answer *a, const struct why_question *q, char *buf, size_t size)
{
	(q->is_json ? put_json : put_text)(a, buf, size);
	return a->is_refused ? WHY_REFUSED : WHY_ALLOWED;
}

static enum why_status say_error(const struct why_question *q, char *buf, size_t size, const char *sentence)
{
	struct jsonw w;

	if (q->is_json) {
		jsonw_init(&w, buf, size - 1);
		jsonw_object_begin(&w);
		jsonw_key(&w, "error");
		jsonw_cstr(&w, sentence);
		jsonw_object_end(&w);
		strcpy(buf + w.len, "\n");
	} else {
		(void)snprintf(buf, size, "agentsh why: %s\n", sentence);	/* fits */
	}
	return WHY_ERROR;
}

/* Of a program the words each end in a NUL; cut where it is longer than anybody reads */
static void fill_target(struct answer *a, struct policy_str target)
{
	size_t n = target.len < sizeof(a->to) ? target.len : sizeof(a->to) - 1;

	if (n > 0)
		memcpy(a->to, target.s, n);
	while (n > 0 && !a->to[n - 1])
		n--;
	for (size_t i = 0; i < n; i++)
		if (!a->to[i])
			a->to[i] = ' ';
	a->to[n] = '\0';
}

static void fill_decision(struct answer *a, const struct policy_decision *d)
{
	struct policy_str id, message;

	a->is_refused = d->verdict != POLICY_ALLOW && d->verdict != POLICY_REDIRECT;
	a->decision = policy_str(policy_verdict_name(d->verdict));
	a->rule = d->rule;
	a->rule_id = d->rule_id;
	a->has_rule_id = true;
	if (a->is_refused)
		a->message = d->message;
	fill_target(a, d->target);
	if (d->rule_id != POLICY_RULE_NONE)
		(void)policy_rule_get(&a->loaded->policy, d->rule_id, &id, &a->layer, &message); /* exists: it decided */
}

static void eval(const struct policy *p, struct policy_request *req, enum policy_op op, struct policy_decision *acc,
		 bool merge)
{
	struct policy_decision d;

	req->op = op;
	policy_eval(p, req, &d);
	if (merge)
		policy_merge(acc, &d);
	else
		*acc = d;
}

static void judge_path(const struct policy *p, const struct why_question *q, struct policy_decision *d)
{
	struct policy_request req = {
		.traits = q->traits & POLICY_T_UNKNOWN,
		.object = { .kind = POLICY_OBJECT_PATH, .path = policy_str(q->path) },
	};

	eval(p, &req, q->op, d, false);
	if (q->op == POLICY_OP_WRITE && q->traits & WHY_T_ABSENT)	/* writing what is not there makes it */
		eval(p, &req, POLICY_OP_CREATE, d, true);
}

static void judge_host(const struct policy *p, const struct why_question *q, struct policy_decision *d)
{
	struct policy_request req = { .object = { .kind = POLICY_OBJECT_ADDR } };

	(void)why_parse_host(q->host, req.object.addr.ip, &req.object.addr.port);	/* parsed before */
	eval(p, &req, q->op, d, false);
}

static void judge_command(const struct policy *p, const struct why_question *q, struct policy_decision *d)
{
	struct policy_request req = {
		.traits = POLICY_T_UNKNOWN,
		.object = { .kind = POLICY_OBJECT_EXEC, .exec = {
			.path = policy_str(q->path), .asked = policy_str(q->asked), .argv = q->argv, .argc = q->argc,
		} },
	};
	struct policy_request file = {
		.traits = POLICY_T_UNKNOWN,
		.object = { .kind = POLICY_OBJECT_PATH, .path = policy_str(q->path) },
	};

	eval(p, &req, POLICY_OP_RUN, d, false);
	eval(p, &file, POLICY_OP_EXEC, d, true);
}

static enum why_status answer_eval(const struct why_place *at, const struct why_question *q, char *buf, size_t size)
{
	struct answer a = { .loaded = at->loaded, .op_id = q->op };
	struct policy_decision d;

	if (!at->loaded)
		return say_error(q, buf, size, "there is no policy to ask");
	if (q->kind == WHY_PATH)
		judge_path(&at->loaded->policy, q, &d);
	else if (q->kind == WHY_HOST)
		judge_host(&at->loaded->policy, q, &d);
	else
		judge_command(&at->loaded->policy, q, &d);
	if (q->kind == WHY_COMMAND)
		a.op_id = POLICY_OP_RUN;
	a.op = policy_str(policy_op_name(a.op_id));
	a.object = policy_str(q->kind == WHY_HOST ? q->host : q->path);
	fill_decision(&a, &d);
	return say(&a, q, buf, size);
}

/* The log names a rule by its id; two layers may have the same */
static bool find_rule(const struct policy_loaded *l, struct policy_str id, uint32_t *ret_id, struct policy_str *ret_layer)
{
	struct policy_str got, layer, message;

	for (uint32_t i = 0; l && policy_rule_get(&l->policy, i, &got, &layer, &message); i++) {
		if (got.len == id.len && memcmp(got.s, id.s, id.len) == 0) {
			*ret_id = i;
			*ret_layer = layer;
			return true;
		}
	}
	*ret_id = POLICY_RULE_NONE;
	return id.len == 7 && memcmp(id.s, "default", 7) == 0;
}

static enum why_status say_record(const struct why_place *at, const struct why_question *q,
				  const struct audit_record *rec, char *buf, size_t size)
{
	struct answer a = {
		.loaded = at->loaded, .seq = rec->seq, .op = rec->op, .object = rec->object,
		.resolved = rec->resolved, .decision = rec->decision, .rule = rec->rule, .message = rec->message,
		.time = rec->time, .program = rec->program, .err = rec->err,
		.is_refused = audit_record_is_refusal(rec),
	};
	char op[32], decision[32], text[32];

	/* these two are ours, but the file may not be */
	(void)snprintf(text, sizeof(text), "%.*s", (int)(rec->op.len < 24 ? rec->op.len : 24), rec->op.s ? rec->op.s : "");
	a.has_rule_id = parse_op(text, &a.op_id) && find_rule(at->loaded, rec->rule, &a.rule_id, &a.layer);
	a.op = policy_str(text_escape(op, sizeof(op), rec->op));
	a.decision = policy_str(text_escape(decision, sizeof(decision), rec->decision));
	return say(&a, q, buf, size);
}

static enum why_status answer_id(const struct why_place *at, const struct why_question *q, char *buf, size_t size)
{
	enum why_status status;
	struct audit_record *rec = malloc(sizeof(*rec));
	struct audit_reader *reader = NULL;
	int r = !rec ? -ENOMEM : at->session_dir ? audit_reader_open(&reader, at->session_dir) : -ENOENT;

	while (r >= 0 && (r = audit_reader_next(reader, rec)) != 0 && (r == 1 || r == -EBADMSG)) {
		if (r == 1 && rec->seq == q->id)
			break;
		r = 0;
	}
	if (r == 1)
		status = say_record(at, q, rec, buf, size);
	else if (r < 0)
		status = say_error(q, buf, size, "the log cannot be read");
	else
		status = say_error(q, buf, size, "the log has no record of this number");
	audit_reader_free(reader);
	free(rec);
	return status;
}

enum why_status why_answer(const struct why_place *at, const struct why_question *q, char *buf, size_t size)
{
	return q->kind == WHY_ID ? answer_id(at, q, buf, size) : answer_eval(at, q, buf, size);
}
