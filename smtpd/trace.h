/*
 * trace -- what this server puts in front of a message: its Received field,
 * and the fields that a submitted message lacks.
 * Source: RFC 5321 4.4, RFC 3848 (protocol names), RFC 6409 8.
 */
#ifndef POSTERN_SMTPD_TRACE_H
#define POSTERN_SMTPD_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "mail/date.h"
#include "smtpd/tx.h"

struct trace {
	struct str helo;       /* as said */
	struct str ptr;        /* verified name of the address, or "" */
	struct str client;     /* "192.0.2.1", "2001:db8::1", "unix:1000" */
	struct str hostname;   /* ours */
	const char *protocol;  /* "ESMTPS" */
	const char *tls;       /* "TLSv1.3 ...", "" without */
	struct date now;
	uint64_t unique;       /* for a Message-ID: never the same twice */
};

/* Adds the header lines, LF line ends; *id_at is the offset in out where the
 * queue writes the 13 characters of the message's id. */
void trace_write(struct buf *out, const struct trace *t,
    const struct smtp_tx *tx, uint32_t *id_at);

#endif
