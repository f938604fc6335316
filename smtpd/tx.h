/*
 * tx -- one mail transaction: sender, recipients and what MAIL and RCPT said
 * of them.  Owns all its strings; smtp_tx_clear destroys it whole, so that
 * nothing of one transaction can reach the next.
 */
#ifndef POSTERN_SMTPD_TX_H
#define POSTERN_SMTPD_TX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/pool.h"
#include "base/str.h"

struct smtp_rcpt {
	STAILQ_ENTRY(smtp_rcpt) entry;
	struct str address;  /* canonical: local@domain, or postmaster */
	struct str orcpt;    /* "rfc822;bob@example.org" or "" */
	uint32_t notify;     /* NOTIFY_ bits */
};
STAILQ_HEAD(smtp_rcpts, smtp_rcpt);

struct smtp_tx {
	struct pool pool;
	uint32_t flags;        /* ENV_ */
	uint64_t size_hint;    /* octets by SIZE=, 0: not said */
	struct str sender;     /* canonical, "" for <> */
	struct str envid;
	struct str token;      /* of its dropped file, msg/submit.h; or "" */
	struct smtp_rcpts rcpts; /* accepted ones, in order */
	struct smtp_rcpt *asked; /* the one whose answer is awaited, or NULL */
	uint32_t nrcpts;
	/* Header fields that the message lacks and this server is to add:
	 * HEADER_HAS_ bits; and whether it has no header section at all. */
	unsigned missing;
	bool headless;
};

void smtp_tx_init(struct smtp_tx *tx);
/* Forgets everything; ready for the next one. */
void smtp_tx_clear(struct smtp_tx *tx);
/* A recipient of the transaction, not yet accepted; address is kept, not
 * copied. */
struct smtp_rcpt *smtp_tx_ask(struct smtp_tx *tx, struct str address);
/* The answer for the one that was asked about. */
void smtp_tx_answer(struct smtp_tx *tx, bool accept);

#endif
