/*
 * session -- one IMAP connection after the log-in, as a pure machine over the
 * account's store: octets in, octets out; no descriptor of the client's, no
 * event loop.  Source: RFC 3501.
 *
 * Commands are executed one after the other, in the order they came.  One
 * that has much to do is a step function, called again and again, so that
 * the account's other connections get their turns between, and so that what
 * it writes never piles up: the owner calls no step while output waits.
 */
#ifndef POSTERN_IMAPD_SESSION_H
#define POSTERN_IMAPD_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/pool.h"
#include "base/str.h"
#include "imapd/reader.h"
#include "imapd/seq.h"
#include "imapd/user.h"
#include "store/view.h"

struct session;
struct appending;

enum session_state {
	SESSION_AUTHENTICATED = 1,
	SESSION_SELECTED = 2,
	SESSION_ENDED = 4 /* BYE was said */
};

enum cmd_result {
	CMD_OK,   /* the tagged OK; session_code may stand in it */
	CMD_NO,   /* the tagged NO with what session_no was told */
	CMD_BAD,
	CMD_MORE  /* call the step again */
};
typedef enum cmd_result cmd_fn(struct session *s, struct str args);
typedef enum cmd_result cmd_step_fn(struct session *s, void *state);

/* One row of the table of commands. */
struct cmd {
	struct str verb;
	cmd_fn *run;
	unsigned states; /* in which it is legal */
	unsigned flags;
};
enum {
	CMD_ARGS = 1,     /* has arguments; without the flag it has none */
	CMD_UID = 2,      /* also behind UID */
	CMD_UID_ONLY = 4, /* (EXPUNGE with arguments) */
	CMD_QUIET = 8,    /* no EXPUNGE may be told, unless behind UID */
	CMD_SILENT = 16,  /* no changes at all are told behind it */
	CMD_DURABLE = 32  /* what it changed is on disk before its OK */
};

/* What changed, on its way to the client (tell.c). */
struct tell {
	bool active;
	struct view_gone *gone;
	uint32_t *changed;
	size_t ngone, nchanged, gone_at, changed_at;
	bool grown, keywords;
	uint32_t exists;
};
/* A partial FETCH ended there; the next one often begins there (fetch.c). */
struct fetch_place {
	uint32_t uid;          /* 0: none */
	uint64_t span_at, span_end;
	uint64_t crlf;         /* of the span */
	uint64_t text_at;      /* octets of the span before the place */
	uint64_t crlf_at;      /* the same with CRLF line ends */
	bool cr;               /* the octet before it is CR */
};

/* What is being done now. */
enum session_phase {
	PHASE_READ,   /* waits for octets */
	PHASE_RUN,    /* a step function */
	PHASE_TELL,   /* what changed, before the tagged reply */
	PHASE_IDLE,   /* IDLE, nothing to tell */
	PHASE_IDLE_TELL
};

struct session {
	TAILQ_ENTRY(session) entry;   /* user->sessions */
	struct user *user;
	enum session_state state;
	enum session_phase phase;
	struct reader reader;
	struct buf out;               /* the owner empties it */
	unsigned errors;              /* refused commands in a row */
	struct mailbox *mailbox;      /* the selected one, or NULL */
	struct view *view;            /* of it */
	bool read_only;               /* EXAMINE */
	bool gone;                    /* the mailbox was deleted elsewhere */
	struct tell tell;             /* news under way to the client */
	struct fetch_place place;     /* where the last partial FETCH ended */
	struct appending *appending;  /* APPEND under way, or NULL */
	bool condstore;               /* enabled: MODSEQ in FETCH responses */

	/* The command under way. */
	struct pool pool;
	const struct cmd *cmd;
	struct str tag;
	bool uid;                     /* behind UID */
	cmd_step_fn *step;
	void *step_state;
	void (*step_clear)(void *state); /* frees what the pool does not */
	enum cmd_result result;       /* known, the changes are being told */
	const char *text;             /* of NO and BAD */
	struct str code;              /* "[...]" of the OK, or "" */

	/* Something changed: the owner gives it a turn. */
	void (*on_wake)(void *arg);
	void *arg;
};

/* tag: of the LOGIN or AUTHENTICATE that the front has seen: its OK is said. */
struct session *session_new(struct user *u, struct str tag);
void session_free(struct session *s);

/* Takes octets as long as nothing else is to be done first. */
void session_feed(struct session *s, struct str *in);
/* session_step has something to do now. */
bool session_is_busy(const struct session *s);
/* Does a bounded piece of it. */
void session_step(struct session *s);
/* The client has gone silent, or the server stops. */
void session_bye(struct session *s, const char *why);
/* Its mailbox does not exist any more. */
void session_gone(struct session *s);
/* Leaves the selected mailbox, if there is one. */
void session_unselect(struct session *s);
/* on_news of the view: arg is the session. */
void session_on_news(void *arg);

/* --- for the commands ------------------------------------------------ */

/* text begins with a response code or not; a string that lives for ever. */
enum cmd_result session_no(struct session *s, const char *text);
enum cmd_result session_bad(struct session *s, const char *text);
/* Response code of the tagged OK, printf-like, with its brackets. */
void session_code(struct session *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* From now on step is called; state lives in the pool. */
enum cmd_result session_steps(struct session *s, cmd_step_fn *step,
    void *state, void (*clear)(void *state));
/* mailbox = "INBOX" / astring, in modified UTF-7; the name in UTF-8. */
bool session_take_mailbox(
    struct session *s, struct str *in, struct str *name);
/* Adds a mailbox name as responses carry it. */
void session_put_mailbox(struct session *s, struct str name);

/* What is new in its mailbox; a disk that fails is noted. */
enum store_result session_refresh(struct session *s);

/* The NO that a failure of the store means; errno is noted with STORE_ERROR. */
enum cmd_result session_store_failed(
    struct session *s, enum store_result result);

/* The table (commands.c): the row of that verb, or NULL. */
const struct cmd *cmd_find(struct str verb, bool uid);

#endif
