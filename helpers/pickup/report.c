#include "helpers/pickup/pickup.h"

#include <sys/random.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "mail/addr.h"
#include "mail/date.h"
#include "mail/header.h"
#include "mail/seven_bit.h"
#include "mail/utf8.h"

/* The first of these that is not too large. */
struct form {
	enum { WHOLE, HEADER, NOTHING } original;
	unsigned shown; /* recipients that are named */
};
static const struct form forms[] = { { WHOLE, 100 }, { HEADER, 100 },
	{ NOTHING, 100 }, { NOTHING, 5 } };
enum { FORMS = sizeof(forms) / sizeof(forms[0]) };

/* Who wrote the text cannot have guessed it. */
static void
make_boundary(char out[DROP_NAME + 1])
{
	char octets[TOKEN];

	if (getrandom(octets, TOKEN, 0) != TOKEN)
		fatal_errno("getrandom");
	drop_name(out, str_n(octets, TOKEN));
}

/* The next recipient whose address is one: others break lines. */
static bool
next_address(struct drop *d, struct str *address)
{
	struct env_rcpt rcpt;
	struct addr a;

	while (drop_next(d, &rcpt))
		if (addr_parse(rcpt.address, ADDR_UTF8, &a) == ADDR_OK) {
			*address = rcpt.address;
			return true;
		}
	return false;
}

static bool
is_plain(struct str text)
{
	return seven_bit_is(text) && str_find(text, '\r') == text.n;
}

/* A report that a server on its way does not take is lost: it is from <>.
 * So it has seven bits, but for the sender's own address. */
static void
add_part(struct buf *out, const char *boundary, const char *type,
    struct str text)
{
	const bool plain = is_plain(text);

	buf_addf(out, "\n--%s\nContent-Type: %s\n%s\n", boundary, type,
	    plain ? "" : "Content-Transfer-Encoding: quoted-printable\n");
	if (plain)
		buf_add(out, text);
	else
		seven_bit_qp(out, text);
}

static void
add_header(struct buf *out, const struct pickup *p, const char *boundary)
{
	struct date now;

	date_now(&now);
	buf_addf(out, "From: Mail Delivery System <postmaster@%.*s>\n"
	    "To: <%.*s>\nSubject: Not sent: your message was refused\nDate: ",
	    STR_ARG(p->hostname), STR_ARG(p->now.drop.head.sender));
	date_format(out, &now);
	buf_addf(out, "\nMessage-ID: <back.%s@%.*s>\n"
	    "Auto-Submitted: auto-replied\nMIME-Version: 1.0\n"
	    "Content-Type: multipart/report;\n"
	    "\treport-type=delivery-status;\n\tboundary=\"%s\"\n"
	    "\nThis is a report in MIME format.\n", boundary,
	    STR_ARG(p->hostname), boundary);
}

/* ---- words for people ---- */

static const char *
where_it_is(const struct pickup *p, const struct form *form)
{
	switch (form->original) {
	case WHOLE:
		return !p->now.kept ? "It is below.\n" :
		    "It is below, and with the administrator, in "
		    "drop/corrupt.\n";
	case HEADER:
		return "Its header is below; all of it is with the "
		       "administrator, in drop/corrupt.\n";
	case NOTHING:
		break;
	}
	return "It is with the administrator, in drop/corrupt.\n";
}

static void
put_words(struct buf *out, const struct pickup *p, const struct form *form)
{
	struct drop d = p->now.drop;
	struct str address;
	unsigned n = 0;

	buf_addf(out, "Your message was left here with sendmail while the "
	    "server took no mail, and\nis refused now:\n\n    %s\n\n"
	    "It went to nobody.  It was for %u recipients:\n\n", p->now.why,
	    (unsigned)d.nrcpts);
	for (; n < form->shown && next_address(&d, &address); n++)
		buf_addf(out, "    %.*s\n", STR_ARG(address));
	if (n < p->now.drop.nrcpts)
		buf_addf(out, "    and %u more\n",
		    (unsigned)p->now.drop.nrcpts - n);
	buf_addf(out, "\n%s", where_it_is(p, form));
}

static void
add_words(struct buf *out, const struct pickup *p, const char *boundary,
    const struct form *form)
{
	struct buf words;

	buf_init(&words, BUF_NO_MAX);
	put_words(&words, p, form);
	add_part(out, boundary, "text/plain; charset=utf-8", buf_str(&words));
	buf_clear(&words);
}

/* ---- the report for programs ---- */

/* RFC 3464, RFC 6533 */
static void
put_status(struct buf *out, const struct pickup *p, const struct form *form)
{
	struct drop d = p->now.drop;
	struct str address, why = str_c(p->now.why);
	const struct str code = str_take_until(&why, ' ');
	const struct str status = str_first(why, str_find(why, ' '));
	unsigned n = 0;

	buf_addf(out, "Reporting-MTA: dns; %.*s\n", STR_ARG(p->hostname));
	if (d.nrcpts > form->shown)
		buf_addf(out, "X-Postern-Not-Listed: %u\n",
		    (unsigned)d.nrcpts - form->shown);
	for (; n < form->shown && next_address(&d, &address); n++)
		buf_addf(out, "\nFinal-Recipient: %s; %.*s\n"
		    "Action: failed\nStatus: %.*s\n"
		    "Diagnostic-Code: smtp; %.*s %.*s\n",
		    utf8_is_ascii(address) ? "rfc822" : "utf-8",
		    STR_ARG(address), STR_ARG(status), STR_ARG(code),
		    STR_ARG(why));
	if (n == 0)
		buf_addf(out, "\nFinal-Recipient: x-local; unknown\n"
		    "Action: failed\nStatus: %.*s\n", STR_ARG(status));
}

/* The type for ASCII has to be 7bit, the other may be encoded. */
static void
add_status(struct buf *out, const struct pickup *p, const char *boundary,
    const struct form *form)
{
	struct buf status;

	buf_init(&status, BUF_NO_MAX);
	put_status(&status, p, form);
	add_part(out, boundary, utf8_is_ascii(buf_str(&status)) ?
	    "message/delivery-status" : "message/global-delivery-status",
	    buf_str(&status));
	buf_clear(&status);
}

/* ---- the original ---- */

/* Parts with more than seven bits are encoded one by one; where that cannot
 * be, all of it, which RFC 6532 3.7 allows for its own type. */
static void
add_whole(struct buf *out, struct str text, const char *boundary)
{
	struct buf seven;

	buf_init(&seven, text.n * 4 + 65536);
	if (!is_plain(text) && seven_bit(&seven, text))
		text = buf_str(&seven);
	add_part(out, boundary,
	    is_plain(text) ? "message/rfc822" : "message/global", text);
	buf_clear(&seven);
}

/* Whole fields, those for which there is room. */
static void
add_fields(struct buf *out, struct str text, const char *boundary)
{
	struct header_field f;
	struct buf kept;
	struct str fields;

	buf_init(&kept, HEADER_FIELD_MAX);
	while (header_next(&text, &f))
		buf_add(&kept, f.whole);
	fields = buf_str(&kept);
	add_part(out, boundary, !utf8_is_ascii(fields) && utf8_ok(fields) ?
	    "message/global-headers" : "text/rfc822-headers", fields);
	buf_clear(&kept);
}

static void
make(struct pickup *p, const struct form *form)
{
	struct buf *out = &p->now.report;
	const struct drop *d = &p->now.drop;
	char boundary[DROP_NAME + 1];

	/* Few servers take mail for an address that is not ASCII. */
	p->now.kept = form->original != WHOLE ||
	    !utf8_is_ascii(d->head.sender);
	make_boundary(boundary);
	buf_reset(out);
	add_header(out, p, boundary);
	add_words(out, p, boundary, form);
	add_status(out, p, boundary, form);
	if (form->original == WHOLE)
		add_whole(out, d->text, boundary);
	else if (form->original == HEADER)
		add_fields(out, d->text, boundary);
	buf_addf(out, "\n--%s--\n", boundary);
}

void
report_make(struct pickup *p)
{
	size_t i = 0;

	do
		make(p, &forms[i]);
	while (buf_len(&p->now.report) > p->size_max && ++i < FORMS);
}
