#include "mail/date.h"

#include <time.h>

#include "base/clock.h"
#include "base/num.h"

enum { DAY = 86400, ZONE_MAX = 99 * 60 + 59 };

static const char months[12][4] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
	"Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
static const char days[7][4] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri",
	"Sat" };

/* The fields of one date on the writer's own calendar and clock. */
struct fields {
	uint32_t year, month, day; /* month 0..11 */
	uint32_t hour, minute, second;
	int zone;
};

/* Days since 1970 in the proleptic Gregorian calendar; the year is taken to
 * begin in March, so that the leap day is its last. */
static int64_t
days_of(uint32_t year, uint32_t month, uint32_t day)
{
	int64_t y = (int64_t)year - (month < 2);
	int64_t era = y / 400, in_era = y % 400;
	int64_t m = (month + 10) % 12;

	return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 +
	    (153 * m + 2) / 5 + day - 1 - 719468;
}

static void
civil_of(int64_t n, struct fields *f)
{
	int64_t era, in_era, year, in_year, m;

	n += 719468;
	era = n / 146097;
	in_era = n % 146097;
	year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) /
	    365;
	in_year = in_era - (365 * year + year / 4 - year / 100);
	m = (5 * in_year + 2) / 153;
	f->day = (uint32_t)(in_year - (153 * m + 2) / 5 + 1);
	f->month = (uint32_t)((m + 2) % 12);
	f->year = (uint32_t)(year + era * 400 + (f->month < 2));
}

static bool
day_ok(const struct fields *f)
{
	static const uint8_t longest[12] = { 31, 29, 31, 30, 31, 30, 31, 31,
		30, 31, 30, 31 };
	bool leap = f->year % 4 == 0 &&
	    (f->year % 100 != 0 || f->year % 400 == 0);

	return f->year >= 1 && f->year <= 9999 && f->month < 12 &&
	    f->day >= 1 && f->day <= longest[f->month] &&
	    (f->month != 1 || f->day <= 28 || leap);
}

static bool
finish(const struct fields *f, struct date *out)
{
	if (!day_ok(f) || f->hour > 23 || f->minute > 59 || f->second > 60)
		return false;
	out->zone = f->zone;
	out->time = days_of(f->year, f->month, f->day) * DAY +
	    (int64_t)f->hour * 3600 + (int64_t)f->minute * 60 + f->second -
	    (int64_t)f->zone * 60;
	return true;
}

static bool
take_month(struct str *s, uint32_t *month)
{
	for (uint32_t m = 0; m < 12; m++) {
		if (str_take_iprefix(s, str_n(months[m], 3))) {
			*month = m;
			return true;
		}
	}
	return false;
}

/* ( "+" / "-" ) 4DIGIT */
static bool
take_offset(struct str *s, int *zone)
{
	uint32_t v;
	bool east = str_starts(*s, STR("+"));

	if ((!east && !str_starts(*s, STR("-"))) || s->n < 5 ||
	    !num_u32(str_first(str_from(*s, 1), 4), &v) || v % 100 > 59)
		return false;
	*zone = (int)(v / 100 * 60 + v % 100) * (east ? 1 : -1);
	*s = str_from(*s, 5);
	return true;
}

/* [FWS] and comments, however deep. */
static void
skip_cfws(struct str *s)
{
	size_t depth = 0;

	for (; s->n != 0; *s = str_from(*s, 1)) {
		char c = *s->p;

		if (c == '(') {
			depth++;
		} else if (c == ')' && depth > 0) {
			depth--;
		} else if (depth > 0) {
			if (c == '\\')
				*s = str_from(*s, 1);
			if (s->n == 0)
				return;
		} else if (!chr_is_wsp(c) && c != '\r' && c != '\n') {
			return;
		}
	}
}

/* obs-zone of RFC 5322 4.3; other letters mean nothing known: UTC. */
static int
named_zone(struct str word)
{
	static const struct {
		struct str name;
		int hours;
	} zones[] = {
		{ STR_INIT("EDT"), -4 }, { STR_INIT("EST"), -5 },
		{ STR_INIT("CDT"), -5 }, { STR_INIT("CST"), -6 },
		{ STR_INIT("MDT"), -6 }, { STR_INIT("MST"), -7 },
		{ STR_INIT("PDT"), -7 }, { STR_INIT("PST"), -8 },
	};

	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		if (str_ieq(word, zones[i].name))
			return zones[i].hours * 60;
	return 0;
}

static struct str
take_letters(struct str *s)
{
	size_t n = 0;

	while (n < s->n && chr_is_alpha(s->p[n]))
		n++;
	return str_take(s, n);
}

/* year = 4*DIGIT; two digits are 1950..2049, three count from 1900 */
static bool
take_year(struct str *s, uint32_t *year)
{
	size_t before = s->n, digits;

	if (!num_take_u32(s, year))
		return false;
	digits = before - s->n;
	if (digits == 2)
		*year += *year < 50 ? 2000 : 1900;
	else if (digits == 3)
		*year += 1900;
	return digits >= 2;
}

/* time-of-day = hour ":" minute [ ":" second ], CFWS between */
static bool
take_clock(struct str *s, struct fields *f)
{
	if (!num_take_u32(s, &f->hour))
		return false;
	skip_cfws(s);
	if (!str_take_char(s, ':'))
		return false;
	skip_cfws(s);
	if (!num_take_u32(s, &f->minute))
		return false;
	skip_cfws(s);
	if (!str_take_char(s, ':'))
		return true;
	skip_cfws(s);
	return num_take_u32(s, &f->second);
}

bool
date_parse(struct str text, struct date *out)
{
	struct fields f = { 0 };
	struct str s = text;

	skip_cfws(&s);
	if (take_letters(&s).n != 0) {
		skip_cfws(&s);
		str_take_char(&s, ',');
		skip_cfws(&s);
	}
	if (!num_take_u32(&s, &f.day))
		return false;
	skip_cfws(&s);
	if (!take_month(&s, &f.month))
		return false;
	take_letters(&s); /* "November" */
	skip_cfws(&s);
	if (!take_year(&s, &f.year))
		return false;
	skip_cfws(&s);
	if (!take_clock(&s, &f))
		return false;
	skip_cfws(&s);
	if (!take_offset(&s, &f.zone))
		f.zone = named_zone(take_letters(&s));
	return finish(&f, out);
}

static void
split(const struct date *d, struct fields *f, int64_t *day)
{
	int64_t local = d->time + (int64_t)d->zone * 60;
	int64_t in_day = local % DAY;

	if (in_day < 0)
		in_day += DAY;
	*day = (local - in_day) / DAY;
	civil_of(*day, f);
	f->hour = (uint32_t)(in_day / 3600);
	f->minute = (uint32_t)(in_day / 60 % 60);
	f->second = (uint32_t)(in_day % 60);
	f->zone = d->zone;
}

static unsigned
zone_digits(int zone)
{
	unsigned z = (unsigned)(zone < 0 ? -zone : zone);

	return z / 60 * 100 + z % 60;
}

bool
date_format(struct buf *out, const struct date *d)
{
	struct fields f;
	int64_t day;

	split(d, &f, &day);
	return buf_addf(out, "%s, %u %s %04u %02u:%02u:%02u %c%04u",
	    days[((day + 4) % 7 + 7) % 7], f.day, months[f.month], f.year,
	    f.hour, f.minute, f.second, d->zone < 0 ? '-' : '+',
	    zone_digits(d->zone));
}

/* date-day "-" date-month "-" date-year */
static bool
take_imap_day(struct str *s, struct fields *f)
{
	str_take_char(s, ' ');
	return num_take_u32(s, &f->day) && str_take_char(s, '-') &&
	    take_month(s, &f->month) && str_take_char(s, '-') &&
	    s->n >= 4 && num_u32(str_take(s, 4), &f->year) && day_ok(f);
}

bool
date_parse_imap(struct str text, struct date *out)
{
	struct fields f = { 0 };

	return take_imap_day(&text, &f) && str_take_char(&text, ' ') &&
	    num_take_u32(&text, &f.hour) && str_take_char(&text, ':') &&
	    num_take_u32(&text, &f.minute) && str_take_char(&text, ':') &&
	    num_take_u32(&text, &f.second) && str_take_char(&text, ' ') &&
	    take_offset(&text, &f.zone) && text.n == 0 && finish(&f, out);
}

bool
date_format_imap(struct buf *out, const struct date *d)
{
	struct fields f;
	int64_t day;

	split(d, &f, &day);
	return buf_addf(out, "%2u-%s-%04u %02u:%02u:%02u %c%04u", f.day,
	    months[f.month], f.year, f.hour, f.minute, f.second,
	    d->zone < 0 ? '-' : '+', zone_digits(d->zone));
}

bool
date_parse_day(struct str text, int64_t *day)
{
	struct fields f = { 0 };

	if (!take_imap_day(&text, &f) || text.n != 0)
		return false;
	*day = days_of(f.year, f.month, f.day);
	return true;
}

int64_t
date_day(const struct date *d)
{
	struct fields f;
	int64_t day;

	split(d, &f, &day);
	return day;
}

void
date_prepare(void)
{
	tzset();
}

void
date_local(int64_t t, struct date *out)
{
	time_t when = (time_t)t;
	struct tm tm;

	out->time = t;
	out->zone = 0;
	if (localtime_r(&when, &tm) != NULL &&
	    tm.tm_gmtoff / 60 >= -ZONE_MAX && tm.tm_gmtoff / 60 <= ZONE_MAX)
		out->zone = (int)(tm.tm_gmtoff / 60);
}

void
date_now(struct date *out)
{
	date_local(clock_wall(), out);
}
