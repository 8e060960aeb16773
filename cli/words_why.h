/* SPDX-License-Identifier: Apache-2.0
 *
 * cli/words_why.h - Questions of "agentsh why" and their answers, inside and outside
 *
 * DOC: The question on the wire (inside, over the query socket)
 *
 * One message of fields that each end in NUL: WHY_MAGIC, "json" or "text", the
 * kind, then
 *
 *	id	NUMBER
 *	path	PATH OP TRAITS		absolute, resolved by the asker; TRAITS a digit
 *	host	ADDRESS:PORT OP
 *	command	PATH ASKED WORD...
 *
 * The answer is one message: '0' allowed, '1' refused or '2' error, then text.
 */
#ifndef CLI_WORDS_WHY_H
#define CLI_WORDS_WHY_H

#include <sys/types.h>

#include "policy/load.h"

#define WHY_MAGIC	"agentsh-why-1"
#define WHY_MAX		(64u * 1024)	/* bytes of a question */
#define WHY_ANSWER_MAX	(128u * 1024)
#define WHY_WORDS_MAX	256

enum why_kind { WHY_NONE = 0, WHY_ID, WHY_PATH, WHY_HOST, WHY_COMMAND, WHY_KIND_COUNT };

/** enum why_status - Also the exit status, but for errors */
enum why_status { WHY_ALLOWED = 0, WHY_REFUSED = 1, WHY_ERROR = 2 };

#define WHY_T_ABSENT (1u << 2)	/* beside POLICY_T_*: nothing is there */

/** struct why_question - Strings are borrowed: from the message or the command line */
struct why_question {
	enum why_kind kind;
	bool is_json;
	uint64_t id;
	const char *path, *asked;	/* asked: COMMAND only */
	enum policy_op op;		/* PATH, HOST */
	uint32_t traits;
	const char *host;		/* "1.2.3.4:80", "[::1]:80", "localhost:80" */
	const char *argv[WHY_WORDS_MAX];
	uint32_t argc;
};

/** struct why_place - Where the answer is looked for */
struct why_place {
	const struct policy_loaded *loaded;	/* NULL: ID only, and without a hint */
	const char *session_dir;		/* ID; NULL: no session */
};

/** why_parse() - A question from the wire; hostile. 0; -EBADMSG */
int why_parse(struct why_question *ret, const char *buf, size_t len);

/** why_encode() - Length; -E2BIG */
ssize_t why_encode(const struct why_question *q, char *buf, size_t size);

/** why_answer() - Text or JSON with a newline at its end, NUL-terminated. Changes nothing */
enum why_status why_answer(const struct why_place *at, const struct why_question *q, char *buf, size_t size);

/** why_parse_host() - Address literal or localhost, with a port. 0; -EINVAL */
int why_parse_host(const char *text, uint8_t ret_ip[16], uint16_t *ret_port);

#endif /* CLI_WORDS_WHY_H */
