/*
 * sendmail -- the program that other programs send mail with: sendmail(8),
 * mailq(1), newaliases(1).
 */
#ifndef POSTERN_CTL_SENDMAIL_H
#define POSTERN_CTL_SENDMAIL_H

#include <sysexits.h>

#include "base/buf.h"
#include "base/pool.h"
#include "base/str.h"
#include "msg/drop.h"

enum sm_mode { SM_DELIVER, SM_SMTP, SM_QUEUE, SM_ALIASES, SM_VERIFY,
	SM_DAEMON, SM_RETRY, SM_NOTHING };
enum sm_errors { SM_PRINT, SM_QUIET, SM_MAIL, SM_MAIL_OK };

struct sm {
	enum sm_mode mode;
	enum sm_errors errors;
	const char *base, *config; /* NULL: the system's */
	const char *sender;        /* -f; NULL: who calls */
	const char *name;          /* -F; NULL: as the system knows it */
	const char *retry;         /* -qI, -qR, -qS: "I123", "Rdomain" */
	bool from_header;          /* -t */
	bool ignore_dots;          /* -i */
	bool json, verbose;
	uint32_t notify;           /* NOTIFY_ */
	struct drop_head head;     /* flags, sender and envid */
	struct pool pool;
	struct env_rcpt *rcpts;
	size_t nrcpts;
	size_t nrefused;           /* behind those: nobody takes them */
	int refused;               /* EX_ of these, or EX_OK */
	char drop[1 + DROP_NAME + 1]; /* the file's name, with a dot */
	/* From the configuration. */
	struct str hostname, domain, run, spool;
	uint64_t size_max;
	unsigned hops_max;         /* Received fields; UINT_MAX: not known */
	struct buf text;           /* the message, LF line ends */
	int drop_error;            /* errno: why it could not be kept */
};

/* sm_options.c: reads the arguments; ends the program when they are wrong.
 * The index of the first address. */
int sm_options(struct sm *s, int argc, char *argv[]);

/* sm_message.c: reads the message from stdin into s->text, recipients out of
 * it with -t, adds the fields that every message has, and judges it as the
 * server will.  0 or EX_. */
int sm_message(struct sm *s);
/* Adds the recipients that text names ("a, Bob <b@example.org>"). */
int sm_add_rcpts(struct sm *s, struct str text);
/* s->sender, or the caller, as an envelope sender. */
int sm_set_sender(struct sm *s);

/* sm_submit.c: over submit.sock.  EX_OK, EX_TEMPFAIL when there is no
 * server or it cannot now, else what it refused.  Recipients that it refused
 * are told of and are then behind s->rcpts (s->refused). */
int sm_submit(struct sm *s);
/* -bs: stdin and stdout are the connection. */
int sm_relay(struct sm *s);
/* A connected submit.sock, or -1. */
int sm_connect(struct sm *s);

/* sm_drop.c: gives the message the name that its file will have, should it
 * need one: before it is submitted, as the server is told. */
void sm_drop_name(struct sm *s);
/* Into spool/drop; EX_OK once it is on disk. */
int sm_drop(struct sm *s);
/* All of it; false and errno. */
bool sm_write(int fd, struct str out);

/* sm_dead.c: the text and its envelope go to ~/dead.letter.  code: the
 * failure; EX_OK: of those that were refused alone.  true: they are on disk. */
bool sm_dead_letter(struct sm *s, int code);

/* Words on stderr as -oe asks; gives code. */
int sm_fail(const struct sm *s, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
