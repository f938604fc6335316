#include "mail/header.h"

/* Named by what has been seen of the line. */
enum {
	START, /* nothing */
	NAME,  /* a part of the field's name */
	SPACE, /* the name and white space behind it */
	VALUE, /* the colon, or a fold */
	JUNK   /* no field at all */
};

/* clang-format off */
static const struct {
	struct str name;
	unsigned bit;
} known[] = {
	{ STR_INIT("from"),       HEADER_HAS_FROM },
	{ STR_INIT("date"),       HEADER_HAS_DATE },
	{ STR_INIT("message-id"), HEADER_HAS_MESSAGE_ID },
	{ STR_INIT("to"),         HEADER_HAS_TO },
	{ STR_INIT("subject"),    HEADER_HAS_SUBJECT },
	{ STR_INIT("sender"),     HEADER_HAS_SENDER },
	{ STR_INIT("cc"),         HEADER_HAS_CC },
	{ STR_INIT("reply-to"),   HEADER_HAS_REPLY_TO },
	{ STR_INIT("bcc"),        HEADER_HAS_BCC },
};
/* clang-format on */

void
header_scan_init(struct header_scan *s, unsigned hops_max)
{
	*s = (struct header_scan){ .state = START, .hops_max = hops_max };
}

static void
exceed(struct header_scan *s, enum header_verdict v)
{
	if (s->limit == HEADER_FINE)
		s->limit = v;
}

/* The colon: the name is complete. */
static void
end_name(struct header_scan *s)
{
	struct str name = str_n(s->name, s->name_n);

	if (str_eq(name, STR("received")) && ++s->hops > s->hops_max)
		exceed(s, HEADER_LOOP);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (!str_eq(name, known[i].name))
			continue;
		if (s->state == SPACE)
			s->bad_field = true;
		s->twice |= s->has & known[i].bit;
		s->has |= known[i].bit;
	}
}

static uint8_t
begin_line(struct header_scan *s, char c)
{
	if (c == '\n') {
		s->done = true;
		return START;
	}
	if (c == '\r')
		return START;
	if (chr_is_wsp(c))
		return VALUE;
	s->field_size = 0;
	s->name_n = 0;
	if (++s->fields > HEADER_FIELDS_MAX)
		exceed(s, HEADER_TOO_BIG);
	if (c <= ' ' || c > '~' || c == ':')
		return JUNK;
	s->name[s->name_n++] = chr_lower(c);
	return NAME;
}

static uint8_t
go_on_name(struct header_scan *s, char c)
{
	if (c == ':') {
		end_name(s);
		return VALUE;
	}
	if (chr_is_wsp(c))
		return SPACE;
	if (s->state == SPACE || c <= ' ' || c > '~')
		return JUNK;
	/* A longer name than any known keeps its length: it matches none. */
	if (s->name_n < sizeof(s->name))
		s->name[s->name_n++] = chr_lower(c);
	return NAME;
}

static void
octet(struct header_scan *s, char c)
{
	if ((unsigned char)c >= 0x80)
		s->eight = true;
	switch (s->state) {
	case START:
		s->state = begin_line(s, c);
		break;
	case NAME:
	case SPACE:
		s->state = c == '\n' ? (uint8_t)START : go_on_name(s, c);
		break;
	case VALUE:
	case JUNK:
		if (c == '\n')
			s->state = START;
		break;
	}
	if (++s->size > HEADER_MAX || ++s->field_size > HEADER_FIELD_MAX)
		exceed(s, HEADER_TOO_BIG);
}

void
header_scan_feed(struct header_scan *s, struct str text)
{
	for (size_t i = 0; i < text.n && !s->done; i++)
		octet(s, text.p[i]);
}

enum header_verdict
header_scan_verdict(const struct header_scan *s)
{
	if (s->limit != HEADER_FINE)
		return s->limit;
	if ((s->twice & HEADER_HAS_FROM) != 0)
		return HEADER_TWO_FROM;
	return s->bad_field ? HEADER_BAD_FIELD : HEADER_FINE;
}

enum header_verdict
header_judge(struct str msg, unsigned hops_max)
{
	struct header_scan s;

	header_scan_init(&s, hops_max);
	header_scan_feed(&s, msg);
	return header_scan_verdict(&s);
}

unsigned
header_refusal(enum header_verdict v, struct str *text)
{
	switch (v) {
	case HEADER_FINE:
		break;
	case HEADER_TOO_BIG:
		*text = STR("5.3.4 the header is too large");
		return 552;
	case HEADER_LOOP:
		*text = STR("5.4.6 the message is in a loop");
		return 554;
	case HEADER_TWO_FROM:
		*text = STR("5.6.0 a header field that may stand once stands "
			    "twice");
		return 550;
	case HEADER_BAD_FIELD:
		*text = STR("5.6.0 white space in a field name");
		return 550;
	}
	return 0;
}
