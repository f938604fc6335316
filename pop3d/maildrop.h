/*
 * maildrop -- INBOX as one POP3 session sees it: the messages that were there
 * at the log-in, whatever happens to the mailbox meanwhile.
 * Owns the list and the message that is being read.
 */
#ifndef POSTERN_POP3D_MAILDROP_H
#define POSTERN_POP3D_MAILDROP_H

#include <stdbool.h>

#include "pop3d/session.h"
#include "store/mailbox.h"

struct maildrop {
	struct drop drop;
	struct mailbox *inbox;
	int fd; /* of the message being read, or -1 */
};

/* Takes the picture; inbox stays open until maildrop_clear.  false: the
 * mailbox cannot be read now (errno). */
bool maildrop_init(struct maildrop *m, struct mailbox *inbox);
void maildrop_clear(struct maildrop *m);
/*
 * Removes the marked messages; those that are gone already do not matter.
 * *changed: something was removed and waits for account_flush.
 */
bool maildrop_update(struct maildrop *m, bool *changed);

#endif
