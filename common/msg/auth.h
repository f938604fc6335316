/*
 * auth -- a log-in, asked of authd by smtpd, imapd and pop3d.  The SASL text
 * is authd's matter: a front only carries it (base64 is the front's).
 *
 *	AUTH_BEGIN, then any number of AUTH_ASK / AUTH_SAY, then AUTH_DONE
 *
 * For imapd and pop3d a success also makes authd ask master for the worker:
 * the front gets MSG_CONN with the same cookie, or AUTH_DONE says why not.
 * AUTH_DONE comes first.  LOGIN/USER+PASS of IMAP and POP3 is mechanism
 * "PLAIN" with the response \0user\0password.
 */
#ifndef POSTERN_MSG_AUTH_H
#define POSTERN_MSG_AUTH_H

#include "base/str.h"
#include "base/wire.h"
#include "proc/roles.h"

enum {
	MSG_AUTH_MECHS = 400, /* authd>front on a fresh link: raw text
	                       * "PLAIN LOGIN" (offered when TLS is on) */
	MSG_AUTH_BEGIN,
	MSG_AUTH_ASK,    /* authd>front: raw challenge octets */
	MSG_AUTH_SAY,    /* front>authd: raw response octets */
	MSG_AUTH_CANCEL, /* front>authd: the client gave up ("*") or is gone */
	MSG_AUTH_DONE
};

enum { AUTH_DATA_MAX = 12288, AUTH_MECH_MAX = 32 };

struct msg_auth_begin {
	uint32_t service;   /* ROLE_SMTPD, ROLE_IMAPD, ROLE_POP3D */
	uint32_t tls;       /* 1 when the connection is encrypted */
	uint32_t has_initial; /* 1: initial is a response (maybe empty) */
	struct str mech;    /* "PLAIN" */
	struct str client;  /* "192.0.2.1" */
	struct str initial;
};

enum auth_result {
	AUTH_OK,
	AUTH_BAD,         /* wrong name or password; never which */
	AUTH_TEMPORARY,
	AUTH_NOT_ALLOWED, /* account locked, service not allowed */
	AUTH_MALFORMED,   /* not what the mechanism says */
	AUTH_NO_MECH
};
struct msg_auth_done {
	uint32_t result;    /* enum auth_result */
	struct str account; /* canonical user@domain on AUTH_OK */
	struct str text;    /* for people */
};

extern const struct wire msg_auth_begin_wire, msg_auth_done_wire;

#endif
