/*
 * esmtp -- the parameters behind the path of MAIL and RCPT.
 * Source: RFC 5321 4.1.2, RFC 1870 (SIZE), RFC 6152 (BODY), RFC 6531
 * (SMTPUTF8), RFC 3461 (RET ENVID NOTIFY ORCPT), RFC 4954 5 (AUTH).
 * Owns nothing: decoded values live in the caller's pool.
 */
#ifndef POSTERN_MAIL_ESMTP_H
#define POSTERN_MAIL_ESMTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/pool.h"
#include "base/str.h"

enum esmtp_result {
	ESMTP_OK,
	ESMTP_SYNTAX,  /* not keyword or keyword=value */
	ESMTP_UNKNOWN, /* no such parameter for this command */
	ESMTP_VALUE,   /* the value is not what the keyword wants */
	ESMTP_TWICE,   /* given more than once */
	ESMTP_RESULTS
};
/* The due reply: 501 or 555 and its text. */
unsigned esmtp_code(enum esmtp_result r);
const char *esmtp_text(enum esmtp_result r); /* "5.5.4 ..." */

enum esmtp_body { ESMTP_7BIT, ESMTP_8BITMIME, ESMTP_BINARYMIME };
enum esmtp_ret { ESMTP_RET_NONE, ESMTP_RET_FULL, ESMTP_RET_HDRS };
/* NOTIFY; 0: not given.  The numbers are those of the queue's records. */
enum {
	ESMTP_NEVER = 1,
	ESMTP_SUCCESS = 2,
	ESMTP_FAILURE = 4,
	ESMTP_DELAY = 8
};

struct esmtp_mail {
	bool has_size, smtputf8, has_auth;
	uint64_t size;       /* octets, SIZE= */
	enum esmtp_body body;
	enum esmtp_ret ret;
	struct str envid;    /* decoded, 0..100 octets */
	struct str auth;     /* decoded mailbox, "" for AUTH=<> */
	struct str drop;     /* as it came: see ESMTP_CAN_XDROP */
};
struct esmtp_rcpt {
	uint32_t notify;     /* ESMTP_NEVER ... */
	struct str orcpt;    /* "rfc822;bob@example.org", address decoded */
};

/* What the server said it can, in its EHLO reply; the rest is unknown. */
enum {
	ESMTP_CAN_SIZE = 1,
	ESMTP_CAN_8BITMIME = 2,
	ESMTP_CAN_SMTPUTF8 = 4,
	ESMTP_CAN_DSN = 8,
	ESMTP_CAN_AUTH = 16,
	ESMTP_CAN_BINARYMIME = 32,
	ESMTP_CAN_XDROP = 64 /* our own, of sendmail(8): XDROP=NAME, which a
	                      * file of this message would have, msg/submit.h */
};

/*
 * args: all behind the path, "" or beginning with a space.  *out is
 * complete on ESMTP_OK and undefined otherwise.
 */
enum esmtp_result esmtp_mail_parse(struct str args, unsigned can,
    struct pool *pool, struct esmtp_mail *out);
enum esmtp_result esmtp_rcpt_parse(struct str args, unsigned can,
    struct pool *pool, struct esmtp_rcpt *out);

#endif
