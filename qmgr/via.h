/*
 * via -- a next hop that the administrator ordered for a recipient, whatever
 * routerd would say.  A million may have one: no allocation each.
 */
#ifndef POSTERN_QMGR_VIA_H
#define POSTERN_QMGR_VIA_H

#include "qmgr/site.h"

/* Borrowed; NULL: none. */
struct site *rcpt_via(const struct rcpt *r);
/* Takes a reference of its own; NULL: none any more. */
void rcpt_set_via(struct rcpt *r, struct site *site);

#endif
