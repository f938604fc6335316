/*
 * try -- the private test server in ./try (or --base DIR): what it is made
 * of.  It listens on 127.0.0.1 only and sends nothing away.
 */
#ifndef POSTERN_CTL_TRY_H
#define POSTERN_CTL_TRY_H

#include "ctl/ctl.h"
#include "ctl/password.h"

enum try_port { TRY_SMTP, TRY_SUBMISSION, TRY_SUBMISSIONS, TRY_LMTP, TRY_IMAP,
	TRY_IMAPS, TRY_POP3, TRY_POP3S, TRY_PORTS };

struct try {
	unsigned port[TRY_PORTS]; /* what the server really listens on */
	char password[2][PHRASE_MAX];
};
/* alice@try.test, bob@try.test */
extern const char *const try_accounts[2];

/* The server's ports and passwords; 0, or the exit code: said why. */
int try_read(struct ctl *c, struct try *t);
/* Sends from alice to bob and reads it back; says each step. */
int try_send(struct ctl *c, const struct try *t);

#endif
