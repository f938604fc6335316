/*
 * fetch -- one message while FETCH answers for it: what is known about it is
 * got when an item needs it, and once.
 */
#ifndef POSTERN_IMAPD_FETCH_H
#define POSTERN_IMAPD_FETCH_H

#include <stdbool.h>

#include "base/pool.h"
#include "imapd/fetch_items.h"
#include "imapd/session.h"
#include "imapd/window.h"
#include "mail/mime.h"
#include "store/message.h"

struct fetch {
	struct mailbox *mailbox;
	struct row row;            /* a copy: rows move */
	bool has_text, has_cold, has_mime;
	struct message_text text;
	struct cold cold;
	struct buf space;          /* strings of cold */
	struct pool pool;          /* of mime */
	struct mime mime;
	struct fetch_place place;  /* where the literal's span is */
	struct window literal;     /* octets on their way */
	bool in_literal;
};

void fetch_init(struct fetch *f);
void fetch_clear(struct fetch *f);
/* Begins with a message; false: its octets are needed and cannot be read. */
bool fetch_begin(struct fetch *f, struct mailbox *m, const struct row *row,
    bool needs_text);
void fetch_end(struct fetch *f);
/* ENVELOPE and the structures want more than the row; false: not readable. */
bool fetch_load_cold(struct fetch *f);

/* Items whose octets are the message's; the others need only the row. */
bool fetch_needs_text(const struct fetch_item *item);
bool fetch_needs_cold(const struct fetch_item *item);
/*
 * Adds "NAME value"; with in_literal set, fetch_literal_step must be called
 * until it clears it.  more: flag bits that the row will have.
 */
void fetch_put(struct fetch *f, const struct fetch_item *item, uint16_t more,
    struct session *s);
/* false: the stored text is shorter than was said: nothing sensible can be
 * told to the client any more. */
bool fetch_literal_step(struct fetch *f, struct session *s);

#endif
