#include "smtpd/tx.h"

void
smtp_tx_init(struct smtp_tx *tx)
{
	*tx = (struct smtp_tx){ 0 };
	pool_init(&tx->pool);
	STAILQ_INIT(&tx->rcpts);
}

void
smtp_tx_clear(struct smtp_tx *tx)
{
	pool_clear(&tx->pool);
	smtp_tx_init(tx);
}

struct smtp_rcpt *
smtp_tx_ask(struct smtp_tx *tx, struct str address)
{
	tx->asked = pool_alloc(&tx->pool, sizeof(*tx->asked));
	tx->asked->address = address;
	return tx->asked;
}

void
smtp_tx_answer(struct smtp_tx *tx, bool accept)
{
	if (accept) {
		STAILQ_INSERT_TAIL(&tx->rcpts, tx->asked, entry);
		tx->nrcpts++;
	}
	tx->asked = NULL;
}
