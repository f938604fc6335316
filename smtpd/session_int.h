/*
 * session_int -- what the files of the session machine share, and nobody
 * else uses: the command table, the way states change, and replies.
 */
#ifndef POSTERN_SMTPD_SESSION_INT_H
#define POSTERN_SMTPD_SESSION_INT_H

#include "smtpd/session.h"

/* Legal-in column of the command table. */
#define IN(state) (1u << SMTP_##state)
#define IN_ANY (IN(HELLO) | IN(READY) | IN(MAIL) | IN(RCPT))

/* Flags of a command. */
enum {
	CLEAR_ONLY = 1,  /* not under TLS; octets behind it end the session */
	NEEDS_TLS = 2,   /* where the policy wants TLS for log-ins */
	NEEDS_LOGIN = 4, /* on ports that are for our accounts */
	SMTP_ONLY = 8,
	LMTP_ONLY = 16,
	NO_ARG = 32,
	HANGS_UP = 64,   /* another protocol talks to us */
	PIPELINED = 128  /* in the wrong state it is the client's guess, not
	                  * its error (RFC 2920) */
};

struct smtp_cmd {
	struct str verb;
	void (*handler)(struct smtp_session *s, struct str arg);
	unsigned states; /* IN() bits */
	unsigned flags;
	const char *help; /* for HELP; NULL: not shown */
};

/* The row of the verb, in any case; or NULL. */
const struct smtp_cmd *smtp_cmd_find(struct str verb);
/* i = 0..; NULL at the end. */
const struct smtp_cmd *smtp_cmd_at(size_t i);

/* Handlers outside cmds.c. */
void cmd_mail(struct smtp_session *s, struct str arg);
void cmd_rcpt(struct smtp_session *s, struct str arg);
void cmd_data(struct smtp_session *s, struct str arg);
void cmd_auth(struct smtp_session *s, struct str arg);

/* One line of AUTH's exchange; body octets (smtp_data_feed returns how many
 * it took). */
void smtp_auth_line(struct smtp_session *s, struct str line);
size_t smtp_data_feed(struct smtp_session *s, struct str in);
/* The body ends with this reply; for LMTP one for each recipient. */
void smtp_data_done(struct smtp_session *s, unsigned code, struct str text);

/* All changes of state. */
void smtp_goto(struct smtp_session *s, enum smtp_state to);
/* The transaction is over, whatever it was in the middle of. */
void smtp_tx_end(struct smtp_session *s);
/* A command was nonsense; closes when there were too many. */
void smtp_count_error(struct smtp_session *s);
void smtp_hang_up(struct smtp_session *s, unsigned code, const char *text);

/* One reply line "code text"; controls and 8-bit octets become "?". */
void smtp_reply(struct smtp_session *s, unsigned code, struct str text);
void smtp_reply_c(struct smtp_session *s, unsigned code, const char *text);
/* "code-text", to be followed by more lines of the same code. */
void smtp_reply_more(struct smtp_session *s, unsigned code, struct str text);

#endif
