/*
 * mime_table -- where the parts of a message stand, as stored beside it: so
 * that FETCH BODY[1.2] reads the octets without parsing the message again.
 */
#ifndef POSTERN_MAIL_MIME_TABLE_H
#define POSTERN_MAIL_MIME_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/pool.h"
#include "base/str.h"
#include "mail/mime.h"

/* 4 octets, and 48 a part. */
bool mime_table_put(struct buf *out, const struct mime *m);
/*
 * A tree whose parts have kind, place and sizes, and nothing of the header.
 * false: text is no table for a message of size octets.
 */
bool mime_table_take(
    struct str text, uint64_t size, struct pool *pool, struct mime *out);

#endif
