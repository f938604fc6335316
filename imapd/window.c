#include "imapd/window.h"

void
window_init(struct window *w, struct str text, uint64_t from, uint64_t count)
{
	*w = (struct window){ .in = text, .skip = from, .left = count };
}

/* Adds piece as far as the window goes. */
static void
give(struct window *w, struct buf *out, struct str piece)
{
	w->crlf_at += piece.n;
	if (w->skip >= piece.n) {
		w->skip -= piece.n;
		return;
	}
	piece = str_from(piece, (size_t)w->skip);
	w->skip = 0;
	if (w->left < piece.n)
		piece = str_first(piece, (size_t)w->left);
	buf_add(out, piece);
	w->left -= piece.n;
}

bool
window_step(struct window *w, struct buf *out, size_t most)
{
	struct str in;

	w->mark = w->in.p;
	w->mark_crlf = w->crlf_at;
	w->mark_cr = w->cr;
	in = str_take(&w->in, most);
	while (in.n != 0 && w->left != 0) {
		size_t lf = str_find(in, '\n');
		struct str line = str_take(&in, lf);

		if (line.n != 0) {
			give(w, out, line);
			w->cr = line.p[line.n - 1] == '\r';
		}
		if (in.n == 0)
			break;
		str_take(&in, 1);
		give(w, out, w->cr ? STR("\n") : STR("\r\n"));
		w->cr = false;
	}
	return w->left != 0 && w->in.n != 0;
}
