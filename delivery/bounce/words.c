#include "delivery/bounce/words.h"

#include <string.h>

#include "base/fill.h"
#include "base/id.h"
#include "delivery/bounce/advice.h"
#include "delivery/bounce/lines.h"
#include "mail/rfc2047.h"

enum {
	PARAGRAPHS = 3,
	WORDS_MAX = 65536,
	OWN_MAX = 256 * 1024 /* octets of the admin's, before and behind */
};

/* Ours, written as the admin would. */
static const struct {
	const char *subject;
	const char *text[PARAGRAPHS], *end[PARAGRAPHS];
} ours[] = {
	[DSN_NONE] = { "", { NULL }, { NULL } },
	[DSN_FAILED] = { "Your message could not be delivered",
	    { "This is the mail server {hostname}.",
	        "Sorry, your message could not be delivered to" },
	    { "{attached}" } },
	[DSN_DELAYED] = { "Your message is delayed",
	    { "This is the mail server {hostname}.",
	        "To let you know: your message could not be delivered yet "
	        "to" },
	    { "You need not do anything: it will be tried again until "
	      "{until}. {told}",
	        "{attached}" } },
	[DSN_DELIVERED] = { "Your message was delivered",
	    { "This is the mail server {hostname}.",
	        "To let you know: your message was delivered to" },
	    { "{attached}" } },
	[DSN_RELAYED] = { "Your message was passed on",
	    { "This is the mail server {hostname}.",
	        "To let you know: your message was passed on to a server "
	        "that sends no reports, for" },
	    { "{attached}" } },
	[DSN_EXPANDED] = { "Your message was delivered to a list",
	    { "This is the mail server {hostname}.",
	        "To let you know: your message was passed on to all members "
	        "of" },
	    { "You will only be told of members who do not get it.",
	        "{attached}" } },
};

/* What the names stand for; space holds what is made for them. */
struct names {
	struct fill fill[7];
	struct buf space, attached;
};

static void
put_attached(struct buf *out, const struct dsn *d, const struct excerpt *x)
{
	if (d->want_full && d->original_size <= d->full_max) {
		buf_add_c(out, "Your message is attached.");
		return;
	}
	if (d->unread && d->original.n == 0) {
		buf_add_c(out, "This server can no longer read your message "
		    "from its disk, so nothing of it is attached.");
		return;
	}
	buf_add_c(out, d->unread ?
	    "This server can no longer read your message from its disk; its "
	    "header is attached" : d->want_full ?
	    "Your message is too large to be sent back; its header is "
	    "attached" : "The header of your message is attached");
	if (x->octets != 0) {
		buf_add_c(out, ", without ");
		excerpt_tell(out, x);
		buf_add_c(out, ", for which a report has no room");
	}
	buf_add_char(out, '.');
}

/* RFC 3461 4.1: a warning does not mean that there will be a report. */
static const char *
told(const struct dsn *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->nrcpts; i++)
		n += d->rcpts[i].notify == 0 ||
		    (d->rcpts[i].notify & NOTIFY_FAILURE) != 0;
	if (n == d->nrcpts)
		return "If it fails until then, you will be told.";
	return n == 0 ? "If it fails until then, you will not be told, as you "
	                "wished." :
	                "If it fails until then, you will be told, but not of "
	                "those for whom you did not wish it.";
}

static void
names_init(struct names *n, const struct dsn *d, const struct excerpt *x)
{
	char id[ID_TEXT + 1];
	struct str until;

	id_text(d->id, id);
	buf_init(&n->space, 256);
	lines_date(&n->space, d->expires);
	until = buf_str(&n->space);
	buf_add_c(&n->space, id);
	/* Looked up anew: the buffer may have moved. */
	until.p = buf_str(&n->space).p;
	n->fill[0] = (struct fill){ "hostname", str_c(d->hostname) };
	n->fill[1] = (struct fill){ "admin", d->admin };
	n->fill[2] = (struct fill){ "sender", d->sender };
	n->fill[3] = (struct fill){ "id",
		str_from(buf_str(&n->space), until.n) };
	n->fill[4] = (struct fill){ "until", until };
	buf_init(&n->attached, WORDS_MAX);
	put_attached(&n->attached, d, x);
	n->fill[5] = (struct fill){ "attached", buf_str(&n->attached) };
	n->fill[6] = (struct fill){ "told", str_c(told(d)) };
}

static void
names_clear(struct names *n)
{
	buf_clear(&n->space);
	buf_clear(&n->attached);
}

static void
put_paragraph(struct buf *out, struct str words, const struct names *n)
{
	struct buf filled;

	buf_init(&filled, WORDS_MAX);
	fill_put(&filled, words, n->fill, sizeof(n->fill) / sizeof(n->fill[0]));
	lines_folded(out, 0, "", buf_str(&filled));
	buf_clear(&filled);
}

/* With empty lines between. */
static void
put_list(struct buf *out, const struct words_list *w, const struct names *n)
{
	for (size_t i = 0; i < w->n; i++) {
		if (i > 0)
			buf_add_char(out, '\n');
		put_paragraph(out, w->list[i], n);
	}
}

/* false: there are none, or more than a report has room for. */
static bool
put_own(struct buf *out, const struct words_list *own, const struct names *n)
{
	struct buf words;
	bool ok;

	if (own == NULL || own->n == 0)
		return false;
	buf_init(&words, OWN_MAX);
	put_list(&words, own, n);
	ok = !words.overflow;
	if (ok)
		buf_add(out, buf_str(&words));
	buf_clear(&words);
	return ok;
}

/* The admin's paragraphs, or ours. */
static void
put_paragraphs(struct buf *out, const struct words_list *own,
    const char *const built_in[PARAGRAPHS], const struct names *n)
{
	struct str list[PARAGRAPHS];
	struct words_list w = { list, 0 };

	if (put_own(out, own, n))
		return;
	while (w.n < PARAGRAPHS && built_in[w.n] != NULL) {
		list[w.n] = str_c(built_in[w.n]);
		w.n++;
	}
	put_list(out, &w, n);
}

static void
add_said(struct buf *out, const struct dsn *d, const struct dsn_rcpt *r)
{
	static const char indent[] = "      ";
	struct buf own;

	if (r->remote.n > 0) {
		buf_add_c(out, "    The server ");
		lines_clean(out, r->remote);
		buf_addf(out, " said%s:\n%s%u %.*s",
		    dsn_is_late(d, r) ? " last" : "", indent,
		    (unsigned)r->code, STR_ARG(r->status));
		lines_folded(out, strlen(indent) + 10, indent, r->text);
		return;
	}
	buf_init(&own, BUF_NO_MAX);
	dsn_own_words(&own, d, r);
	buf_add_c(out, indent);
	lines_folded(out, strlen(indent), indent, buf_str(&own));
	buf_clear(&own);
}

static void
add_rcpt_words(struct buf *out, const struct dsn *d, const struct dsn_rcpt *r)
{
	buf_add_c(out, "  ");
	lines_clean(out, r->address);
	buf_add_char(out, '\n');
	if (r->text.n > 0)
		add_said(out, d, r);
	if (d->action == DSN_FAILED) {
		buf_add_c(out, "    ");
		lines_folded(out, 4, "    ",
		    str_c(advice_for(dsn_status(d, r), r->remote.n > 0)));
	}
	buf_add_char(out, '\n');
}

void
words_subject(struct buf *out, const struct dsn *d, const struct excerpt *x)
{
	struct str subject = str_c(ours[d->action].subject);
	struct names n;
	struct buf filled;

	if (d->words != NULL && d->words->subject.n > 0)
		subject = d->words->subject;
	names_init(&n, d, x);
	buf_init(&filled, WORDS_MAX);
	fill_put(&filled, subject, n.fill, sizeof(n.fill) / sizeof(n.fill[0]));
	rfc2047_encode(out, buf_str(&filled));
	buf_clear(&filled);
	names_clear(&n);
}

void
words_put(struct buf *out, const struct dsn *d, const struct excerpt *x)
{
	struct names n;

	names_init(&n, d, x);
	put_paragraphs(out, d->words != NULL ? &d->words->text : NULL,
	    ours[d->action].text, &n);
	buf_add_char(out, '\n');
	for (size_t i = 0; i < d->nrcpts && i < DSN_RCPTS_SHOWN; i++)
		add_rcpt_words(out, d, &d->rcpts[i]);
	if (d->nrcpts > DSN_RCPTS_SHOWN)
		buf_addf(out, "  and %zu more, see the report below.\n\n",
		    d->nrcpts - DSN_RCPTS_SHOWN);
	put_paragraphs(out, d->words != NULL ? &d->words->end : NULL,
	    ours[d->action].end, &n);
	names_clear(&n);
}
