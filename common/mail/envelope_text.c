#include "mail/envelope_text.h"

#include "base/pool.h"
#include "mail/addrlist.h"
#include "mail/header.h"
#include "mail/imap_text.h"

/* The fields of an ENVELOPE; of these several may be given: the first of a
 * text counts, addresses add up. */
enum field {
	DATE,
	SUBJECT,
	FROM,
	SENDER,
	REPLY_TO,
	TO,
	CC,
	BCC,
	IN_REPLY_TO,
	MESSAGE_ID,
	FIELDS
};

static const struct str names[FIELDS] = {
	[DATE] = STR_INIT("Date"),
	[SUBJECT] = STR_INIT("Subject"),
	[FROM] = STR_INIT("From"),
	[SENDER] = STR_INIT("Sender"),
	[REPLY_TO] = STR_INIT("Reply-To"),
	[TO] = STR_INIT("To"),
	[CC] = STR_INIT("Cc"),
	[BCC] = STR_INIT("Bcc"),
	[IN_REPLY_TO] = STR_INIT("In-Reply-To"),
	[MESSAGE_ID] = STR_INIT("Message-ID"),
};

/* Leaves room for " NIL" in place of each. */
enum { FIELDS_MAX = ENVELOPE_MAX - 64 };

struct gathered {
	struct buf text[FIELDS]; /* texts on one line; addresses as written
	                          * for IMAP, without the parentheses */
	bool has[FIELDS];
	size_t addresses;        /* in all fields together */
};

static bool
is_address(enum field f)
{
	return f >= FROM && f <= BCC;
}

/* address = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"
 * A host of NIL means a group, so a missing one is "". */
static void
put_address(struct buf *out, const struct addrlist_item *a)
{
	bool mailbox = a->kind == ADDRLIST_MAILBOX;

	buf_add_char(out, '(');
	imap_text_nstring(out, mailbox && a->has_name, a->name);
	buf_add(out, STR(" NIL "));
	if (a->kind == ADDRLIST_GROUP)
		imap_text_string(out, a->name);
	else
		imap_text_nstring(out, mailbox, a->local);
	buf_add_char(out, ' ');
	imap_text_nstring(out, mailbox, a->domain);
	buf_add_char(out, ')');
}

static void
gather_addresses(struct gathered *g, enum field f, struct str value)
{
	struct pool pool = { 0 };
	struct addrlist list;
	struct addrlist_item item;

	addrlist_init(&list, &pool, value);
	while (g->addresses < ADDRLIST_MAX && addrlist_next(&list, &item)) {
		put_address(&g->text[f], &item);
		g->addresses++;
	}
	/* A group stays well-formed where the limit cuts it. */
	if (list.in_group)
		buf_add(&g->text[f], STR("(NIL NIL NIL NIL)"));
	pool_clear(&pool);
	g->has[f] = buf_len(&g->text[f]) != 0;
}

static void
gather(struct gathered *g, struct str head)
{
	struct header_field h;
	size_t fields = 0;

	while (fields++ < HEADER_FIELDS_MAX && header_next(&head, &h)) {
		for (enum field f = 0; f < FIELDS; f++) {
			if (!str_ieq(h.name, names[f]))
				continue;
			if (is_address(f)) {
				gather_addresses(g, f, h.value);
			} else if (!g->has[f]) {
				header_unfold(&g->text[f], h.value);
				g->has[f] = true;
			}
		}
	}
}

/* env-sender and the like: NIL or 1*address in parentheses; Sender and
 * Reply-To default to From. */
static void
put_field(struct buf *out, const struct gathered *g, enum field f)
{
	if (!is_address(f)) {
		imap_text_nstring(out, g->has[f], buf_str(&g->text[f]));
		return;
	}
	if ((f == SENDER || f == REPLY_TO) && !g->has[f])
		f = FROM;
	if (!g->has[f]) {
		buf_add(out, STR("NIL"));
		return;
	}
	buf_add_char(out, '(');
	buf_add(out, buf_str(&g->text[f]));
	buf_add_char(out, ')');
}

static void
put_fields(struct buf *out, const struct gathered *g)
{
	for (enum field f = 0; f < FIELDS; f++) {
		size_t was;

		buf_add_char(out, f == 0 ? '(' : ' ');
		was = buf_len(out);
		put_field(out, g, f);
		if (buf_len(out) <= FIELDS_MAX)
			continue;
		buf_cut(out, was);
		buf_add(out, STR("NIL"));
	}
	buf_add_char(out, ')');
}

bool
envelope_text(struct buf *out, struct str head)
{
	struct gathered g = { 0 };
	struct buf text;
	bool ok;

	buf_init(&text, BUF_NO_MAX);
	for (enum field f = 0; f < FIELDS; f++)
		buf_init(&g.text[f], BUF_NO_MAX);
	gather(&g, str_first(head, HEADER_MAX));
	put_fields(&text, &g);
	ok = buf_add(out, buf_str(&text));
	for (enum field f = 0; f < FIELDS; f++)
		buf_clear(&g.text[f]);
	buf_clear(&text);
	return ok;
}
