#include "delivery/bounce/dsn.h"

#include "base/base64.h"
#include "base/crc32c.h"
#include "base/id.h"
#include "delivery/bounce/lines.h"
#include "delivery/bounce/words.h"
#include "mail/header.h"
#include "mail/msgid.h"
#include "mail/utf8.h"

/* RFC 3464 2.3.3 */
static const char *const actions[] = {
	[DSN_NONE] = "failed",
	[DSN_FAILED] = "failed",
	[DSN_DELAYED] = "delayed",
	[DSN_DELIVERED] = "delivered",
	[DSN_RELAYED] = "relayed",
};
/* RFC 3463 3.1: the class says the same, whatever a server's code was. */
static const char classes[] = {
	[DSN_NONE] = '5',
	[DSN_FAILED] = '5',
	[DSN_DELAYED] = '4',
	[DSN_DELIVERED] = '2',
	[DSN_RELAYED] = '2',
};

/* --- pieces ------------------------------------------------------------ */

/* "rfc822; bob@example.org", or utf-8 (RFC 6533 3). */
static void
add_typed_address(struct buf *out, const char *field, struct str address)
{
	buf_addf(out, "%s: %s; ", field,
	    utf8_is_ascii(address) ? "rfc822" : "utf-8");
	lines_clean(out, address);
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
	lines_clean(out, d->sender);
	buf_add_c(out, ">\nSubject: ");
	words_subject(out, d);
	buf_add_c(out, "\nDate: ");
	lines_date(out, d->now);
	/* A message to very many has several reports in a second. */
	buf_addf(out, "\nMessage-ID: <%s.%s.%llx.%08x@%s>\n",
	    actions[d->action], id, (unsigned long long)d->now,
	    d->nrcpts == 0 ? 0u : (unsigned)crc32c(0, d->rcpts[0].address.p,
	        d->rcpts[0].address.n), d->hostname);
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
add_words(struct buf *out, const struct dsn *d, bool utf8)
{
	struct buf words;
	bool ascii;

	buf_init(&words, DSN_MAX);
	words_put(&words, d);
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
	buf_clear(&words);
}

/* --- the report for programs ------------------------------------------- */

static void
add_diagnostic(struct buf *out, const struct dsn_rcpt *r)
{
	size_t before;

	if (r->remote.n > 0) {
		buf_add_c(out, "Remote-MTA: dns; ");
		lines_clean(out, host_of(r->remote));
		buf_add_char(out, '\n');
	}
	before = buf_len(out);
	if (r->remote.n > 0)
		buf_addf(out, "Diagnostic-Code: smtp; %u %.*s",
		    (unsigned)r->code, STR_ARG(r->status));
	else
		buf_add_c(out, "Diagnostic-Code: X-Postern;");
	lines_folded(out, buf_len(out) - before, " ", r->text);
}

static void
add_rcpt_report(struct buf *out, const struct dsn *d, const struct dsn_rcpt *r)
{
	struct str address = r->orcpt;
	const struct str type = str_take_until(&address, ';');

	buf_add_char(out, '\n');
	if (address.n > 0) {
		buf_add_c(out, "Original-Recipient: ");
		lines_clean(out, type);
		buf_add_c(out, "; ");
		lines_clean(out, address);
		buf_add_char(out, '\n');
	}
	add_typed_address(out, "Final-Recipient", r->address);
	buf_addf(out, "Action: %s\nStatus: %c%.*s\n", actions[d->action],
	    classes[d->action],
	    STR_ARG(r->status.n > 1 ? str_from(r->status, 1) : STR(".0.0")));
	if (r->text.n > 0)
		add_diagnostic(out, r);
	buf_add_c(out, "Last-Attempt-Date: ");
	lines_date(out, d->now);
	buf_add_char(out, '\n');
	if (d->action == DSN_DELAYED) {
		buf_add_c(out, "Will-Retry-Until: ");
		lines_date(out, d->expires);
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
		lines_clean(out, d->envid);
		buf_add_char(out, '\n');
	}
	buf_addf(out, "Reporting-MTA: dns; %s\nX-Postern-Id: %s\n"
	    "Arrival-Date: ", d->hostname, id);
	lines_date(out, d->accepted);
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
	add_words(out, d, utf8);
	begin_part(out, d, utf8 ? "message/global-delivery-status" :
	    "message/delivery-status", utf8 ? "8bit" : NULL);
	add_report(out, d);
	if (full)
		begin_part(out, d, utf8 ? "message/global" : "message/rfc822",
		    eight_bit ? "8bit" : NULL);
	else
		begin_part(out, d, utf8 ? "message/global-headers" :
		    "text/rfc822-headers", eight_bit ? "8bit" : NULL);
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
	lines_date(out, d->now);
	buf_add_char(out, '\n');
}
