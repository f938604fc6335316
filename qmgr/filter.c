#include "qmgr/filter.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/num.h"
#include "conf/suggest.h"
#include "qmgr/lane.h"

/* part: anything may stand around it.  Goes back to the last star only:
 * linear in pattern times text. */
static bool
matches(struct str pattern, struct str s, bool part)
{
	size_t p = 0, i = 0, again = part ? 0 : SIZE_MAX, from = 0;

	while (i < s.n && !(part && p == pattern.n)) {
		if (p < pattern.n && pattern.p[p] == '*') {
			again = ++p;
			from = i;
		} else if (p < pattern.n && (pattern.p[p] == '?' ||
		        chr_lower(pattern.p[p]) == chr_lower(s.p[i]))) {
			p++;
			i++;
		} else if (again != SIZE_MAX) {
			p = again;
			i = ++from;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}

bool
glob_matches(struct str pattern, struct str s)
{
	return matches(pattern, s, false);
}

/* --- words ------------------------------------------------------------------ */

enum { SHOWN = 60 /* octets of a wrong word that are told */ };

static bool
wrong(struct filter_wrong *w, const char *fix, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* false */
static bool
wrong(struct filter_wrong *w, const char *fix, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->text, sizeof(w->text), fmt, ap);
	va_end(ap);
	w->fix = fix;
	return false;
}

struct unit {
	const char *name;
	uint64_t factor;
};

/* As in postern.conf, and what people write elsewhere. */
static const struct unit times[] = { { "ms", 1 }, { "s", 1000 },
	{ "min", 60000 }, { "m", 60000 }, { "h", 3600000 },
	{ "d", 86400000 }, { "w", 604800000 }, { NULL, 0 } };
static const struct unit sizes[] = { { "", 1 }, { "B", 1 },
	{ "KiB", 1 << 10 }, { "K", 1 << 10 }, { "KB", 1 << 10 },
	{ "MiB", 1 << 20 }, { "M", 1 << 20 }, { "MB", 1 << 20 },
	{ "GiB", 1 << 30 }, { "G", 1 << 30 }, { "GB", 1 << 30 }, { NULL, 0 } };

static bool
take_number(struct str s, const struct unit *units, int64_t *out)
{
	uint64_t v;

	if (!num_take_u64(&s, &v) || v > (uint64_t)1 << 32)
		return false;
	for (; units->name != NULL; units++)
		if (str_ieq(s, str_c(units->name))) {
			*out = (int64_t)(v * units->factor);
			return true;
		}
	return false;
}

/* "+N" at least, "-N" at most. */
static bool
parse_bound(
    struct str s, const struct unit *units, int64_t *least, int64_t *most)
{
	if (str_take_char(&s, '-'))
		return take_number(s, units, most);
	str_take_char(&s, '+');
	return take_number(s, units, least);
}

static bool
parse_status(struct filter *f, struct str v)
{
	static const struct {
		const char *name;
		unsigned bit;
	} names[] = { { "active", FILTER_ACTIVE },
		{ "deferred", FILTER_DEFERRED }, { "hold", FILTER_HOLD } };

	while (v.n != 0) {
		const struct str one = str_trim(str_take_until(&v, ','));
		const unsigned before = f->status;

		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (str_ieq(one, str_c(names[i].name)))
				f->status |= names[i].bit;
		if (f->status == before)
			return false;
	}
	return f->status != 0;
}

static bool
parse_age(struct filter *f, struct str v)
{
	return parse_bound(v, times, &f->age_least, &f->age_most);
}

static bool
parse_size(struct filter *f, struct str v)
{
	return parse_bound(v, sizes, &f->size_least, &f->size_most);
}

static bool
parse_limit(struct filter *f, struct str v)
{
	return num_u64(v, &f->limit);
}

/* A span back from now, or a time of the calendar in UTC. */
static bool
take_moment(struct str v, int64_t *ms)
{
	enum { EPOCH = 1970 - 1900 };
	struct tm tm = { 0 }, said;
	char text[32];
	const char *end;
	int64_t ago;

	if (take_number(v, times, &ago)) {
		*ms = clock_wall_ms() - ago;
		return true;
	}
	if (!str_copy(text, sizeof(text), v))
		return false;
	end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	if (end != NULL && *end == '.')
		end += 1 + strspn(end + 1, "0123456789");
	if (end == NULL || strcmp(end, "Z") != 0)
		return false;
	said = tm;
	*ms = (int64_t)timegm(&tm) * 1000;
	/* 2026-02-31 is no 3 March, and 26 no year of anybody's mail. */
	return tm.tm_mday == said.tm_mday && tm.tm_year >= EPOCH;
}

static bool
parse_since(struct filter *f, struct str v)
{
	return take_moment(v, &f->since);
}

static bool
parse_until(struct filter *f, struct str v)
{
	return take_moment(v, &f->until);
}

/* <> is the sender of reports; an address may stand in the brackets that it
 * has in SMTP. */
static struct str
unbracketed(struct str v)
{
	if (v.n >= 2 && v.p[0] == '<' && v.p[v.n - 1] == '>')
		return str_n(v.p + 1, v.n - 2);
	return v;
}

static bool
has_id(const struct filter *f, uint64_t id)
{
	for (size_t i = 0; i < f->nids; i++)
		if (f->ids[i] == id)
			return true;
	return false;
}

/* Each once. */
static bool
parse_id(struct filter *f, struct str v)
{
	uint64_t id;

	if (f->nids == FILTER_IDS_MAX || !id_parse(v, &id))
		return false;
	if (!has_id(f, id))
		f->ids[f->nids++] = id;
	return true;
}

#define MOMENT "write 2h (that long ago), 2026-11-29T20:00:00Z, or such a " \
	"time without Z for local time"

/* clang-format off */
#define TEXT(name, member)                                                     \
	{ name, offsetof(struct filter, member), NULL, "write a text; * in it is any, ? one character" }
static const struct option {
	const char *name;
	size_t text;     /* offset of the pattern, or */
	bool (*parse)(struct filter *f, struct str v);
	const char *fix; /* what its value looks like */
} options[] = {
	{ "--from", offsetof(struct filter, from), NULL, "write an address, or '<>' for the sender of reports" },
	TEXT("--to", to),
	TEXT("--domain", domain),
	TEXT("--client", client),
	TEXT("--login", login),
	TEXT("--reason", reason),
	{ "--status", 0, parse_status, "write active, deferred or hold, or some of them with commas" },
	{ "--age", 0, parse_age, "write +2h (at least) or -30min (at most); units: s, min, h, d, w" },
	{ "--since", 0, parse_since, MOMENT },
	{ "--until", 0, parse_until, MOMENT },
	{ "--size", 0, parse_size, "write +10KiB (at least) or -1MiB (at most); units: B, KiB, MiB, GiB" },
	{ "--limit", 0, parse_limit, "write a number of messages" },
	{ "--id", 0, parse_id, "ids are the 13 letters and digits that postern queue list shows" },
};
/* clang-format on */
enum { OPTIONS = sizeof(options) / sizeof(options[0]) };

static bool
unknown(struct str name, struct filter_wrong *w)
{
	/* Of single verbs, which have taken them with their values. */
	static const char *const verbs[] = { "--text", "--via", "--tls",
		"--by", "--dry-run", "--reset" };
	struct suggest s;

	suggest_init(&s, name);
	for (size_t i = 0; i < OPTIONS; i++)
		suggest_add(&s, options[i].name);
	suggest_add(&s, "--all");
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (str_eq(name, str_c(verbs[i])))
			return wrong(w, "", "%s lacks its value, or is of "
			    "another command", verbs[i]);
		suggest_add(&s, verbs[i]);
	}
	return wrong(w, "postern help shows what a FILTER may be",
	    "unknown option \"%.*s\"%s%s%s", STR_ARG(str_first(name, SHOWN)),
	    s.best != NULL ? "; did you mean \"" : "",
	    s.best != NULL ? s.best : "", s.best != NULL ? "\"?" : "");
}

static bool
parse_text(struct filter *f, const struct option *o, struct str value)
{
	struct str *text = (struct str *)(void *)((char *)f + o->text);

	*text = text == &f->from || text == &f->to ? unbracketed(value) : value;
	return text->n != 0 || text == &f->from;
}

/* All that is given has to hold: of two, one would be forgotten. */
static bool
parse_option(struct filter *f, const struct option *o, struct str value,
    struct filter_wrong *w)
{
	const unsigned bit = 1u << (o - options);

	if ((f->seen & bit) != 0 && o->parse != parse_id)
		return wrong(w, strcmp(o->name, "--status") == 0 ?
		    "--status deferred,hold" : "", "%s stands twice", o->name);
	f->seen |= bit;
	/* Of a shell's variable, say: it would be any message. */
	if (value.n == 0)
		return wrong(w, o->fix, "%s: its value is empty", o->name);
	if (o->parse == NULL)
		return parse_text(f, o, value) || wrong(w, o->fix,
		    "%s: \"<>\" is only a sender", o->name);
	if (!o->parse(f, value))
		return wrong(w, o->fix, "%s: \"%.*s\" is not understood",
		    o->name, STR_ARG(str_first(value, SHOWN)));
	return true;
}

/* Takes an option and its value, or an id, off the front of n words. */
static bool
parse_word(struct filter *f, const struct str **words, size_t *n,
    struct filter_wrong *w)
{
	const struct str word = *(*words)++;

	--*n;
	if (str_eq(word, STR("--all"))) {
		f->all = true;
		return true;
	}
	if (!str_starts(word, STR("-"))) {
		if (f->nids == FILTER_IDS_MAX)
			return wrong(w, "", "too many ids");
		return parse_id(f, word) || wrong(w, "ids are the 13 letters "
		    "and digits that postern queue list shows; addresses "
		    "stand behind --from or --to", "\"%.*s\" is no message id",
		    STR_ARG(str_first(word, SHOWN)));
	}
	for (const struct option *o = options; o < options + OPTIONS; o++) {
		if (!str_eq(word, str_c(o->name)))
			continue;
		if (*n == 0)
			return wrong(w, o->fix != NULL ? o->fix : "",
			    "%s lacks its value", o->name);
		--*n;
		return parse_option(f, o, *(*words)++, w);
	}
	return unknown(word, w);
}

bool
filter_parse(struct filter *f, const struct str *words, size_t n,
    struct filter_wrong *w)
{
	*f = (struct filter){ .age_least = -1, .age_most = -1,
		.since = INT64_MIN, .until = INT64_MAX, .size_least = -1,
		.size_most = -1, .limit = UINT64_MAX, .given = n != 0 };
	while (n != 0)
		if (!parse_word(f, &words, &n, w))
			return false;
	return true;
}

/* --- messages --------------------------------------------------------------- */

bool
message_is_out(const struct message *m)
{
	struct rcpt *r;

	if (m->nbusy == 0)
		return false;
	RCPT_FOREACH(r, (struct message *)(uintptr_t)m)
		if (r->state == RCPT_INFLIGHT)
			return true;
	return false;
}

unsigned
message_status(const struct message *m)
{
	if ((m->flags & MSG_HELD) != 0)
		return message_is_out(m) ? FILTER_HOLD | FILTER_ACTIVE :
		                           FILTER_HOLD;
	return m->nbusy != 0 || m->nreport == m->nleft ? FILTER_ACTIVE :
	                                                 FILTER_DEFERRED;
}

bool
filter_rcpt_matches(
    const struct filter *f, const struct rcpt *r, int64_t now)
{
	const struct str address = rcpt_address(r);

	if (r->state == RCPT_DONE)
		return false;
	if (f->to.p != NULL && !glob_matches(f->to, address))
		return false;
	if (f->domain.p != NULL && !glob_matches(f->domain,
	    str_from(address, str_rfind(address, '@') + 1)))
		return false;
	return f->reason.p == NULL ||
	    matches(f->reason, rcpt_words(r, now, true), true);
}

static bool
any_rcpt(const struct filter *f, const struct message *m, int64_t now)
{
	struct rcpt *r;

	if (f->to.p == NULL && f->domain.p == NULL && f->reason.p == NULL)
		return true;
	RCPT_FOREACH(r, (struct message *)(uintptr_t)m)
		if (filter_rcpt_matches(f, r, now))
			return true;
	return false;
}

bool
filter_matches(const struct filter *f, const struct message *m, int64_t now)
{
	const int64_t age = now - m->accepted;
	const int64_t size = (int64_t)(m->prefix + m->body);

	if (f->nids != 0 && !has_id(f, m->id))
		return false;
	if (f->status != 0 && (f->status & message_status(m)) == 0)
		return false;
	if ((f->age_least != -1 && age < f->age_least) ||
	    (f->age_most != -1 && age > f->age_most) ||
	    (f->size_least != -1 && size < f->size_least) ||
	    (f->size_most != -1 && size > f->size_most) ||
	    m->accepted_wall < f->since || m->accepted_wall > f->until)
		return false;
	if (f->from.p != NULL && !glob_matches(f->from, message_sender(m)))
		return false;
	if (f->client.p != NULL && !glob_matches(f->client, message_client(m)))
		return false;
	if (f->login.p != NULL && !glob_matches(f->login, message_login(m)))
		return false;
	return any_rcpt(f, m, now);
}

void
filter_missed(struct filter *f, uint64_t id)
{
	if (f->nmissing++ == 0)
		f->missing = id;
}

unsigned
filter_verdict(const struct filter *f, char text[FILTER_TEXT])
{
	char id[ID_TEXT + 1];

	text[0] = '\0';
	if (f->nmissing != 0) {
		id_text(f->missing, id);
		if (f->nids == 1)
			snprintf(text, FILTER_TEXT, "%s is not in the queue",
			    id);
		else
			snprintf(text, FILTER_TEXT, "%zu of %zu are not in "
			    "the queue: %s%s", f->nmissing, f->nids, id,
			    f->nmissing > 1 ? ", ..." : "");
	} else if (f->nids != 0 && f->matched == 0) {
		snprintf(text, FILTER_TEXT, "no messages match: %s in the "
		    "queue, but the rest of the filter does not fit",
		    f->nids == 1 ? "it is" : "they are");
	}
	return text[0] != '\0' ? 2 : 0;
}
