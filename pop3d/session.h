/*
 * session -- a logged-in POP3 client (TRANSACTION and UPDATE states), as a
 * pure machine over a maildrop: octets in, octets and events out.
 * Source: RFC 1939 5 to 7, RFC 2449.
 *
 * Long replies are made in steps: session_more continues one when what was
 * made so far has left, so a slow client costs at most SESSION_STEP octets.
 * While a reply is under way no command is read.
 */
#ifndef POSTERN_POP3D_SESSION_H
#define POSTERN_POP3D_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/str.h"
#include "mail/crlf.h"
#include "mail/line.h"

enum {
	SESSION_STEP = 65536,    /* octets of a long reply made at once */
	SESSION_LINE_MAX = 512   /* RFC 2449 4: 255, with room to spare */
};

/* One message, as the session saw it when it began. */
struct drop_message {
	uint32_t uid;
	uint32_t size;  /* octets with CRLF line ends */
	bool marked;    /* DELE */
};

/* How octets of messages are read; the owner's. */
struct drop_ops {
	/* false: it is gone. */
	bool (*open)(void *arg, uint32_t uid);
	/* Of the open one: octets read, 0 at its end, -1 and errno. */
	ssize_t (*read)(void *arg, uint64_t at, char *out, size_t n);
	void (*close)(void *arg);
};

/* The maildrop: a picture taken at the log-in. */
struct drop {
	struct drop_message *list; /* count of them, by UID; malloc */
	size_t count;
	uint32_t uidvalidity;
	const struct drop_ops *ops;
	void *arg;
};

enum session_event {
	SESSION_MORE,   /* *in is empty, or a reply waits to leave */
	SESSION_UPDATE, /* QUIT: remove the marked ones, then _updated */
	SESSION_BYE,    /* out is the last that is said */
	SESSION_BROKEN  /* a message cannot be read to its end: hang up */
};

enum session_reply { REPLY_NONE, REPLY_LIST, REPLY_UIDL, REPLY_TEXT };

struct session {
	struct drop *drop;
	struct line line;
	struct buf out;
	unsigned errors;          /* refused commands in a row */
	unsigned errors_max;      /* borne; one more ends it */
	bool ended;               /* QUIT was read, or BYE said */
	enum session_reply reply; /* under way */
	size_t next;              /* REPLY_LIST, _UIDL: index */
	uint64_t at;              /* REPLY_TEXT: octets of the file read */
	struct buf piece;         /* what is read of it at once */
	struct crlf_out text;
	bool top;                 /* TOP: stop after lines of the body */
	bool in_body;
	bool line_open;           /* TOP: the last line has an octet */
	uint64_t lines;           /* TOP: still to be sent */
};

/* drop stays the caller's and lives as long as the session. */
void session_init(struct session *s, struct drop *drop, unsigned errors_max);
void session_clear(struct session *s);
/* The +OK that answers the log-in. */
void session_greet(struct session *s);
enum session_event session_feed(struct session *s, struct str *in);
/* When out has left: goes on with the reply under way. */
enum session_event session_more(struct session *s);
/* A reply is under way. */
bool session_is_busy(const struct session *s);
/* The answer to SESSION_UPDATE; then it is over. */
void session_updated(struct session *s, bool ok);

#endif
