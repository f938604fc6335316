#include "delivery/bounce/dsn.h"

#include "base/base64.h"
#include "base/crc32c.h"
#include "base/id.h"
#include "delivery/bounce/excerpt.h"
#include "delivery/bounce/lines.h"
#include "delivery/bounce/words.h"
#include "mail/header.h"
#include "mail/msgid.h"
#include "mail/seven_bit.h"
#include "mail/utf8.h"

enum {
	MSGID_SHOWN = 900, /* octets; a field in one line has 998 */
	LINE_MOST = 998
};

/* RFC 3464 2.3.3 */
static const char *const actions[] = {
	[DSN_NONE] = "failed",
	[DSN_FAILED] = "failed",
	[DSN_DELAYED] = "delayed",
	[DSN_DELIVERED] = "delivered",
	[DSN_RELAYED] = "relayed",
	[DSN_EXPANDED] = "expanded",
};
/* RFC 3463 3.1: the class says the same, whatever a server's code was. */
static const char classes[] = {
	[DSN_NONE] = '5',
	[DSN_FAILED] = '5',
	[DSN_DELAYED] = '4',
	[DSN_DELIVERED] = '2',
	[DSN_RELAYED] = '2',
	[DSN_EXPANDED] = '2',
};

/* --- pieces ------------------------------------------------------------ */

/* "rfc822; bob@example.org", or of type utf-8: as it is, or in ASCII. */
static void
add_typed_address(
    struct buf *out, const char *field, struct str address, bool utf8)
{
	const bool ascii = utf8_is_ascii(address);

	buf_addf(out, "%s: %s; ", field, ascii ? "rfc822" : "utf-8");
	if (ascii || utf8)
		lines_clean(out, address);
	else
		lines_xtext(out, address);
	buf_add_char(out, '\n');
}

/* What may be UTF-8 when the report is. */
static void
add_value(struct buf *out, struct str s, bool utf8)
{
	if (utf8)
		lines_clean(out, s);
	else
		lines_ascii(out, s);
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

	/* Unlike any line of the original, whose sender could guess the id. */
	id_text(d->id, id);
	buf_addf(out, "=_report_%s_%016llx", id,
	    (unsigned long long)d->secret);
}

static void
begin_part(struct buf *out, const struct dsn *d, const char *type,
    const char *encoding)
{
	buf_add_c(out, "\n--");
	add_boundary(out, d);
	buf_addf(out, "\nContent-Type: %s\n", type);
	if (encoding != NULL)
		buf_addf(out, "Content-Transfer-Encoding: %s\n", encoding);
	buf_add_char(out, '\n');
}

/* --- header ------------------------------------------------------------ */

static void
add_references(struct buf *out, const struct dsn *d, bool utf8)
{
	struct header_field f;
	struct str value, id;

	if (!header_get(d->original, STR("Message-ID"), &f))
		return;
	value = f.value;
	if (!msgid_take(&value, &id) || id.n > MSGID_SHOWN ||
	    (!utf8 && !utf8_is_ascii(id)))
		return;
	buf_addf(out, "In-Reply-To: <%.*s>\nReferences: <%.*s>\n", STR_ARG(id),
	    STR_ARG(id));
}

static void
add_header(struct buf *out, const struct dsn *d, const struct excerpt *x,
    bool utf8)
{
	char id[ID_TEXT + 1];

	id_text(d->id, id);
	buf_addf(out, "From: Mail Delivery System <postmaster@%s>\nTo: <",
	    d->hostname);
	lines_clean(out, d->sender);
	buf_add_c(out, ">\nSubject: ");
	words_subject(out, d, x);
	buf_add_c(out, "\nDate: ");
	lines_date(out, d->now);
	/* A message to very many has several reports in a second. */
	buf_addf(out, "\nMessage-ID: <%s.%s.%llx.%08x@%s>\n",
	    actions[d->action], id, (unsigned long long)d->now,
	    d->nrcpts == 0 ? 0u : (unsigned)crc32c(0, d->rcpts[0].address.p,
	        d->rcpts[0].address.n), d->hostname);
	add_references(out, d, utf8);
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

/* RFC 2045 6.8: lines of at most 76 octets. */
static void
add_base64(struct buf *out, struct str text)
{
	enum { LINE = 57 };

	while (text.n > 0) {
		base64_encode(out, str_take(&text, LINE));
		buf_add_char(out, '\n');
	}
}

/* The admin's words may be in any language, yet the report must pass servers
 * that take seven bits only: who sent them would not learn of its failure. */
static void
add_words(struct buf *out, const struct dsn *d, const struct excerpt *x,
    bool utf8)
{
	struct buf words;
	bool ascii;

	buf_init(&words, DSN_MAX);
	words_put(&words, d, x);
	ascii = utf8_is_ascii(buf_str(&words));
	begin_part(out, d,
	    ascii && !utf8 ? "text/plain; charset=us-ascii" :
	                     "text/plain; charset=utf-8",
	    utf8          ? "8bit" :
	        ascii     ? NULL :
	                    "base64");
	if (ascii || utf8)
		buf_add(out, buf_str(&words));
	else
		add_base64(out, buf_str(&words));
	out->overflow = out->overflow || words.overflow;
	buf_clear(&words);
}

/* --- the report for programs ------------------------------------------- */

bool
dsn_is_late(const struct dsn *d, const struct dsn_rcpt *r)
{
	return d->action == DSN_FAILED && r->code >= 400 && r->code < 500;
}

struct str
dsn_status(const struct dsn *d, const struct dsn_rcpt *r)
{
	return dsn_is_late(d, r) ? STR("5.4.7") : r->status;
}

void
dsn_own_words(struct buf *out, const struct dsn *d, const struct dsn_rcpt *r)
{
	if (dsn_is_late(d, r))
		buf_add_c(out, "not delivered in time; last: ");
	buf_add(out, r->text);
}

/* RFC 3464 2.3.5, 2.3.6: both are for what a server said itself. */
static void
add_diagnostic(
    struct buf *out, const struct dsn *d, const struct dsn_rcpt *r, bool utf8)
{
	struct buf words, text;
	size_t before;

	if (r->remote.n > 0) {
		buf_add_c(out, "Remote-MTA: dns; ");
		add_value(out, host_of(r->remote), utf8);
		buf_add_char(out, '\n');
	}
	before = buf_len(out);
	if (r->remote.n > 0)
		buf_addf(out, "Diagnostic-Code: smtp; %u %.*s",
		    (unsigned)r->code, STR_ARG(r->status));
	else
		buf_add_c(out, "Diagnostic-Code: X-Postern;");
	buf_init(&words, BUF_NO_MAX);
	buf_init(&text, BUF_NO_MAX);
	if (r->remote.n > 0)
		buf_add(&words, r->text);
	else
		dsn_own_words(&words, d, r);
	add_value(&text, buf_str(&words), utf8);
	lines_folded(out, buf_len(out) - before, " ", buf_str(&text));
	buf_clear(&text);
	buf_clear(&words);
}

/* The report follows an attempt at once.  Not surely so when we refuse it
 * ourselves, which the administrator and aliases do without one, nor when its
 * time was over, which its site's being down may show; nor does a warning, for
 * which any of the recipients may be the reason. */
static bool
is_of_attempt(const struct dsn *d, const struct dsn_rcpt *r)
{
	switch (d->action) {
	case DSN_FAILED:
		return r->remote.n > 0 && !dsn_is_late(d, r);
	case DSN_DELIVERED:
	case DSN_RELAYED:
		return true;
	case DSN_NONE:
	case DSN_DELAYED:
	case DSN_EXPANDED:
		break;
	}
	return false;
}

static void
add_rcpt_report(struct buf *out, const struct dsn *d, const struct dsn_rcpt *r,
    bool utf8)
{
	const struct str status = dsn_status(d, r);
	struct str address = r->orcpt;
	const struct str type = str_take_until(&address, ';');

	buf_add_char(out, '\n');
	if (address.n > 0) {
		buf_add_c(out, "Original-Recipient: ");
		add_value(out, type, utf8);
		buf_add_c(out, "; ");
		add_value(out, address, utf8);
		buf_add_char(out, '\n');
	}
	add_typed_address(out, "Final-Recipient", r->address, utf8);
	buf_addf(out, "Action: %s\nStatus: %c%.*s\n", actions[d->action],
	    classes[d->action],
	    STR_ARG(status.n > 1 ? str_from(status, 1) : STR(".0.0")));
	if (r->text.n > 0)
		add_diagnostic(out, d, r, utf8);
	if (is_of_attempt(d, r)) {
		buf_add_c(out, "Last-Attempt-Date: ");
		lines_date(out, d->now);
		buf_add_char(out, '\n');
	}
	if (d->action == DSN_DELAYED) {
		buf_add_c(out, "Will-Retry-Until: ");
		lines_date(out, d->expires);
		buf_add_char(out, '\n');
	}
}

static void
add_report(struct buf *out, const struct dsn *d, bool utf8)
{
	char id[ID_TEXT + 1];

	id_text(d->id, id);
	if (d->envid.n > 0) {
		buf_add_c(out, "Original-Envelope-Id: ");
		add_value(out, d->envid, utf8);
		buf_add_char(out, '\n');
	}
	buf_addf(out, "Reporting-MTA: dns; %s\nX-Postern-Id: %s\n"
	    "Arrival-Date: ", d->hostname, id);
	lines_date(out, d->accepted);
	buf_add_char(out, '\n');
	for (size_t i = 0; i < d->nrcpts; i++)
		add_rcpt_report(out, d, &d->rcpts[i], utf8);
}

/*
 * In ASCII an address can have six times its octets.  It must not be broken:
 * where a line has no room for it, all are UTF-8 and encoded, which only the
 * type of RFC 6533 allows (RFC 3464 2: its own has to be 7bit).
 */
static void
add_report_part(struct buf *out, const struct dsn *d, bool utf8)
{
	const size_t from = buf_len(out);
	struct buf report;

	begin_part(out, d, utf8 ? "message/global-delivery-status" :
	    "message/delivery-status", utf8 ? "8bit" : NULL);
	add_report(out, d, utf8);
	if (utf8 || seven_bit_is(str_from(buf_str(out), from)))
		return;
	buf_cut(out, from);
	buf_init(&report, out->max);
	add_report(&report, d, true);
	begin_part(out, d, "message/global-delivery-status",
	    "quoted-printable");
	seven_bit_qp(out, buf_str(&report));
	out->overflow = out->overflow || report.overflow;
	buf_clear(&report);
}

/* --- the original ------------------------------------------------------ */

/* No line longer than mail allows, and no NUL. */
static bool
is_sound(struct str text)
{
	while (text.n > 0) {
		const struct str line = str_take_until(&text, '\n');

		if (line.n > LINE_MOST || str_find(line, '\0') < line.n)
			return false;
	}
	return true;
}

/* The third part: how it is written. */
struct original {
	struct str text;
	struct buf seven; /* what text is in seven bits */
	const char *type;
	bool quoted;
};

/* A whole message in seven bits that stays one, if that can be. */
static bool
to_seven_bit(struct original *o)
{
	const bool ok = seven_bit(&o->seven, o->text);

	if (ok)
		o->text = buf_str(&o->seven);
	return ok;
}

/*
 * A report in ASCII goes where neither SMTPUTF8 nor 8BITMIME is known, or it
 * would be lost there.  Parts of the original with more than seven bits are
 * encoded one by one; a message/rfc822 as a whole may not be.  A header that
 * is not ASCII is encoded with all below it, which the types of RFC 6533
 * allow (6.3, and RFC 6532 3.7).
 */
static void
original_init(struct original *o, const struct dsn *d, struct str header,
    bool utf8)
{
	const bool full = d->want_full && d->original_size <= d->full_max &&
	    d->original_size == d->original.n;
	const bool eight_header = !utf8_is_ascii(header);
	bool global;

	buf_init(&o->seven, d->original.n * 4 + 65536);
	o->text = full ? d->original : header;
	if (utf8)
		o->quoted = !is_sound(o->text);
	else
		o->quoted = !seven_bit_is(o->text) &&
		    (!full || !to_seven_bit(o));
	/* Of header fields alone text/ can be encoded too. */
	global = utf8 || (full ? o->quoted : eight_header && utf8_ok(header));
	if (full)
		o->type = global ? "message/global" : "message/rfc822";
	else
		o->type = global ? "message/global-headers" :
		                   "text/rfc822-headers";
}

static void
add_original(struct buf *out, const struct dsn *d, const struct original *o)
{
	begin_part(out, d, o->type,
	    o->quoted                 ? "quoted-printable" :
	        utf8_is_ascii(o->text) ? NULL :
	                                 "8bit");
	if (o->quoted)
		seven_bit_qp(out, o->text);
	else
		buf_add(out, o->text);
	if (!str_ends(o->text, STR("\n")))
		buf_add_c(out, o->quoted ? "=\n" : "\n");
}

bool
dsn_build(struct buf *out, const struct dsn *d, bool *is_utf8)
{
	/* Only who has such an address needs servers that know SMTPUTF8 on the
	 * way back: all others could lose the report there. */
	const bool utf8 = !utf8_is_ascii(d->sender);
	struct excerpt x;
	struct original o;

	excerpt_init(&x, d->original, d->full_max);
	original_init(&o, d, x.text, utf8);
	*is_utf8 = utf8;
	add_header(out, d, &x, utf8);
	add_words(out, d, &x, utf8);
	add_report_part(out, d, utf8);
	if (!d->unread || o.text.n > 0)
		add_original(out, d, &o);
	buf_clear(&o.seven);
	excerpt_clear(&x);
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
	lines_date(out, d->now);
	buf_add_char(out, '\n');
}
