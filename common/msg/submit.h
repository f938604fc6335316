/*
 * submit -- smtpd, pickup and bounce hand a message to qmgr.
 *
 *	SUBMIT, SUBMIT_RCPT..., SUBMIT_PREFIX, SUBMIT_BODY..., SUBMIT_END
 *
 * all with one cookie, chosen by the sender; several messages may be open on
 * one link.  Each ends with exactly one SUBMIT_DONE (after SUBMIT_END, once
 * the message is on disk, or any time earlier with a refusal, after which
 * frames of that cookie are ignored).  SUBMIT_CANCEL gives it up unanswered.
 * The sender holds back while link_pending() > LINK_WINDOW.
 * Body: LF line ends, dots unstuffed.  The prefix is the trace header fields.
 *
 * pickup gives each message the token of its file, so that the file is taken
 * once however often it is submitted: qmgr keeps the token on disk with the
 * message, also when that is long delivered, and answers who comes with it
 * again as it did before (250 with the message's id; perhaps before
 * SUBMIT_END, and then as after a refusal).  Once it is certain that the file
 * will not be there again, pickup says SUBMIT_GONE and qmgr forgets the
 * token.  To a new link qmgr first says SUBMIT_KNOWN: those whose files are
 * gone already are named by a SUBMIT_GONE.
 *
 * smtpd passes on the token that sendmail(8) names with MAIL: the file of it
 * is left when sendmail does not hear the answer.  Once it has, smtpd says
 * SUBMIT_GONE.  Did it not, nobody can tell whether a file will come: the
 * token is kept until pickup or qmgr starts the next time and there is none.
 * So a sendmail that leaves its file only later than that makes a second
 * copy; no order of events loses one.
 */
#ifndef POSTERN_MSG_SUBMIT_H
#define POSTERN_MSG_SUBMIT_H

#include "msg/envelope.h"

enum {
	MSG_SUBMIT = 100, /* struct msg_submit */
	MSG_SUBMIT_RCPT,  /* struct env_rcpt */
	MSG_SUBMIT_PREFIX, /* struct msg_submit_prefix */
	MSG_SUBMIT_BODY,  /* raw octets, 1..LINK_BODY_MAX */
	MSG_SUBMIT_END,   /* struct msg_submit_end */
	MSG_SUBMIT_CANCEL, /* empty */
	MSG_SUBMIT_DONE,  /* qmgr answers: struct msg_submit_done */
	/* raw, tokens behind each other, at most TOKENS_A_FRAME */
	MSG_SUBMIT_KNOWN, /* qmgr to pickup: it has these */
	MSG_SUBMIT_GONE   /* pickup or smtpd to qmgr: it may forget these */
};

struct msg_submit {
	uint32_t flags;      /* ENV_ */
	uint64_t size_hint;  /* octets announced by SIZE=, 0: unknown */
	struct str sender, envid, login, client;
	/* bounce only: the DSN settles these recipients of message settles_id
	 * (0: none); settles is a list of u32 recipient indexes. */
	uint64_t settles_id;
	struct str settles;
	struct str token;    /* pickup, smtpd: TOKEN octets, or empty */
};

enum {
	TOKEN = 16, /* octets: those that a file's name stands for, drop.h */
	TOKENS_A_FRAME = 2048,
	PREFIX_MAX = 16384,
	SETTLES_MAX = 4 * 10000 /* recipients of one DSN */
};
struct msg_submit_prefix {
	uint32_t id_at;   /* offset in text of 13 octets that qmgr replaces by
	                   * the message id; UINT32_MAX: none */
	struct str text;  /* whole header lines, LF */
};

struct msg_submit_end {
	uint64_t size;    /* octets of all BODY frames */
	uint32_t crc;     /* crc32c over them */
};

struct msg_submit_done {
	uint64_t id;      /* the message, 0 if refused */
	uint32_t code;    /* 250, or the SMTP code of the refusal */
	struct str text;  /* "2.0.0 queued as 0ABC..." or "4.3.1 ..." */
};

extern const struct wire msg_submit_wire, msg_submit_prefix_wire,
    msg_submit_end_wire, msg_submit_done_wire;

#endif
