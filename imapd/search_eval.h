/*
 * search_eval -- does one message fit a SEARCH?  What the row says is asked
 * first, then the header, then the whole text, each only if the answer still
 * depends on it.
 */
#ifndef POSTERN_IMAPD_SEARCH_EVAL_H
#define POSTERN_IMAPD_SEARCH_EVAL_H

#include <stdbool.h>

#include "imapd/search_keys.h"
#include "imapd/text_search.h"
#include "store/message.h"

enum answer { ANSWER_NO, ANSWER_YES, ANSWER_OPEN };

struct search_eval {
	const struct search *search;
	struct mailbox *mailbox;
	int64_t now;              /* seconds since 1970 */
	enum answer *known;       /* of each key, for the message */
	struct text_need *needs;  /* of BODY and TEXT keys */
	size_t *need_keys;        /* need_n: whose they are */
	size_t need_n;
	struct message_text text;
	bool has_text;
	struct text_search looking;
	bool is_looking;
};

void search_eval_init(struct search_eval *e, const struct search *search,
    struct mailbox *m, struct pool *pool);
void search_eval_clear(struct search_eval *e);

/* Begins with a message.  OPEN: call search_eval_step. */
enum answer search_eval_begin(
    struct search_eval *e, const struct row *row, uint32_t msn);
/* Goes on with a bounded piece of work. */
enum answer search_eval_step(struct search_eval *e, const struct row *row);

#endif
