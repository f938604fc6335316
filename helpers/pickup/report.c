#include "helpers/pickup/pickup.h"

#include <sys/random.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "mail/addr.h"
#include "mail/date.h"
#include "mail/header.h"
#include "mail/utf8.h"

enum { SHOWN = 100 }; /* recipients that the words name */

/* Who wrote the text cannot have guessed it. */
static void
make_boundary(char out[DROP_NAME + 1])
{
	char octets[TOKEN];

	if (getrandom(octets, TOKEN, 0) != TOKEN)
		fatal_errno("getrandom");
	drop_name(out, str_n(octets, TOKEN));
}

static void
begin_part(struct buf *out, const char *boundary, const char *type, bool eight)
{
	buf_addf(out, "\n--%s\nContent-Type: %s\n", boundary, type);
	if (eight)
		buf_add_c(out, "Content-Transfer-Encoding: 8bit\n");
	buf_add_char(out, '\n');
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

static void
add_words(struct buf *out, const struct pickup *p, bool part)
{
	struct drop d = p->now.drop;
	struct str address;
	unsigned n = 0;

	buf_addf(out, "Your message was left here with sendmail while the "
	    "server took no mail, and\nis refused now:\n\n    %s\n\n"
	    "It went to nobody.  It was for %u recipients:\n\n", p->now.why,
	    (unsigned)d.nrcpts);
	for (; n < SHOWN && next_address(&d, &address); n++)
		buf_addf(out, "    %.*s\n", STR_ARG(address));
	if (n < p->now.drop.nrcpts)
		buf_add_c(out, "    ...\n");
	if (!part)
		buf_add_c(out, "\nIt is below.\n");
	else
		buf_add_c(out, "\nIts header is below; all of it is with the "
		    "administrator, in drop/corrupt.\n");
}

/* RFC 3464; addresses that are not ASCII would need another form of all. */
static void
add_status(struct buf *out, const struct pickup *p)
{
	struct drop d = p->now.drop;
	struct str address, why = str_c(p->now.why);
	const struct str code = str_take_until(&why, ' ');
	const struct str status = str_first(why, str_find(why, ' '));
	bool any = false;

	buf_addf(out, "Reporting-MTA: dns; %.*s\n", STR_ARG(p->hostname));
	while (next_address(&d, &address)) {
		if (!utf8_is_ascii(address))
			continue;
		any = true;
		buf_addf(out, "\nFinal-Recipient: rfc822; %.*s\n"
		    "Action: failed\nStatus: %.*s\n"
		    "Diagnostic-Code: smtp; %.*s %.*s\n", STR_ARG(address),
		    STR_ARG(status), STR_ARG(code), STR_ARG(why));
	}
	if (!any)
		buf_addf(out, "\nFinal-Recipient: x-local; unknown\n"
		    "Action: failed\nStatus: %.*s\n", STR_ARG(status));
}

static void
make(struct pickup *p, bool part)
{
	struct buf *out = &p->now.report;
	struct str text = p->now.drop.text;
	char boundary[DROP_NAME + 1];

	if (part)
		text = str_first(text, header_end(text));
	if (part)
		text = str_first(text, HEADER_FIELD_MAX);
	make_boundary(boundary);
	buf_reset(out);
	add_header(out, p, boundary);
	begin_part(out, boundary, "text/plain; charset=utf-8", true);
	add_words(out, p, part);
	begin_part(out, boundary, "message/delivery-status", false);
	add_status(out, p);
	begin_part(out, boundary, part ? "text/rfc822-headers" :
	    "message/rfc822", !utf8_is_ascii(text));
	buf_add(out, text);
	buf_addf(out, "\n--%s--\n", boundary);
}

void
report_make(struct pickup *p)
{
	make(p, false);
	p->now.part = buf_len(&p->now.report) > p->size_max;
	if (p->now.part)
		make(p, true);
}
