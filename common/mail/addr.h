/*
 * addr -- one mailbox address, in the form the SMTP envelope carries it.
 * Source: RFC 5321 4.1.2 (Path) and 4.5.3.1 (limits), RFC 6531 3.3 (UTF-8).
 * Owns nothing: both views point into the caller's text and are valid
 * exactly as long as it is.
 */
#ifndef POSTERN_MAIL_ADDR_H
#define POSTERN_MAIL_ADDR_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

/* RFC 5321 asks for 64 octets of local part at least; senders that encode
 * the recipient (VERP) use more, so more is taken. */
enum { ADDR_LOCAL_MAX = 255, ADDR_DOMAIN_MAX = 255 };

struct addr {
	struct str local;  /* 1..255 octets, quotes kept; empty for <> */
	struct str domain; /* 1..255 octets, case kept, "[...]" for a
	                    * literal; empty for <> and <postmaster> */
};

enum addr_result {
	ADDR_OK,
	ADDR_SYNTAX,      /* 501 5.1.3 (RCPT), 5.1.7 (MAIL) */
	ADDR_LOCAL_LONG,  /* as above */
	ADDR_DOMAIN_LONG, /* as above */
	ADDR_NEEDS_UTF8   /* 553 5.6.7: 8-bit octets without SMTPUTF8 */
};

/* What is legal here. */
enum {
	ADDR_UTF8 = 1,       /* SMTPUTF8 is in force */
	ADDR_NULL = 2,       /* <> (MAIL) */
	ADDR_POSTMASTER = 4, /* <postmaster> in any case (RCPT) */
	ADDR_BARE = 8        /* local without @domain (local submission) */
};

/*
 * Takes a Path ("<" ... ">") off the front of *in; a source route is read
 * and dropped.  Changes *in and *out only on ADDR_OK.
 */
enum addr_result addr_take(struct str *in, unsigned legal, struct addr *out);
/* The whole of in is local@domain, without angle brackets. */
enum addr_result addr_parse(struct str in, unsigned legal, struct addr *out);

/* A host name or an address literal that may stand behind the @. */
bool addr_domain_ok(struct str domain, unsigned legal);
/* "[192.0.2.1]", "[IPv6:...]". */
bool addr_is_literal(struct str domain);

/* Adds the local part's octets without quotes and escapes. */
bool addr_local_plain(struct buf *out, struct str local);
/*
 * Adds local@domain in the one form used for comparing and storing: domain
 * in lower case, local part quoted only if it must be, its case kept.
 * Nothing is added for <>; for <postmaster> only the local part.
 */
bool addr_canonical(struct buf *out, const struct addr *a);
/* Splits canonical text at its last @; domain is empty when there is none. */
void addr_split(struct str canonical, struct addr *out);

#endif
