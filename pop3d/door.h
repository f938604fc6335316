/*
 * door -- what a POP3 client may say before it has logged in (AUTHORIZATION
 * state), as a pure machine: octets in, octets and events out.
 * Source: RFC 1939 4, RFC 2449, RFC 2595 4, RFC 5034, RFC 3206, RFC 6856.
 *
 * After an event other than MORE nothing is taken from the input until the
 * owner has answered it: so nothing that was sent behind STLS, PASS or AUTH
 * is ever executed here.
 */
#ifndef POSTERN_POP3D_DOOR_H
#define POSTERN_POP3D_DOOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"
#include "mail/line.h"
#include "msg/auth.h"

enum door_event {
	DOOR_MORE,  /* *in is empty, or out wants to be emptied */
	DOOR_STLS,  /* the +OK is in out: handshake, then door_tls_on */
	DOOR_LOGIN, /* user and secret (the password); then door_refused */
	DOOR_AUTH,  /* mech, has_initial, secret; then _challenge, _refused */
	DOOR_SAY,   /* secret is the response to the challenge */
	DOOR_CANCEL, /* the client gave up; already answered */
	DOOR_BYE    /* out is the last that is said */
};

enum door_state {
	DOOR_COMMANDS,
	DOOR_WAITS_OWNER,  /* an event is not yet answered */
	DOOR_WAITS_CLIENT, /* a challenge was sent */
	DOOR_ENDED
};

struct door_conf {
	size_t line;     /* octets of a command line, CRLF included */
	unsigned errors; /* refused commands borne; one more ends it */
	const char *host;
};

enum { DOOR_USER_MAX = 320 };

struct door {
	const struct door_conf *conf;
	enum door_state state;
	struct line line;
	struct buf out;     /* to be sent */
	struct buf user;    /* the name as USER gave it; empty: none */
	struct buf secret;  /* password or decoded response */
	char mech[AUTH_MECH_MAX + 1];
	bool has_initial;
	bool fresh;         /* nothing was said yet */
	bool tls, can_tls;  /* it is on; it can be begun */
	bool plain_ok;      /* a password may be said without TLS */
	char mechs[256];    /* offered: "PLAIN LOGIN" */
	unsigned errors;
};

void door_init(struct door *d, const struct door_conf *conf);
void door_clear(struct door *d);
/* What authd offers now. */
void door_set_mechs(struct door *d, struct str mechs);
void door_greet(struct door *d);

enum door_event door_feed(struct door *d, struct str *in);

/* Answers to events. */
void door_tls_on(struct door *d);
void door_challenge(struct door *d, struct str octets);
/* The log-in failed; BYE when that was the last that is borne. */
enum door_event door_refused(
    struct door *d, enum auth_result why, struct str text);
/* -ERR for reasons of the owner's; then it is over. */
void door_bye(struct door *d, const char *text);

#endif
