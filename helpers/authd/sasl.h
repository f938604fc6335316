/*
 * sasl -- the server's side of SASL mechanisms, through GNU SASL.
 * Its callbacks only store what the client said: whether the password is
 * right is found out later and elsewhere (MECHANISMS 6).
 */
#ifndef POSTERN_AUTHD_SASL_H
#define POSTERN_AUTHD_SASL_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

struct sasl;         /* the library, once a process */
struct sasl_session; /* one log-in */

enum sasl_result {
	SASL_MORE,      /* out has the challenge */
	SASL_COMPLETE,  /* name and password are known */
	SASL_MALFORMED  /* not what the mechanism says */
};

struct sasl *sasl_new(void);
void sasl_free(struct sasl *s);
/* A mechanism that authd has, in any case of letters: its own name, "". */
struct str sasl_mech(struct str name);
/* mech: from sasl_mech. */
struct sasl_session *sasl_begin(struct sasl *s, struct str mech);
void sasl_end(struct sasl_session *x);
/* in: what the client said; has_in false: nothing yet (no initial
 * response).  A challenge is added to out. */
enum sasl_result sasl_step(struct sasl_session *x, bool has_in,
    struct str in, struct buf *out);

/* After SASL_COMPLETE; valid until sasl_end. */
struct str sasl_name(const struct sasl_session *x);
struct str sasl_password(const struct sasl_session *x);
/* Who the client wants to act as (RFC 4616); for itself "" or its name. */
struct str sasl_as(const struct sasl_session *x);

#endif
