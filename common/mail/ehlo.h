/*
 * ehlo -- what a remote server says it can, from its EHLO reply.
 * Source: RFC 5321 4.1.1.1 and the registry of SMTP service extensions.
 */
#ifndef POSTERN_MAIL_EHLO_H
#define POSTERN_MAIL_EHLO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

enum {
	EHLO_PIPELINING = 1,
	EHLO_SIZE = 2,
	EHLO_8BITMIME = 4,
	EHLO_SMTPUTF8 = 8,
	EHLO_DSN = 16,
	EHLO_STARTTLS = 32,
	EHLO_CHUNKING = 64,
	EHLO_BINARYMIME = 128,
	EHLO_ENHANCEDSTATUSCODES = 256,
	EHLO_AUTH = 512,
	EHLO_REQUIRETLS = 1024,
	EHLO_LIMITS = 2048
};
enum { EHLO_AUTH_PLAIN = 1, EHLO_AUTH_LOGIN = 2, EHLO_AUTH_SCRAM_SHA_256 = 4 };

struct ehlo {
	unsigned can;      /* EHLO_PIPELINING ... */
	unsigned auth;     /* EHLO_AUTH_PLAIN ... */
	uint64_t size;     /* most octets of a message; 0: not said */
	uint32_t mail_max, rcpt_max; /* LIMITS; 0: not said */
};

/* text: of the reply, lines joined by LF; the first is the greeting. */
void ehlo_parse(struct str text, struct ehlo *out);

#endif
