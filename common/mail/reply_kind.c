#include "mail/reply_kind.h"

#include <stdbool.h>

enum {
	WORDS_MAX = 600,      /* octets of a reply that are looked at */
	WAIT_MAX = 24 * 3600  /* s; more is not believed */
};

/*
 * The first row whose parts all hold is the answer.  An empty status or word
 * holds always; a status ends at a dot or is whole.  Words are lower case.
 */
/* clang-format off */
static const struct row {
	uint16_t least, most; /* codes */
	struct str status;
	struct str word;
	enum reply_kind kind;
} rows[] = {
	/* The greylists say so themselves, whatever their code. */
	{ 400, 499, STR_INIT(""),      STR_INIT("greylist"),            REPLY_GREY },
	{ 400, 499, STR_INIT(""),      STR_INIT("graylist"),            REPLY_GREY },
	{ 400, 499, STR_INIT(""),      STR_INIT("grey list"),           REPLY_GREY },
	{ 400, 499, STR_INIT(""),      STR_INIT("gray list"),           REPLY_GREY },
	{ 400, 499, STR_INIT(""),      STR_INIT("grey-list"),           REPLY_GREY },
	{ 400, 499, STR_INIT(""),      STR_INIT("gray-list"),           REPLY_GREY },
	/* One recipient who gets too much is no matter of the whole site. */
	{ 400, 499, STR_INIT("4.2.1"), STR_INIT(" rate"),               REPLY_FULL },
	{ 400, 499, STR_INIT("4.2.1"), STR_INIT("too quickly"),         REPLY_FULL },
	{ 400, 499, STR_INIT("4.2.2"), STR_INIT(""),                    REPLY_FULL },
	{ 450, 452, STR_INIT(""),      STR_INIT("over quota"),          REPLY_FULL },
	{ 450, 452, STR_INIT(""),      STR_INIT("quota exceeded"),      REPLY_FULL },
	{ 450, 452, STR_INIT(""),      STR_INIT("mailbox full"),        REPLY_FULL },
	{ 450, 452, STR_INIT(""),      STR_INIT("mailbox is full"),     REPLY_FULL },
	/* RFC 5321 4.5.3.1.10: the rest may follow at once. */
	{ 452, 452, STR_INIT("4.5.3"), STR_INIT(""),                    REPLY_GREY },
	{ 452, 452, STR_INIT(""),      STR_INIT("too many recipients"), REPLY_GREY },
	/* Ours: no connection, or it broke; theirs: a timeout. */
	{ 400, 499, STR_INIT("4.4.1"), STR_INIT(""),                    REPLY_DOWN },
	{ 400, 499, STR_INIT("4.4.2"), STR_INIT(""),                    REPLY_DOWN },
	/* The server is short of something, or has had enough of us. */
	{ 421, 421, STR_INIT(""),      STR_INIT(""),                    REPLY_SLOW },
	{ 400, 499, STR_INIT("4.3.1"), STR_INIT(""),                    REPLY_SLOW },
	{ 400, 499, STR_INIT("4.3.2"), STR_INIT(""),                    REPLY_SLOW },
	{ 400, 499, STR_INIT("4.4.5"), STR_INIT(""),                    REPLY_SLOW },
	{ 400, 499, STR_INIT("4.7.28"), STR_INIT(""),                   REPLY_SLOW },
	{ 400, 499, STR_INIT(""),      STR_INIT("slow down"),           REPLY_SLOW },
	{ 400, 499, STR_INIT(""),      STR_INIT("throttl"),             REPLY_SLOW },
	{ 400, 499, STR_INIT(""),      STR_INIT("rate limit"),          REPLY_SLOW },
	{ 400, 499, STR_INIT(""),      STR_INIT("ratelimit"),           REPLY_SLOW },
	{ 400, 499, STR_INIT(""),      STR_INIT("too many connections"), REPLY_SLOW },
	{ 400, 499, STR_INIT(""),      STR_INIT("too many messages"),   REPLY_SLOW },
	{ 400, 499, STR_INIT(""),      STR_INIT("too many concurrent"), REPLY_SLOW },
	{ 400, 499, STR_INIT("4.7"),   STR_INIT(" rate"),               REPLY_SLOW },
	{ 400, 499, STR_INIT("4.7"),   STR_INIT("limit"),               REPLY_SLOW },
	{ 400, 499, STR_INIT("4.7"),   STR_INIT("too many"),            REPLY_SLOW },
	{ 400, 499, STR_INIT("4.7"),   STR_INIT("too much"),            REPLY_SLOW },
	{ 400, 499, STR_INIT("4.7"),   STR_INIT("unusual"),             REPLY_SLOW },
	/* Greylists that do not say so. */
	{ 450, 451, STR_INIT("4.2.0"), STR_INIT(""),                    REPLY_GREY },
	{ 450, 451, STR_INIT("4.7.1"), STR_INIT("try again"),           REPLY_GREY },
	{ 450, 451, STR_INIT("4.7.1"), STR_INIT("later"),               REPLY_GREY },
	{ 450, 451, STR_INIT("4.7.1"), STR_INIT("come back"),           REPLY_GREY },
	/* RFC 5321 4.2.3: 452 is want of room, when nothing else is said. */
	{ 452, 452, STR_INIT(""),      STR_INIT(""),                    REPLY_FULL },
};
/* clang-format on */

static bool
has_status(struct str status, struct str wanted)
{
	return wanted.n == 0 || (str_starts(status, wanted) &&
	    (status.n == wanted.n || status.p[wanted.n] == '.'));
}

static bool
has_word(struct str words, struct str wanted)
{
	return wanted.n == 0 || str_find_str(words, wanted) < words.n;
}

/* --- a time that is named ------------------------------------------------ */

static uint32_t
take_number(struct str *s)
{
	uint32_t n = 0;

	while (s->n != 0 && chr_is_digit(s->p[0])) {
		if (n < WAIT_MAX * 10)
			n = n * 10 + (uint32_t)(s->p[0] - '0');
		str_take(s, 1);
	}
	return n;
}

/* Behind a number: how many seconds one is; 0: it is no time. */
static uint32_t
unit_of(struct str s)
{
	static const struct {
		struct str word;
		uint32_t seconds;
	} units[] = {
		{ STR_INIT("second"), 1 }, { STR_INIT("sec"), 1 },
		{ STR_INIT("s"), 1 }, { STR_INIT("minute"), 60 },
		{ STR_INIT("min"), 60 }, { STR_INIT("m"), 60 },
		{ STR_INIT("hour"), 3600 }, { STR_INIT("hr"), 3600 },
		{ STR_INIT("h"), 3600 },
	};

	while (s.n != 0 && (s.p[0] == ' ' || s.p[0] == '-'))
		str_take(&s, 1);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		struct str rest = s;

		if (!str_take_prefix(&rest, units[i].word))
			continue;
		str_take_char(&rest, 's');
		if (rest.n == 0 || !chr_is_alnum(rest.p[0]))
			return units[i].seconds;
	}
	return 0;
}

/* "5 minutes", "300s", "00:04:59", "4:59"; 0: none of these. */
static uint32_t
time_of(struct str s)
{
	uint64_t n = take_number(&s); /* three of them fit */
	uint32_t unit = unit_of(s);
	unsigned colons = 0;

	while (unit == 0 && colons < 2 && s.n > 1 && s.p[0] == ':' &&
	    chr_is_digit(s.p[1])) {
		str_take(&s, 1);
		n = n * 60 + take_number(&s);
		colons++;
	}
	if (colons != 0)
		unit = 1;
	return n * unit <= WAIT_MAX ? (uint32_t)(n * unit) : 0;
}

/* The time behind "in", "after" ...: other numbers are no promises. */
static uint32_t
named_wait(struct str words)
{
	static const struct str before[] = { STR_INIT("in"),
		STR_INIT("after"), STR_INIT("for"), STR_INIT("least"),
		STR_INIT("wait"), STR_INIT("another"), STR_INIT("about") };
	struct str last = STR_NONE;

	while (words.n != 0) {
		const struct str rest = words;
		const struct str word = str_take_word(&words);

		for (size_t i = 0; word.n != 0 && chr_is_digit(word.p[0]) &&
		    i < sizeof(before) / sizeof(before[0]); i++)
			if (str_eq(last, before[i]))
				return time_of(rest);
		last = word;
	}
	return 0;
}

struct reply_hint
reply_hint(uint32_t code, struct str status, struct str text)
{
	struct reply_hint hint = { REPLY_USUAL, 0 };
	char lower[WORDS_MAX];
	const size_t n = text.n < WORDS_MAX ? text.n : WORDS_MAX;
	struct str words;

	if (code < 400 || code > 499)
		return hint;
	for (size_t i = 0; i < n; i++)
		lower[i] = text.p[i] == '\n' ? ' ' : chr_lower(text.p[i]);
	words = (struct str){ lower, n };
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (code >= rows[i].least && code <= rows[i].most &&
		    has_status(status, rows[i].status) &&
		    has_word(words, rows[i].word)) {
			hint.kind = rows[i].kind;
			break;
		}
	if (hint.kind != REPLY_DOWN)
		hint.wait = named_wait(words);
	if (hint.kind == REPLY_USUAL && hint.wait != 0)
		hint.kind = REPLY_GREY;
	return hint;
}
