/*
 * dsn -- builds a delivery status notification: words for people, the report
 * for programs, and the original's header (or all of it).  Pure.
 * Source: RFC 3461 6, RFC 3464, RFC 6522 (multipart/report), RFC 6533 (the
 * forms for SMTPUTF8), RFC 3834 (Auto-Submitted).
 *
 * A sender with an ASCII address gets all of it in ASCII, whatever the other
 * addresses are: no server on the way back needs to know SMTPUTF8.
 */
#ifndef POSTERN_BOUNCE_DSN_H
#define POSTERN_BOUNCE_DSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "msg/job.h"

enum {
	DSN_RCPTS_SHOWN = 100,       /* in words; the report has all */
	/* Octets of a report beside the original.  With one recipient it takes
	 * less than half of that: the administrator's words, of which there
	 * are no more than OWN_MAX before and behind (words.c), in base64;
	 * and a few times REPLY_TEXT_MAX. */
	DSN_MAX = 2 * 1024 * 1024
};

struct dsn_rcpt {
	struct str address, orcpt;
	uint32_t notify;          /* NOTIFY_; 0: the usual */
	uint32_t code;
	struct str status, text;
	struct str remote;        /* whose reply the three are; "": ours */
};

/* What the admin wants said instead of our words; empty: ours. */
struct words_list {
	struct str *list; /* paragraphs */
	size_t n;
};
struct dsn_words {
	struct str subject;
	struct words_list text, end;
};

struct dsn {
	const char *hostname;     /* the reporting server */
	struct str admin;         /* its postmaster */
	const struct dsn_words *words; /* NULL: ours */
	enum dsn_action action;
	uint64_t id;              /* of the message reported on */
	uint64_t secret;          /* random: no sender can know the boundary */
	int64_t now;              /* seconds since 1970 */
	int64_t accepted, expires; /* of the message */
	struct str sender, envid;
	bool want_full;           /* RET=FULL */
	uint64_t full_max;        /* octets of it; a larger original: header
	                           * only; of a larger header: some fields */
	struct str original;      /* its text as far as it is at hand: all of
	                           * its header at least */
	uint64_t original_size;   /* octets of all of it */
	bool unread;              /* it could not be read: original is its
	                           * header, or nothing */
	const struct dsn_rcpt *rcpts;
	size_t nrcpts;
};

/* It failed of a temporary reply, the last one: the time was over. */
bool dsn_is_late(const struct dsn *d, const struct dsn_rcpt *r);
/* RFC 3463, with the class of the reply. */
struct str dsn_status(const struct dsn *d, const struct dsn_rcpt *r);
/* Adds the words behind its failure when they are ours. */
void dsn_own_words(
    struct buf *out, const struct dsn *d, const struct dsn_rcpt *r);

/* Adds the message with LF line ends; false: it is larger than out takes.
 * *utf8: it needs SMTPUTF8 and 8BITMIME; any server may have it otherwise. */
bool dsn_build(struct buf *out, const struct dsn *d, bool *utf8);
/* Adds the trace field that goes before it; *id_at: where qmgr puts the id. */
void dsn_prefix(struct buf *out, const struct dsn *d, uint32_t *id_at);

#endif
