/* dropped -- files of the drop folder that were accepted, and are gone. */
#include "msg/submit.h"
#include "qmgr/peer.h"
#include "qmgr/qmgr.h"

/* What it wanted to say of them when one of us died, it says now. */
void
dropped_open(struct peer *p)
{
	struct buf list;
	struct str left, token;
	size_t pos = 0;

	buf_init(&list, BUF_NO_MAX);
	while (map_next(&p->d->q.tokens.ids, &pos, &token) != NULL)
		buf_add(&list, token);
	left = buf_str(&list);
	while (left.n != 0)
		link_send_raw(p->link, MSG_SUBMIT_KNOWN, 0,
		    str_take(&left, TOKEN * TOKENS_A_FRAME));
	buf_clear(&list);
}

void
on_submit_gone(void *arg, struct link *link, struct link_msg *f)
{
	struct peer *p = arg;

	(void)link;
	/* Lost with a crash it is said again: no flush of its own. */
	queue_gone(&p->d->q, f->raw);
}
