/*
 * append -- a new message that comes in pieces: into a file as it arrives,
 * into the index when it is complete.  Nobody sees it before append_commit.
 */
#ifndef POSTERN_STORE_APPEND_H
#define POSTERN_STORE_APPEND_H

#include "store/mailbox.h"

struct append;

struct append_info {
	uint16_t flags;             /* FLAG_ bits */
	const struct str *keywords; /* copied */
	size_t nkeywords;
	int64_t date;               /* INTERNALDATE, seconds since 1970 */
	int zone;                   /* minutes east of UTC */
};

/* m must stay open.  NULL and errno. */
struct append *append_begin(struct mailbox *m, const struct append_info *info);
/* Text with LF line ends.  -1 and errno: abort it. */
int append_write(struct append *ap, struct str text);
/* Frees it and its file. */
void append_abort(struct append *ap);
/*
 * All of them (to the same mailbox), or none; frees them.  to gets their
 * UIDs.  Durable after account_flush.
 */
enum store_result append_commit(
    struct append **list, size_t n, struct uids *to);

#endif
