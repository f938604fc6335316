#include "qmgr/via.h"

struct site *
rcpt_via(const struct rcpt *r)
{
	return r->via;
}

void
rcpt_set_via(struct rcpt *r, struct site *site)
{
	if (site != NULL)
		site->refs++;
	if (r->via != NULL)
		r->via->refs--;
	r->via = site;
}
