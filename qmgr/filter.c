#include "qmgr/filter.h"

#include "base/id.h"
#include "base/num.h"

/* Goes back to the last star only: linear in pattern times text. */
bool
glob_matches(struct str pattern, struct str s)
{
	size_t p = 0, i = 0, star = SIZE_MAX, from = 0;

	while (i < s.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			from = i;
		} else if (p < pattern.n && (pattern.p[p] == '?' ||
		        chr_lower(pattern.p[p]) == chr_lower(s.p[i]))) {
			p++;
			i++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			i = ++from;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit times[] = { { "ms", 1 }, { "s", 1000 }, { "", 1000 },
	{ "min", 60000 }, { "m", 60000 }, { "h", 3600000 },
	{ "d", 86400000 } };
static const struct unit sizes[] = { { "", 1 }, { "B", 1 }, { "K", 1024 },
	{ "KiB", 1024 }, { "M", 1048576 }, { "MiB", 1048576 },
	{ "G", 1073741824 }, { "GiB", 1073741824 } };

static bool
take_number(struct str s, const struct unit *units, size_t n, int64_t *out)
{
	uint64_t v;

	if (!num_take_u64(&s, &v) || v > (uint64_t)1 << 32)
		return false;
	for (size_t i = 0; i < n; i++)
		if (str_eq(s, str_c(units[i].name))) {
			*out = (int64_t)(v * units[i].factor);
			return true;
		}
	return false;
}

/* "+N" at least, "-N" at most. */
static bool
parse_bound(struct str s, const struct unit *units, size_t n, int64_t *least,
    int64_t *most)
{
	if (str_take_char(&s, '-'))
		return take_number(s, units, n, most);
	str_take_char(&s, '+');
	return take_number(s, units, n, least);
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
		const struct str one = str_take_until(&v, ',');
		const unsigned before = f->status;

		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (str_eq(one, str_c(names[i].name)))
				f->status |= names[i].bit;
		if (f->status == before)
			return false;
	}
	return f->status != 0;
}

static bool
parse_age(struct filter *f, struct str v)
{
	return parse_bound(v, times, sizeof(times) / sizeof(times[0]),
	    &f->age_least, &f->age_most);
}

static bool
parse_size(struct filter *f, struct str v)
{
	return parse_bound(v, sizes, sizeof(sizes) / sizeof(sizes[0]),
	    &f->size_least, &f->size_most);
}

static bool
parse_limit(struct filter *f, struct str v)
{
	return num_u64(v, &f->limit);
}

/* clang-format off */
#define TEXT(name, member)                                                     \
	{ name, offsetof(struct filter, member), NULL }
static const struct {
	const char *name;
	size_t text;  /* offset of the pattern, or */
	bool (*parse)(struct filter *f, struct str v);
} options[] = {
	TEXT("--from", from),
	TEXT("--to", to),
	TEXT("--domain", domain),
	TEXT("--login", login),
	TEXT("--reason", reason),
	{ "--status", 0, parse_status },
	{ "--age", 0, parse_age },
	{ "--size", 0, parse_size },
	{ "--limit", 0, parse_limit },
};
/* clang-format on */

static const char *
parse_option(struct filter *f, struct str name, struct str value)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (!str_eq(name, str_c(options[i].name)))
			continue;
		if (options[i].parse != NULL)
			return options[i].parse(f, value) ?
			    NULL : "an option's value is malformed";
		*(struct str *)(void *)((char *)f + options[i].text) = value;
		return NULL;
	}
	return "unknown option";
}

const char *
filter_parse(struct filter *f, const struct str *words, size_t n)
{
	*f = (struct filter){ .age_least = -1, .age_most = -1,
		.size_least = -1, .size_most = -1, .limit = UINT64_MAX,
		.given = n != 0 };
	for (size_t i = 0; i < n; i++) {
		const char *wrong;

		if (str_eq(words[i], STR("--all"))) {
			f->all = true;
		} else if (str_starts(words[i], STR("--"))) {
			if (i + 1 == n)
				return "an option lacks its value";
			wrong = parse_option(f, words[i], words[i + 1]);
			if (wrong != NULL)
				return wrong;
			i++;
		} else if (f->nids == FILTER_IDS_MAX ||
		    !id_parse(words[i], &f->ids[f->nids++])) {
			return "not a message id";
		}
	}
	return NULL;
}

unsigned
message_status(const struct message *m)
{
	if ((m->flags & MSG_HELD) != 0)
		return FILTER_HOLD;
	return m->nbusy != 0 || m->nreport == m->nleft ? FILTER_ACTIVE :
	                                                 FILTER_DEFERRED;
}

bool
filter_rcpt_matches(const struct filter *f, const struct rcpt *r)
{
	const struct str address = rcpt_address(r);
	const struct str domain =
	    str_from(address, str_rfind(address, '@') + 1);

	if (r->state == RCPT_DONE)
		return false;
	if (f->to.p != NULL && !glob_matches(f->to, address))
		return false;
	if (f->domain.p != NULL && !glob_matches(f->domain, domain))
		return false;
	return f->reason.p == NULL || (r->reason != NULL &&
	    str_find_str(r->reason->text, f->reason) < r->reason->text.n);
}

static bool
any_rcpt(const struct filter *f, const struct message *m)
{
	struct rcpt *r;

	if (f->to.p == NULL && f->domain.p == NULL && f->reason.p == NULL)
		return true;
	RCPT_FOREACH(r, (struct message *)(uintptr_t)m)
		if (filter_rcpt_matches(f, r))
			return true;
	return false;
}

static bool
has_id(const struct filter *f, uint64_t id)
{
	for (size_t i = 0; i < f->nids; i++)
		if (f->ids[i] == id)
			return true;
	return f->nids == 0;
}

bool
filter_matches(const struct filter *f, const struct message *m, int64_t now)
{
	const int64_t age = now - m->accepted;
	const int64_t size = (int64_t)(m->prefix + m->body);

	if (!has_id(f, m->id))
		return false;
	if (f->status != 0 && (f->status & message_status(m)) == 0)
		return false;
	if ((f->age_least != -1 && age < f->age_least) ||
	    (f->age_most != -1 && age > f->age_most) ||
	    (f->size_least != -1 && size < f->size_least) ||
	    (f->size_most != -1 && size > f->size_most))
		return false;
	if (f->from.p != NULL && !glob_matches(f->from, message_sender(m)))
		return false;
	if (f->login.p != NULL && !glob_matches(f->login, message_login(m)))
		return false;
	return any_rcpt(f, m);
}
