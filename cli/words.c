/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/words.c - The event sink of a session: log line first, then words for the agent, counts for the footer
 */
#include "cli/words.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/words_tally.h"
#include "cli/words_tell.h"
#include "cli/words_text.h"

struct words {
	struct event_sink sink;		/* first: the sink is the words */
	struct words_options opt;
	struct tell *tell;
	struct tally tally;
};

static bool is_refusal(const struct event *ev)
{
	return ev->decision && ev->err > 0 &&
		(ev->decision->verdict == POLICY_DENY || ev->decision->verdict == POLICY_ASK);
}

/* "agentsh: denied: write ~/.bashrc [rule shell-rc]: MESSAGE · agentsh why 41" */
static void say_refusal(struct words *w, const struct event *ev, uint64_t seq)
{
	const struct policy_decision *d = ev->decision;
	char line[1000], object[300], rule[80], message[300];
	bool has_rule = d->rule_id != POLICY_RULE_NONE || !text_is_default(d->rule);
	uint64_t key;
	int n;

	if (!tell_wants(w->tell, ev->tid, d->rule, &key))
		return;
	text_path(object, sizeof(object), ev->object, w->opt.loaded->home);
	text_escape(rule, sizeof(rule), d->rule);
	text_escape(message, sizeof(message), d->message);
	n = snprintf(line, sizeof(line), "agentsh: denied: %s %s [%s%s]%s%s · agentsh why %" PRIu64 "\n",	/* fits */
		     policy_op_name(ev->op), object, has_rule ? "rule " : "",
		     has_rule ? rule : "no rule allows it",
		     message[0] ? ": " : "", message, seq);
	tell(w->tell, ev->tid, key, (struct policy_str){ line, (uint32_t)n });
}

/* "agentsh: redirected: run /usr/bin/curl to agentsh-fetch [rule fetch]: MESSAGE · agentsh why 41" */
static void say_redirect(struct words *w, const struct event *ev, uint64_t seq)
{
	const struct policy_decision *d = ev->decision;
	char line[1000], object[200], to[200], rule[80], message[300];
	uint64_t key;
	int n;

	if (!tell_wants(w->tell, ev->tid, d->rule, &key))
		return;
	text_path(object, sizeof(object), ev->object, w->opt.loaded->home);
	text_path(to, sizeof(to), policy_str(d->target.s), w->opt.loaded->home);	/* the first of the words */
	text_escape(rule, sizeof(rule), d->rule);
	text_escape(message, sizeof(message), d->message);
	n = snprintf(line, sizeof(line), "agentsh: redirected: %s %s to %s [rule %s]%s%s · agentsh why %" PRIu64 "\n",	/* fits */
		     policy_op_name(ev->op), object, to, rule, message[0] ? ": " : "", message, seq);
	tell(w->tell, ev->tid, key, (struct policy_str){ line, (uint32_t)n });
}

static void say_unrecorded(struct words *w, const struct event *ev, int err)
{
	char line[600], object[300];
	uint64_t key;
	int n;

	if (!tell_wants(w->tell, ev->tid, policy_str("\n unrecorded"), &key))	/* no rule has this id */
		return;
	text_path(object, sizeof(object), ev->object, w->opt.loaded->home);
	n = snprintf(line, sizeof(line), "agentsh: denied: %s %s: it could not be recorded (%s)\n",	/* fits */
		     policy_op_name(ev->op), object, strerror(err));
	tell(w->tell, ev->tid, key, (struct policy_str){ line, (uint32_t)n });
}

/* Tools make themselves a folder in the home if they can and go on if they cannot: where no rule
 * speaks of it, words on their stderr would be a trace of the cage and no help. It is recorded. */
static bool is_quiet(const struct event *ev)
{
	return (ev->flags & EVENT_F_QUIET) || ev->err == ENOENT ||	/* what is hidden is not spoken of */
		(ev->op == POLICY_OP_MKDIR && ev->decision->rule_id == POLICY_RULE_NONE);
}

static int words_event(struct event_sink *sink, const struct event *ev)
{
	struct words *w = (struct words *)sink;
	uint64_t seq;
	int r = audit_event(w->opt.audit, ev, &seq);

	if (r < 0) {
		tally_unrecorded(&w->tally, -r);
		say_unrecorded(w, ev, -r);
		return r;
	}
	if (ev->flags & EVENT_F_BIRTH)
		tally_birth(&w->tally, ev->object);
	/* another program than was asked for should surprise nobody; another file is what the rule is for */
	if (ev->layer == EVENT_LAYER_EXEC && ev->decision && ev->decision->verdict == POLICY_REDIRECT && ev->err == 0)
		say_redirect(w, ev, seq);
	if (!is_refusal(ev))
		return 0;
	tally_refusal(&w->tally, ev, seq);
	if (!is_quiet(ev))
		say_refusal(w, ev, seq);
	return 0;
}

int words_new(struct words **ret, const struct words_options *opt)
{
	struct words *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	/* log and words may meet the caller's limit on file sizes: an error then, not a death */
	(void)signal(SIGXFSZ, SIG_IGN);	/* this signal exists */
	w->sink.event = words_event;
	w->opt = *opt;
	(void)pthread_mutex_init(&w->tally.lock, NULL);	/* cannot fail with default attributes */
	r = tell_new(&w->tell);
	if (r < 0) {
		free(w);
		return r;
	}
	*ret = w;
	return 0;
}

struct event_sink *words_sink(struct words *w)
{
	return &w->sink;
}

void words_footer(struct words *w, bool json, FILE *out)
{
	if (json)
		tally_print_json(&w->tally, w->opt.session_id, out);
	else
		tally_print(&w->tally, w->opt.loaded, w->opt.session_id, out);
}

void words_free(struct words *w)
{
	if (!w)
		return;
	tell_free(w->tell);
	free(w);
}
