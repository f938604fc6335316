/* text -- a message's octets: from memory, or back from the log. */
#include <errno.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "proc/note.h"
#include "qmgr/qmgr.h"

struct str
message_text(struct qmgr *d, struct message *m)
{
	const uint64_t n = message_logged(m);
	struct record r;

	if (m->text != NULL)
		return str_n(m->text, (size_t)n);
	if (m->seg != NULL && !qlog_read(&d->q.log, m->seg, m->off, m->size,
	        &d->scratch, &r))
		return STR_NONE;
	if (m->seg == NULL || r.id != m->id || r.payload.n < n) {
		errno = EBADMSG; /* it will not come back */
		return STR_NONE;
	}
	return str_from(r.payload, r.payload.n - (size_t)n);
}

void
message_keep_text(struct qmgr *d, struct message *m, struct str text)
{
	if (m->text != NULL || text.n == 0 ||
	    d->q.text_memory + text.n > d->o.memory / 2)
		return;
	m->text = xmalloc(text.n);
	memcpy(m->text, text.p, text.n);
	d->q.text_memory += text.n;
}
