/*
 * control_server -- a daemon's side of control connections (msg/control.h):
 * a table of verbs, and one struct control_ask for each question.
 * The question is over with control_end, or when the client goes away; it is
 * freed after the round.  A client that reads slowly holds control_more back.
 */
#ifndef POSTERN_MSG_CONTROL_SERVER_H
#define POSTERN_MSG_CONTROL_SERVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/str.h"
#include "event/loop.h"
#include "msg/control.h"
#include "proc/link.h"

struct control_ask;

struct control_verb {
	const char *noun, *verb;
	unsigned least, most; /* words behind them, options included */
	bool takes_data;      /* CONTROL_DATA follows */
	/* The question is there; its words are in words[0..nwords). */
	void (*on_ask)(void *arg, struct control_ask *a);
	/* takes_data: octets of the client's input, any cut; and its end. */
	void (*on_data)(void *arg, struct control_ask *a, struct str data);
	void (*on_data_end)(void *arg, struct control_ask *a);
};

struct control_ask {
	struct link *link;
	const struct control_verb *verb;
	const struct control_verb *verbs;
	size_t nverbs;
	void *arg;
	uid_t uid;
	uint32_t rights;      /* CONTROL_, proc/roles.h */
	struct buf text;      /* what words point into */
	struct str words[CONTROL_WORDS_MAX];
	unsigned nwords;
	struct buf rows;      /* gathered, not yet sent */
	bool (*more)(void *arg, struct control_ask *a);
	void *own;            /* the verb's state */
	void (*own_free)(void *own); /* called when the ask is freed */
	bool ended;
	int64_t pause;        /* ms until more is called again; more sets it */
	struct timer again;
	struct timer alive;   /* tells the client that we are */
};

/* A connection from master (proc_desc.on_control).  Takes over fd.  All verbs
 * need CONTROL_ADMIN, or CONTROL_OWN: these ones see to it that everybody gets
 * but his own. */
void control_open(struct loop *loop, int fd, uid_t uid, uint32_t rights,
    const struct control_verb *verbs, size_t nverbs, void *arg);

/* One row: begin it (json_open is done), add fields with json_, end it. */
struct buf *control_row(struct control_ask *a);
void control_row_end(struct control_ask *a);
/* Calls more whenever the client can take rows, until it returns false. */
void control_more(struct control_ask *a,
    bool (*more)(void *arg, struct control_ask *a));
/* Over: exit is a code of sysexits; text and fix are for people ("" none). */
void control_end(
    struct control_ask *a, unsigned exit, const char *text, const char *fix);
void control_endf(struct control_ask *a, unsigned exit, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Takes option "--name VALUE" out of the words: true and the value if it was
 * there; "--name" alone by control_flag. */
bool control_option(
    struct control_ask *a, const char *name, struct str *value);
bool control_flag(struct control_ask *a, const char *name);
/* A size as in postern.conf, "5GiB" or "none" (0); false: answered 64. */
bool control_size(struct control_ask *a, struct str word, uint64_t *size);
/* No word left begins with "--", and their number is right; else the question
 * is answered with exit 64 and this is false. */
bool control_words_ok(struct control_ask *a, unsigned least, unsigned most);

#endif
