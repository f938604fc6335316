/*
 * prelogin -- what an IMAP client may say before it has logged in, as a pure
 * machine: octets in, octets and events out.
 * Source: RFC 3501 6.1 and 6.2, RFC 4959 (SASL-IR), RFC 7888, RFC 2971 (ID).
 *
 * After an event other than MORE nothing is taken from the input until the
 * owner has answered it: so nothing that was sent behind STARTTLS, LOGIN or
 * AUTHENTICATE is ever executed here.
 */
#ifndef POSTERN_IMAPD_PRELOGIN_H
#define POSTERN_IMAPD_PRELOGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/pool.h"
#include "base/str.h"
#include "imapd/reader.h"
#include "mail/line.h"
#include "msg/auth.h"

enum prelogin_event {
	PRELOGIN_MORE,     /* *in is empty, or out wants to be emptied */
	PRELOGIN_STARTTLS, /* the OK is in out: handshake, then _tls_on */
	PRELOGIN_LOGIN,    /* user and password; answer with _refused or end */
	PRELOGIN_AUTH,     /* mech, has_initial, response; or _challenge */
	PRELOGIN_SAY,      /* response to a challenge */
	PRELOGIN_CANCEL,   /* the client gave up; already answered */
	PRELOGIN_BYE       /* out is the last that is said */
};

enum prelogin_state {
	PRELOGIN_COMMANDS,
	PRELOGIN_WAITS_OWNER,  /* an event is not yet answered */
	PRELOGIN_WAITS_CLIENT, /* a challenge was sent */
	PRELOGIN_ENDED
};

struct prelogin_conf {
	size_t line, literal; /* octets */
	unsigned errors;      /* refused commands that end it */
	const char *host;
};

struct prelogin {
	const struct prelogin_conf *conf;
	enum prelogin_state state;
	struct reader reader;
	struct line sasl;       /* the client's lines within AUTHENTICATE */
	struct pool pool;       /* of one command */
	struct buf out;         /* for the client; the owner empties it */
	struct buf tag;         /* of the command under way */
	struct buf response;    /* decoded; secret */
	struct str user, password, mech; /* of PRELOGIN_LOGIN and _AUTH */
	bool has_initial;
	bool first;             /* the client has said nothing yet */
	bool tls, can_tls;      /* it is on; it can be begun */
	bool plain_ok;          /* a password may be said without TLS */
	char mechs[256];        /* offered: "PLAIN LOGIN" */
	unsigned errors;
};

void prelogin_init(struct prelogin *p, const struct prelogin_conf *conf);
void prelogin_clear(struct prelogin *p);
/* What authd offers now. */
void prelogin_set_mechs(struct prelogin *p, struct str mechs);
/* The greeting. */
void prelogin_greet(struct prelogin *p);

enum prelogin_event prelogin_feed(struct prelogin *p, struct str *in);

/* Answers to events. */
void prelogin_tls_on(struct prelogin *p);
void prelogin_challenge(struct prelogin *p, struct str octets);
/* The log-in failed; BYE when that was the last that is borne. */
enum prelogin_event prelogin_refused(
    struct prelogin *p, enum auth_result why, struct str text);
/* BYE for reasons of the owner's. */
void prelogin_bye(struct prelogin *p, const char *why);

#endif
