/*
 * json -- writes JSON (RFC 8259) into a buf: one object a line.
 * Commas are put by looking at what stands before; the caller closes what it
 * opens.  Octets that are not UTF-8 come out as U+FFFD, controls escaped.
 */
#ifndef POSTERN_BASE_JSON_H
#define POSTERN_BASE_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

void json_open(struct buf *b);               /* { as a value */
void json_close(struct buf *b);              /* } */
void json_open_in(struct buf *b, const char *key); /* "key":{ */
void json_list(struct buf *b, const char *key);    /* "key":[ */
void json_list_end(struct buf *b);           /* ] */
void json_str(struct buf *b, const char *key, struct str v);
void json_c(struct buf *b, const char *key, const char *v);
void json_u64(struct buf *b, const char *key, uint64_t v);
/* Well-formed UTF-8: json_str and who reads it lose nothing. */
bool json_is_text(struct str v);
void json_i64(struct buf *b, const char *key, int64_t v);
void json_bool(struct buf *b, const char *key, bool v);
/* Time in milliseconds since 1970 as "2026-11-23T01:02:03.004Z". */
void json_time(struct buf *b, const char *key, int64_t ms);
/* A string as a list element. */
void json_item(struct buf *b, struct str v);

#endif
