#include "smtpd/trace.h"

#include "base/id.h"
#include "mail/header.h"

static const char id_room[] = "0000000000000";
_Static_assert(sizeof(id_room) - 1 == ID_TEXT, "room for an id");

/* TCP-info of RFC 5321 4.4: (name [address]). */
static void
put_client(struct buf *out, const struct trace *t)
{
	bool v6 = str_find(t->client, ':') != t->client.n;

	if (str_starts(t->client, STR("unix:"))) {
		buf_addf(out, " (local user %.*s)",
		    STR_ARG(str_from(t->client, 5)));
		return;
	}
	buf_add(out, STR(" ("));
	buf_add(out, t->ptr);
	buf_addf(out, "%s[%s%.*s])", t->ptr.n != 0 ? " " : "",
	    v6 ? "IPv6:" : "", STR_ARG(t->client));
}

static void
put_received(struct buf *out, const struct trace *t, const struct smtp_tx *tx,
    uint32_t *id_at)
{
	buf_add(out, STR("Received: from "));
	buf_add(out, t->helo);
	put_client(out, t);
	buf_addf(out, "\n\tby %.*s with %s", STR_ARG(t->hostname), t->protocol);
	if (t->tls[0] != '\0')
		buf_addf(out, " (%s)", t->tls);
	buf_add(out, STR("\n\tid "));
	*id_at = (uint32_t)buf_len(out);
	buf_add_c(out, id_room);
	/* With several, one would learn of the other (RFC 5321 7.2). */
	if (tx->nrcpts == 1)
		buf_addf(out, "\n\tfor <%.*s>",
		    STR_ARG(STAILQ_FIRST(&tx->rcpts)->address));
	buf_add(out, STR(";\n\t"));
	date_format(out, &t->now);
	buf_add_char(out, '\n');
}

static void
put_missing(struct buf *out, const struct trace *t, const struct smtp_tx *tx)
{
	if ((tx->missing & HEADER_HAS_DATE) != 0) {
		buf_add(out, STR("Date: "));
		date_format(out, &t->now);
		buf_add_char(out, '\n');
	}
	if ((tx->missing & HEADER_HAS_FROM) != 0 && tx->sender.n != 0)
		buf_addf(out, "From: <%.*s>\n", STR_ARG(tx->sender));
	if ((tx->missing & HEADER_HAS_MESSAGE_ID) != 0)
		buf_addf(out, "Message-ID: <%llx.%llx@%.*s>\n",
		    (unsigned long long)t->now.time,
		    (unsigned long long)t->unique, STR_ARG(t->hostname));
	if (tx->headless)
		buf_add_char(out, '\n');
}

void
trace_write(struct buf *out, const struct trace *t, const struct smtp_tx *tx,
    uint32_t *id_at)
{
	put_received(out, t, tx, id_at);
	put_missing(out, t, tx);
}
