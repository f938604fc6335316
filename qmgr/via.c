#include "qmgr/via.h"

struct site *
rcpt_via(const struct rcpt *r)
{
	if ((r->flags & RCPT_VIA) == 0)
		return NULL;
	return map_get_id(&r->m->more->vias, r->index);
}

void
rcpt_set_via(struct rcpt *r, struct site *site)
{
	struct site *old = rcpt_via(r);

	if (site == old)
		return;
	if (site != NULL) {
		site->refs++;
		map_set_id(&message_more(r->m)->vias, r->index, site);
		r->flags |= RCPT_VIA;
	} else {
		map_del_id(&r->m->more->vias, r->index);
		r->flags &= (uint8_t)~RCPT_VIA;
	}
	if (old != NULL)
		old->refs--;
}
