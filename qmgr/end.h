/*
 * end -- what became of a recipient for good, as the log tells it: with it an
 * audit can say of each recipient where its copy went.
 * The numbers stand in DONE records; FORMAT.md.
 */
#ifndef POSTERN_QMGR_END_H
#define POSTERN_QMGR_END_H

#include <stdbool.h>

#include "msg/job.h"

enum rcpt_end {
	END_UNKNOWN,  /* of a record that does not say it */
	END_MAILBOX,  /* in a mailbox, ours or one that LMTP vouches for */
	END_NEXT_HOP, /* taken by the next server */
	END_REPORT,   /* failed, and a report to the sender was accepted */
	END_SILENT,   /* failed, and nobody wants to or may be told */
	END_DROPPED,  /* the administrator dropped it */
	END_SAME,     /* another recipient's copy went to the same mailbox: of
	               * records that were written before each had its own */
	END_LIST,     /* the members of its list stand for it */
	ENDS
};

/* Of a recipient whose report is of this kind; told: there is one. */
enum rcpt_end end_of(enum dsn_action dsn, bool told);

#endif
