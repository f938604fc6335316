/* control_trail -- what an administrator changed, in the log: a message that is
 * gone is found there by its id, with who ordered that. */
#include <stdio.h>

#include "proc/note.h"
#include "qmgr/walk.h"

enum {
	UNSENT = 512 * 1024, /* octets of notes: others need room too */
	PATIENCE = 2000,     /* ms without eventd taking any */
	SHOWN = 400          /* octets of addresses, or of a filter */
};

static void
add_word(struct buf *b, char between, struct str word)
{
	if (buf_len(b) >= SHOWN)
		return;
	if (buf_len(b) != 0)
		buf_add_char(b, between);
	buf_add(b, word);
}

/* Those recipients that it is about. */
static void
note_rcpts(const struct walk *w, struct message *m)
{
	uint64_t n = 0, inflight = 0;
	struct rcpt *r;
	struct buf to;

	buf_init(&to, SHOWN + 2 * ADDRESS_MAX);
	RCPT_FOREACH(r, m)
		if (w->plan->touches(w, r)) {
			add_word(&to, ',', rcpt_address(r));
			inflight += r->state == RCPT_INFLIGHT;
			n++;
		}
	note_str("to", buf_str(&to));
	note_u64("rcpts", n);
	if (inflight != 0)
		note_u64("in_flight", inflight);
	buf_clear(&to);
}

void
trail_message(const struct walk *w, struct message *m)
{
	const struct control_verb *verb = w->ask->verb;
	char name[32];

	snprintf(name, sizeof(name), "%s-%s", verb->noun, verb->verb);
	note(NOTE_INFO, name);
	note_id("id", m->id);
	note_u64("by", w->ask->uid);
	if (w->plan->trail != NULL)
		w->plan->trail(w);
	if (w->plan->touches != NULL)
		note_rcpts(w, m);
	note_end();
}

void
trail_sum(struct walk *w)
{
	struct buf words;

	if (w->changed == 0 || w->dry_run || w->is_told)
		return;
	w->is_told = true;
	buf_init(&words, SHOWN + CONTROL_TEXT_MAX + 1);
	for (unsigned i = 0; i < w->ask->nwords; i++)
		add_word(&words, ' ', w->ask->words[i]);
	note(NOTE_INFO, "queue-changed");
	note_c("verb", w->ask->verb->verb);
	note_u64("messages", w->changed);
	note_str("filter", buf_str(&words));
	note_u64("by", w->ask->uid);
	note_end();
	buf_clear(&words);
}

bool
trail_is_full(struct walk *w)
{
	if (w->plan->make == NULL || w->dry_run || note_unsent() < UNSENT) {
		w->trail_full = 0;
		return false;
	}
	if (w->trail_full == 0)
		w->trail_full = w->d->q.now;
	/* The order goes before its trail; the notes that are lost are counted
	 * in the next. */
	return w->d->q.now - w->trail_full < PATIENCE;
}
