/* control_text -- the octets of messages, to who asks for them; as fast as
 * that one takes them, and never all of a large one in memory. */
#include <unistd.h>

#include "base/id.h"
#include "base/json.h"
#include "qmgr/disk.h"
#include "qmgr/walk.h"

enum {
	PIECE = 32768, /* octets in a row */
	PIECES = 8     /* rows before the loop goes on */
};

static void
put_piece(struct walk *w, struct str text)
{
	row_text(control_row(w->ask), "text", text);
	control_row_end(w->ask);
}

/* One piece of the file.  false: there is no more. */
static bool
put_of_file(struct walk *w)
{
	struct walk_text *t = &w->text;
	char piece[PIECE];
	ssize_t n;

	if (t->fd == -1)
		return false;
	n = disk_read(t->fd, piece, sizeof(piece), t->at);
	if (n <= 0)
		return false;
	t->at += (uint64_t)n;
	put_piece(w, str_n(piece, (size_t)n));
	return true;
}

static void
put_end(struct walk *w, uint64_t id, const char *error)
{
	struct buf *b = control_row(w->ask);
	char text[ID_TEXT + 1];

	id_text(id, text);
	json_c(b, "end", text);
	if (error != NULL)
		json_c(b, "error", error);
	control_row_end(w->ask);
}

static void
end_unreadable(struct walk *w, uint64_t id)
{
	char text[ID_TEXT + 1];

	id_text(id, text);
	control_endf(w->ask, 74, "%s: its text cannot be read; postern queue "
	    "check looks for what is wrong", text);
}

void
text_close(struct walk *w)
{
	struct walk_text *t = &w->text;

	buf_clear(&t->text);
	if (t->fd != -1)
		close(t->fd);
	t->fd = -1;
	t->open = false;
}

/* Of what is shown, half is a failure; of what is copied, its own end says
 * so. */
static void
finish(struct walk *w)
{
	struct walk_text *t = &w->text;
	const bool whole = t->at == t->large;

	if (t->framed)
		put_end(w, t->id, whole ? NULL : "its text cannot be read");
	else if (!whole)
		end_unreadable(w, t->id);
	text_close(w);
}

bool
text_send(struct walk *w)
{
	struct walk_text *t = &w->text;

	for (int i = 0; i < PIECES; i++) {
		if (t->rest.n != 0) {
			put_piece(w, str_take(&t->rest, PIECE));
		} else if (!put_of_file(w)) {
			finish(w);
			return false;
		}
	}
	return true;
}

/* Its rows begin; the rest comes with text_send. */
static bool
text_open(struct walk *w, struct message *m)
{
	const struct str text = message_text(w->d, m);
	struct walk_text *t = &w->text;

	if (text.p == NULL)
		return false;
	if ((m->flags & MSG_LARGE) != 0 &&
	    (t->fd = large_open(&w->d->spool, m->id)) == -1)
		return false;
	buf_init(&t->text, BUF_NO_MAX);
	buf_add(&t->text, text);
	t->rest = buf_str(&t->text);
	t->at = 0;
	t->large = (m->flags & MSG_LARGE) != 0 ? m->body : 0;
	t->id = m->id;
	t->open = true;
	row_text(control_row(w->ask), "header", str_take(&t->rest, m->prefix));
	control_row_end(w->ask);
	return true;
}

static void
visit_cat(struct walk *w, struct message *m)
{
	if (!text_open(w, m))
		end_unreadable(w, m->id);
}

void
verb_cat(void *arg, struct control_ask *a)
{
	static const struct walk_plan plan = { .visit = visit_cat,
		.must_filter = true };

	walk_start(arg, a, &plan);
}

static void
visit_export(struct walk *w, struct message *m)
{
	const struct row_times t = walk_times(w->d);

	row_message(control_row(w->ask), m, &t, true);
	control_row_end(w->ask);
	w->text.framed = true;
	if (!text_open(w, m))
		put_end(w, m->id, "its text cannot be read");
}

void
verb_export(void *arg, struct control_ask *a)
{
	static const struct walk_plan plan = { .visit = visit_export,
		.must_filter = true };

	walk_start(arg, a, &plan);
}
