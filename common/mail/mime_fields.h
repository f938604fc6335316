/*
 * mime_fields -- the header fields of one part, for mime.c alone.
 */
#ifndef POSTERN_MAIL_MIME_FIELDS_H
#define POSTERN_MAIL_MIME_FIELDS_H

#include "mail/mime.h"

/* Fills the field members of part from its header; digest: the parent is a
 * multipart/digest, whose parts are messages by default. */
void mime_fields_read(struct mime_part *part, struct pool *pool,
    struct str head, bool digest);
/* What lies beyond a limit, or cannot be what it says it is. */
void mime_fields_make_opaque(struct mime_part *part, const char *type,
    const char *subtype);

#endif
