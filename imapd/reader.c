#include "imapd/reader.h"

#include "imapd/lex.h"

enum {
	TEXT_KEPT = 1024,              /* of a command that is too long */
	SKIP_MAX = 64 * 1024 * 1024
};

void
reader_init(struct reader *r, size_t line_max, size_t literal_max)
{
	*r = (struct reader){ .line_max = line_max,
		.literal_max = literal_max, .skip_max = SKIP_MAX };
	buf_init(&r->cmd, line_max + 2 * literal_max + TEXT_KEPT);
}

void
reader_clear(struct reader *r)
{
	buf_clear_secret(&r->cmd);
}

struct str
reader_text(const struct reader *r)
{
	return buf_str(&r->cmd);
}

bool
reader_is_open(const struct reader *r)
{
	return r->state != READER_DONE &&
	    (r->state != READER_IN_LINE || buf_len(&r->cmd) != 0);
}

static void
start(struct reader *r)
{
	buf_reset(&r->cmd);
	r->state = READER_IN_LINE;
	r->line_at = r->literals = r->tail_n = 0;
	r->skipped = 0;
}

/* Remembers the last octets of a line that is thrown away. */
static void
note_tail(struct reader *r, struct str s)
{
	size_t keep;

	if (s.n >= sizeof(r->tail)) {
		memcpy(r->tail, s.p + s.n - sizeof(r->tail), sizeof(r->tail));
		r->tail_n = sizeof(r->tail);
		return;
	}
	keep = r->tail_n;
	if (keep + s.n > sizeof(r->tail))
		keep = sizeof(r->tail) - s.n;
	memmove(r->tail, r->tail + r->tail_n - keep, keep);
	if (s.n != 0)
		memcpy(r->tail + keep, s.p, s.n);
	r->tail_n = keep + s.n;
}

/* Without its CRLF; false when it ends with something else. */
static bool
chop(struct str *line)
{
	if (!str_ends(*line, STR("\r\n")))
		return false;
	line->n -= 2;
	return true;
}

/* The end of a line that is not kept: more of the command may follow. */
static enum reader_event
end_skipped(struct reader *r, bool was_long)
{
	struct str line = str_n(r->tail, r->tail_n);
	uint64_t size;
	bool sync;

	if (chop(&line) && lex_literal_end(line, &size, &sync) && !sync) {
		if (size > r->skip_max - r->skipped)
			return READER_ENDLESS;
		r->left = size;
		r->tail_n = 0;
		r->state = READER_SKIP_LITERAL;
		return READER_MORE;
	}
	if (was_long) {
		r->state = READER_DONE;
		return READER_LONG;
	}
	start(r);
	return READER_MORE;
}

static bool
is_bare(struct str line)
{
	return str_find(line, '\0') != line.n || str_find(line, '\r') != line.n;
}

static enum reader_event
end_line(struct reader *r)
{
	struct str line = str_from(buf_str(&r->cmd), r->line_at);

	if (!chop(&line) || is_bare(line)) {
		r->state = READER_DONE;
		return READER_BARE;
	}
	if (lex_literal_end(line, &r->size, &r->sync)) {
		r->state = READER_AT_LITERAL;
		return READER_LITERAL;
	}
	buf_cut(&r->cmd, buf_len(&r->cmd) - 2);
	r->state = READER_DONE;
	return READER_COMMAND;
}

/* Too long: from here on only the end of the line matters. */
static void
give_up(struct reader *r, struct str piece)
{
	note_tail(r, str_from(buf_str(&r->cmd), r->line_at));
	note_tail(r, piece);
	r->skipped += buf_len(&r->cmd) + piece.n;
	if (buf_len(&r->cmd) > TEXT_KEPT)
		buf_cut(&r->cmd, TEXT_KEPT);
	buf_add(&r->cmd, str_first(piece, TEXT_KEPT - buf_len(&r->cmd)));
	r->literals = SIZE_MAX; /* marks the command as too long */
	r->state = READER_SKIP_LINE;
}

/* Up to and with the next LF. */
static struct str
take_line(struct str *in, bool *ended)
{
	size_t lf = str_find(*in, '\n');

	*ended = lf != in->n;
	return str_take(in, *ended ? lf + 1 : lf);
}

static enum reader_event
in_line(struct reader *r, struct str *in)
{
	bool ended;
	struct str piece = take_line(in, &ended);

	if (buf_len(&r->cmd) - r->literals + piece.n > r->line_max + 2) {
		give_up(r, piece);
		if (r->skipped > r->skip_max)
			return READER_ENDLESS;
		return ended ? end_skipped(r, true) : READER_MORE;
	}
	buf_add(&r->cmd, piece);
	return ended ? end_line(r) : READER_MORE;
}

static enum reader_event
skip_line(struct reader *r, struct str *in)
{
	bool ended;
	struct str piece = take_line(in, &ended);

	note_tail(r, piece);
	r->skipped += piece.n;
	if (r->skipped > r->skip_max)
		return READER_ENDLESS;
	return ended ? end_skipped(r, r->literals == SIZE_MAX) : READER_MORE;
}

static size_t
part_of(const struct reader *r, struct str in)
{
	return r->left < in.n ? (size_t)r->left : in.n;
}

static void
in_literal(struct reader *r, struct str *in)
{
	struct str piece = str_take(in, part_of(r, *in));

	buf_add(&r->cmd, piece);
	r->literals += piece.n;
	r->left -= piece.n;
	if (r->left == 0) {
		r->line_at = buf_len(&r->cmd);
		r->state = READER_IN_LINE;
	}
}

static void
skip_literal(struct reader *r, struct str *in)
{
	struct str piece = str_take(in, part_of(r, *in));

	r->skipped += piece.n;
	r->left -= piece.n;
	if (r->left == 0)
		r->state = READER_SKIP_LINE;
}

enum reader_event
reader_feed(struct reader *r, struct str *in)
{
	enum reader_event e = READER_MORE;

	if (r->state == READER_DONE)
		start(r);
	while (e == READER_MORE) {
		if (r->state == READER_AT_LITERAL)
			return READER_LITERAL;
		if (r->state == READER_IN_STREAM && r->left == 0) {
			r->line_at = buf_len(&r->cmd);
			r->state = READER_IN_LINE;
		}
		if (in->n == 0)
			return READER_MORE;
		if (r->state == READER_IN_STREAM)
			return READER_STREAM;
		if (r->state == READER_IN_LITERAL)
			in_literal(r, in);
		else if (r->state == READER_SKIP_LITERAL)
			skip_literal(r, in);
		else if (r->state == READER_SKIP_LINE)
			e = skip_line(r, in);
		else
			e = in_line(r, in);
	}
	return e;
}

bool
reader_fits(const struct reader *r)
{
	return r->size <= r->literal_max &&
	    r->size <= 2 * r->literal_max - r->literals;
}

void
reader_keep(struct reader *r)
{
	r->left = r->size;
	r->state = READER_IN_LITERAL;
	if (r->left == 0) {
		r->line_at = buf_len(&r->cmd);
		r->state = READER_IN_LINE;
	}
}

void
reader_stream(struct reader *r)
{
	r->left = r->size;
	r->state = READER_IN_STREAM;
}

void
reader_refuse(struct reader *r)
{
	if (r->sync) {
		start(r);
		return;
	}
	r->left = r->size;
	r->tail_n = 0;
	r->state = r->left == 0 ? READER_SKIP_LINE : READER_SKIP_LITERAL;
}

struct str
reader_take(struct reader *r, struct str *in, size_t most)
{
	size_t n = part_of(r, *in);
	struct str piece = str_take(in, n < most ? n : most);

	r->left -= piece.n;
	return piece;
}

void
reader_abandon(struct reader *r)
{
	r->tail_n = 0;
	r->state = r->left == 0 ? READER_SKIP_LINE : READER_SKIP_LITERAL;
}
