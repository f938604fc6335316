/*
 * date -- points in time as mail writes them, with the writer's zone kept.
 * Source: RFC 5322 3.3 and 4.3 (obsolete zones, two-digit years); RFC 9051
 * date-time (INTERNALDATE) and date (SEARCH).
 */
#ifndef POSTERN_MAIL_DATE_H
#define POSTERN_MAIL_DATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct date {
	int64_t time; /* seconds since 1970 UTC; years 1..9999 */
	int zone;     /* minutes east of UTC, -5999..5999 */
};

/* "Mon, 23 Nov 2026 01:02:03 +0100 (comment)", folds allowed. */
bool date_parse(struct str text, struct date *out);
bool date_format(struct buf *out, const struct date *d);

/* " 3-Nov-2026 01:02:03 +0100" (with or without the leading space). */
bool date_parse_imap(struct str text, struct date *out);
bool date_format_imap(struct buf *out, const struct date *d);

/* "3-Nov-2026" as days since 1970. */
bool date_parse_day(struct str text, int64_t *day);
/* The day on the writer's calendar, zone disregarded as SEARCH wants. */
int64_t date_day(const struct date *d);

/* Now; zone as the machine's TZ says (prepare before confinement). */
void date_now(struct date *out);
/* This time of the machine's zone. */
void date_local(int64_t time, struct date *out);
void date_prepare(void);

#endif
