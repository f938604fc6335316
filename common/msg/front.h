/*
 * front -- the first octets from a front to the worker over the connection
 * that master made (MSG_CONN): front_hello in wire form with a u32 length
 * before it.  After it the connection carries the client's octets, both ways.
 */
#ifndef POSTERN_MSG_FRONT_H
#define POSTERN_MSG_FRONT_H

#include "base/buf.h"
#include "base/str.h"
#include "base/wire.h"

enum { FRONT_TAG_MAX = 1024, FRONT_EARLY_MAX = 65536 };

struct front_hello {
	struct str tag;     /* IMAP: of the LOGIN or AUTHENTICATE command: the
	                     * worker sends the tagged OK.  POP3: "" and the
	                     * worker sends +OK. */
	struct str client;  /* "192.0.2.1" */
	struct str login;   /* the name as typed */
	uint32_t tls;       /* 1: encrypted */
	struct str early;   /* octets of the client read but not used */
};
extern const struct wire front_hello_wire;

void front_hello_put(struct buf *out, const struct front_hello *h);
/* 1 taken, 0 needs more octets, -1 malformed. */
int front_hello_take(struct str *in, struct front_hello *h);

#endif
