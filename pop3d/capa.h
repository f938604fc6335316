/*
 * capa -- the capabilities of POP3, before and after the log-in.
 * Source: RFC 2449, RFC 2595 (STLS), RFC 5034 (SASL), RFC 3206
 * (AUTH-RESP-CODE), RFC 6856 (UTF8).
 */
#ifndef POSTERN_POP3D_CAPA_H
#define POSTERN_POP3D_CAPA_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

struct capa {
	bool before;      /* the client has not logged in */
	bool stls;        /* TLS can be begun */
	bool login;       /* USER and AUTH may be used now */
	struct str mechs; /* "PLAIN LOGIN", or "" */
};

/* Adds the whole multi-line reply to CAPA. */
void capa_put(struct buf *out, const struct capa *c);

#endif
