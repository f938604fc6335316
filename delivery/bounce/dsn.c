#include "delivery/bounce/dsn.h"

#include "base/id.h"
#include "delivery/bounce/advice.h"
#include "mail/date.h"
#include "mail/header.h"
#include "mail/msgid.h"
#include "mail/utf8.h"
#include "mail/xtext.h"

enum { FOLD_AT = 76, WORD_MAX = 900 };

/* What differs from one kind of report to the other. */
static const struct {
	const char *action;  /* RFC 3464 2.3.3 */
	const char *subject;
	const char *words;
} kinds[] = {
	[DSN_NONE] = { "failed", "", "" },
	[DSN_FAILED] = { "failed", "Your message could not be delivered",
	    "your message could not be delivered to" },
	[DSN_DELAYED] = { "delayed", "Your message is delayed",
	    "your message could not be delivered yet to" },
	[DSN_DELIVERED] = { "delivered", "Your message was delivered",
	    "your message was delivered to" },
	[DSN_RELAYED] = { "relayed", "Your message was passed on",
	    "your message was passed on to a server that sends no reports, "
	    "for" },
	[DSN_EXPANDED] = { "expanded", "Your message was delivered to a list",
	    "your message was passed on to all members of" },
};

/* --- pieces ------------------------------------------------------------ */

static void
add_date(struct buf *out, int64_t seconds)
{
	const struct date d = { .time = seconds, .zone = 0 };

	date_format(out, &d);
}

/* What others said, in a header or in words: controls must not break it. */
static void
add_clean(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		const unsigned char c = (unsigned char)s.p[i];

		buf_add_char(out, c < ' ' || c == 0x7f ? ' ' : s.p[i]);
	}
}

/* Words with line ends at most every FOLD_AT columns, continued by indent. */
static void
add_folded(struct buf *out, size_t column, const char *indent, struct str words)
{
	while (words.n > 0) {
		/* A line of a message has 998 octets at most. */
		const struct str word =
		    str_first(str_take_word(&words), WORD_MAX);

		if (word.n == 0)
			continue;
		if (column + 1 + word.n > FOLD_AT) {
			buf_add_c(out, "\n");
			buf_add_c(out, indent);
			column = strlen(indent);
		} else if (column > strlen(indent)) {
			buf_add_char(out, ' ');
			column++;
		}
		add_clean(out, word);
		column += word.n;
	}
	buf_add_char(out, '\n');
}

/* "rfc822; bob@example.org", or utf-8 (RFC 6533 3). */
static void
add_typed_address(struct buf *out, const char *field, struct str address)
{
	buf_addf(out, "%s: %s; ", field,
	    utf8_is_ascii(address) ? "rfc822" : "utf-8");
	add_clean(out, address);
	buf_add_char(out, '\n');
}

/* The host in "mx.example.org [192.0.2.1]". */
static struct str
host_of(struct str remote)
{
	return str_first(remote, str_find(remote, ' '));
}

static void
add_boundary(struct buf *out, const struct dsn *d)
{
	char id[ID_TEXT + 1];

	/* Unlike any line of the original: it was not known then. */
	id_text(d->id, id);
	buf_addf(out, "=_report_%s_%llx", id, (unsigned long long)d->now);
}

static void
begin_part(struct buf *out, const struct dsn *d, const char *type,
    bool eight_bit)
{
	buf_add_c(out, "\n--");
	add_boundary(out, d);
	buf_addf(out, "\nContent-Type: %s\n", type);
	if (eight_bit)
		buf_add_c(out, "Content-Transfer-Encoding: 8bit\n");
	buf_add_char(out, '\n');
}

/* --- header ------------------------------------------------------------ */

static void
add_references(struct buf *out, const struct dsn *d)
{
	struct header_field f;
	struct str value, id;

	if (!header_get(d->original, STR("Message-ID"), &f))
		return;
	value = f.value;
	if (!msgid_take(&value, &id))
		return;
	buf_addf(out, "In-Reply-To: <%.*s>\nReferences: <%.*s>\n", STR_ARG(id),
	    STR_ARG(id));
}

static void
add_header(struct buf *out, const struct dsn *d, bool utf8)
{
	char id[ID_TEXT + 1];

	id_text(d->id, id);
	buf_addf(out, "From: Mail Delivery System <postmaster@%s>\nTo: <",
	    d->hostname);
	add_clean(out, d->sender);
	buf_addf(out, ">\nSubject: %s\nDate: ", kinds[d->action].subject);
	add_date(out, d->now);
	buf_addf(out, "\nMessage-ID: <%s.%s.%llx@%s>\n",
	    kinds[d->action].action, id, (unsigned long long)d->now,
	    d->hostname);
	add_references(out, d);
	buf_add_c(out, "Auto-Submitted: auto-replied\nMIME-Version: 1.0\n"
	               "Content-Type: multipart/report;\n"
	               "\treport-type=delivery-status;\n\tboundary=\"");
	add_boundary(out, d);
	buf_add_c(out, "\"\n");
	if (utf8)
		buf_add_c(out, "Content-Transfer-Encoding: 8bit\n");
	buf_add_c(out, "\nThis is a report in MIME format.\n");
}

/* --- words for people -------------------------------------------------- */

static void
add_said(struct buf *out, const struct dsn_rcpt *r)
{
	static const char indent[] = "      ";

	if (r->remote.n > 0) {
		buf_add_c(out, "    The server ");
		add_clean(out, r->remote);
		buf_add_c(out, " said:\n");
	}
	buf_add_c(out, indent);
	if (r->remote.n > 0)
		buf_addf(out, "%u %.*s", (unsigned)r->code,
		    STR_ARG(r->status));
	add_folded(out, strlen(indent) + (r->remote.n > 0 ? 10 : 0), indent,
	    r->text);
}

static void
add_rcpt_words(struct buf *out, const struct dsn *d, const struct dsn_rcpt *r)
{
	buf_add_c(out, "  ");
	add_clean(out, r->address);
	buf_add_char(out, '\n');
	if (r->text.n > 0)
		add_said(out, r);
	if (d->action == DSN_FAILED) {
		buf_add_c(out, "    ");
		add_folded(out, 4, "    ", str_c(advice_for(r->status)));
	}
	buf_add_char(out, '\n');
}

static void
add_words(struct buf *out, const struct dsn *d)
{
	buf_addf(out, "This is the mail server %s.\n\n", d->hostname);
	buf_add_c(out, d->action == DSN_FAILED ? "Sorry, " : "To let you know: ");
	buf_addf(out, "%s\n\n", kinds[d->action].words);
	for (size_t i = 0; i < d->nrcpts && i < DSN_RCPTS_SHOWN; i++)
		add_rcpt_words(out, d, &d->rcpts[i]);
	if (d->nrcpts > DSN_RCPTS_SHOWN)
		buf_addf(out, "  and %zu more, see the report below.\n\n",
		    d->nrcpts - DSN_RCPTS_SHOWN);
	if (d->action == DSN_DELAYED) {
		buf_add_c(out, "You need not do anything: it will be tried "
		               "again until\n");
		add_date(out, d->expires);
		buf_add_c(out, ".\nIf it fails until then, you will be "
		               "told.\n\n");
	}
	if (d->want_full && d->original_size > d->full_max)
		buf_add_c(out, "Your message is too large to be sent back; "
		               "its header is attached.\n");
	else
		buf_addf(out, "%s attached.\n", d->want_full ?
		    "Your message is" : "The header of your message is");
}

/* --- the report for programs ------------------------------------------- */

static void
add_diagnostic(struct buf *out, const struct dsn_rcpt *r)
{
	size_t before;

	if (r->remote.n > 0) {
		buf_add_c(out, "Remote-MTA: dns; ");
		add_clean(out, host_of(r->remote));
		buf_add_char(out, '\n');
	}
	before = buf_len(out);
	if (r->remote.n > 0)
		buf_addf(out, "Diagnostic-Code: smtp; %u %.*s",
		    (unsigned)r->code, STR_ARG(r->status));
	else
		buf_add_c(out, "Diagnostic-Code: X-Postern;");
	add_folded(out, buf_len(out) - before, " ", r->text);
}

static void
add_rcpt_report(struct buf *out, const struct dsn *d, const struct dsn_rcpt *r)
{
	struct str address = r->orcpt;
	const struct str type = str_take_until(&address, ';');

	buf_add_char(out, '\n');
	if (address.n > 0) {
		buf_add_c(out, "Original-Recipient: ");
		add_clean(out, type);
		buf_add_c(out, "; ");
		add_clean(out, address);
		buf_add_char(out, '\n');
	}
	add_typed_address(out, "Final-Recipient", r->address);
	buf_addf(out, "Action: %s\nStatus: %.*s\n", kinds[d->action].action,
	    STR_ARG(r->status.n > 0 ? r->status : STR("5.0.0")));
	if (r->text.n > 0)
		add_diagnostic(out, r);
	buf_add_c(out, "Last-Attempt-Date: ");
	add_date(out, d->now);
	buf_add_char(out, '\n');
	if (d->action == DSN_DELAYED) {
		buf_add_c(out, "Will-Retry-Until: ");
		add_date(out, d->expires);
		buf_add_char(out, '\n');
	}
}

static void
add_report(struct buf *out, const struct dsn *d)
{
	char id[ID_TEXT + 1];

	id_text(d->id, id);
	if (d->envid.n > 0) {
		buf_add_c(out, "Original-Envelope-Id: ");
		add_clean(out, d->envid);
		buf_add_char(out, '\n');
	}
	buf_addf(out, "Reporting-MTA: dns; %s\nX-Postern-Id: %s\n"
	    "Arrival-Date: ", d->hostname, id);
	add_date(out, d->accepted);
	buf_add_char(out, '\n');
	for (size_t i = 0; i < d->nrcpts; i++)
		add_rcpt_report(out, d, &d->rcpts[i]);
}

/* --- the original ------------------------------------------------------ */

/* Its header, whole lines of it. */
static struct str
original_header(const struct dsn *d)
{
	struct str h = str_first(d->original, header_end(d->original));

	if (h.n > DSN_HEADER_MAX) {
		h = str_first(h, DSN_HEADER_MAX);
		h = str_first(h, str_rfind(h, '\n') + 1);
	}
	return h;
}

bool
dsn_build(struct buf *out, const struct dsn *d, struct dsn_flags *flags)
{
	const bool full = d->want_full && d->original_size <= d->full_max &&
	    d->original_size == d->original.n;
	const struct str original = full ? d->original : original_header(d);
	bool utf8 = d->utf8 || !utf8_is_ascii(d->sender);
	bool eight_bit;

	for (size_t i = 0; i < d->nrcpts; i++)
		utf8 = utf8 || !utf8_is_ascii(d->rcpts[i].address) ||
		    !utf8_is_ascii(d->rcpts[i].orcpt);
	eight_bit = !utf8_is_ascii(original);
	*flags = (struct dsn_flags){ .utf8 = utf8,
		.eight_bit = eight_bit || utf8 };
	add_header(out, d, eight_bit || utf8);
	begin_part(out, d, utf8 ? "text/plain; charset=utf-8" :
	    "text/plain; charset=us-ascii", utf8);
	add_words(out, d);
	begin_part(out, d, utf8 ? "message/global-delivery-status" :
	    "message/delivery-status", utf8);
	add_report(out, d);
	if (full)
		begin_part(out, d, utf8 ? "message/global" : "message/rfc822",
		    eight_bit);
	else
		begin_part(out, d, utf8 ? "message/global-headers" :
		    "text/rfc822-headers", eight_bit);
	buf_add(out, original);
	if (!str_ends(original, STR("\n")))
		buf_add_char(out, '\n');
	buf_add_c(out, "\n--");
	add_boundary(out, d);
	buf_add_c(out, "--\n");
	return !out->overflow;
}

void
dsn_prefix(struct buf *out, const struct dsn *d, uint32_t *id_at)
{
	buf_addf(out, "Received: by %s (Postern) id ", d->hostname);
	*id_at = (uint32_t)buf_len(out);
	buf_add_c(out, "0000000000000;\n\t");
	add_date(out, d->now);
	buf_add_char(out, '\n');
}
