#include "conf/value.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/num.h"
#include "conf/suggest.h"

struct unit {
	const char *name;
	uint64_t of;
};
static const struct unit times[] = { { "ms", 1 }, { "s", 1000 },
	{ "min", 60000 }, { "h", 3600000 }, { "d", 86400000 },
	{ "w", 604800000 }, { NULL, 0 } };
static const struct unit sizes[] = { { "B", 1 }, { "KiB", 1024 },
	{ "MiB", 1 << 20 }, { "GiB", 1 << 30 }, { "TiB", 1ull << 40 },
	{ NULL, 0 } };

/* What people write elsewhere, and what it is here. */
static const struct {
	const char *theirs, *ours;
} habits[] = {
	{ "sec", "s" }, { "secs", "s" }, { "second", "s" }, { "seconds", "s" },
	{ "m", "min" }, { "mins", "min" }, { "minute", "min" },
	{ "minutes", "min" }, { "hr", "h" }, { "hrs", "h" }, { "hour", "h" },
	{ "hours", "h" }, { "day", "d" }, { "days", "d" }, { "dayz", "d" },
	{ "week", "w" }, { "weeks", "w" }, { "msec", "ms" }, { "D", "d" },
	{ "b", "B" }, { "byte", "B" }, { "bytes", "B" }, { "octets", "B" },
	{ "k", "KiB" }, { "K", "KiB" }, { "kb", "KiB" }, { "kB", "KiB" },
	{ "KB", "KiB" }, { "M", "MiB" }, { "MB", "MiB" }, { "mb", "MiB" },
	{ "G", "GiB" }, { "g", "GiB" }, { "GB", "GiB" }, { "gb", "GiB" },
	{ "T", "TiB" }, { "TB", "TiB" },
	{ "true", "yes" }, { "on", "yes" }, { "1", "yes" }, { "enable", "yes" },
	{ "enabled", "yes" }, { "y", "yes" }, { "false", "no" },
	{ "off", "no" }, { "0", "no" }, { "n", "no" }, { "disable", "no" },
	{ "disabled", "no" }, { "never", "no" },
};

void
value_wrong(struct value_why *why, const char *fix, const char *fmt, ...)
{
	va_list ap;

	if (why == NULL)
		return;
	va_start(ap, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	snprintf(why->fix, sizeof(why->fix), "%s", fix != NULL ? fix : "");
}

static const char *
habit(struct str text)
{
	for (size_t i = 0; i < sizeof(habits) / sizeof(habits[0]); i++)
		if (str_eq(str_c(habits[i].theirs), text))
			return habits[i].ours;
	return NULL;
}

/* "ms, s, min, h, d, w" */
static const char *
unit_list(const struct unit *units, char out[64])
{
	size_t n = 0;

	for (size_t i = 0; units[i].name != NULL; i++)
		n += (size_t)snprintf(out + n, 64 - n, "%s%s",
		    i > 0 ? ", " : "", units[i].name);
	return out;
}

static const struct unit *
find_unit(const struct unit *units, struct str name)
{
	for (; units->name != NULL; units++)
		if (str_eq(str_c(units->name), name))
			return units;
	return NULL;
}

/* The unit that was meant, or NULL. */
static const char *
meant_unit(const struct unit *units, struct str name)
{
	const char *h = habit(name);
	struct suggest s;

	if (h != NULL && find_unit(units, str_c(h)) != NULL)
		return h;
	suggest_init(&s, name);
	for (; units->name != NULL; units++) {
		if (str_ieq(str_c(units->name), name))
			return units->name;
		suggest_add(&s, units->name);
	}
	return s.best;
}

static bool
wrong_unit(const struct unit *units, struct str number, struct str unit,
    struct value_why *why)
{
	const char *meant = meant_unit(units, unit);
	char list[64], fix[64];

	snprintf(fix, sizeof(fix), "%.*s%s", STR_ARG(str_first(number, 40)),
	    meant != NULL ? meant : "");
	if (unit.n == 0)
		value_wrong(why, NULL, "%.*s has no unit; use %s",
		    STR_ARG(number), unit_list(units, list));
	else
		value_wrong(why, meant != NULL ? fix : NULL,
		    "unknown unit \"%.*s\"; use %s",
		    STR_ARG(str_first(unit, 40)), unit_list(units, list));
	return false;
}

/* Digits and a unit: the product in *out. */
static bool
take_units(const struct unit *units, struct str text, uint64_t *out,
    struct value_why *why)
{
	struct str rest = text, number;
	const struct unit *u;
	uint64_t n;

	if (!num_take_u64(&rest, &n)) {
		char list[64];

		value_wrong(why, NULL, "\"%.*s\" is not a number with a unit "
		    "(%s)", STR_ARG(str_first(text, 60)),
		    unit_list(units, list));
		return false;
	}
	number = str_first(text, text.n - rest.n);
	if ((u = find_unit(units, str_trim(rest))) == NULL)
		return wrong_unit(units, number, str_trim(rest), why);
	if (rest.n != 0 && chr_is_wsp(rest.p[0])) {
		char fix[64];

		snprintf(fix, sizeof(fix), "%.*s%s",
		    STR_ARG(str_first(number, 40)), u->name);
		value_wrong(why, fix, "no space between number and unit");
		return false;
	}
	if (__builtin_mul_overflow(n, u->of, out) || *out > INT64_MAX) {
		value_wrong(why, NULL, "%.*s is too much", STR_ARG(text));
		return false;
	}
	return true;
}

static bool
parse_number(struct str text, uint64_t *out, struct value_why *why)
{
	if (num_u64(text, out))
		return true;
	value_wrong(why, NULL, "\"%.*s\" is not a number",
	    STR_ARG(str_first(text, 60)));
	return false;
}

static bool
parse_percent(struct str text, uint64_t *out, struct value_why *why)
{
	struct str rest = text;
	char fix[32];

	if (num_take_u64(&rest, out) && str_eq(rest, STR("%")))
		return true;
	snprintf(fix, sizeof(fix), "%llu%%", (unsigned long long)*out);
	value_wrong(why, rest.n < text.n ? fix : NULL,
	    "\"%.*s\" is not a percentage such as 2%%",
	    STR_ARG(str_first(text, 60)));
	return false;
}

/* N/unit or N/Munit */
static bool
parse_rate(struct str text, struct value *out, struct value_why *why)
{
	struct str rest = text;
	const struct unit *u;
	uint64_t per = 1;

	if (!num_take_u64(&rest, &out->n) || !str_take_char(&rest, '/')) {
		value_wrong(why, NULL, "\"%.*s\" is not a rate such as 60/min "
		    "or 10/5min", STR_ARG(str_first(text, 60)));
		return false;
	}
	(void)num_take_u64(&rest, &per);
	if ((u = find_unit(times, rest)) == NULL)
		return wrong_unit(times, str_first(text, text.n - rest.n),
		    rest, why);
	if (per == 0 || per > 1000000) {
		value_wrong(why, NULL, "%.*s is no time", STR_ARG(text));
		return false;
	}
	out->per_ms = (int64_t)(per * u->of);
	return true;
}

static bool
parse_bool(struct str text, uint64_t *out, struct value_why *why)
{
	struct suggest s;

	*out = str_eq(text, STR("yes"));
	if (*out != 0 || str_eq(text, STR("no")))
		return true;
	suggest_init(&s, text);
	suggest_add(&s, "yes");
	suggest_add(&s, "no");
	value_wrong(why, habit(text) != NULL ? habit(text) : s.best,
	    "\"%.*s\" is neither yes nor no", STR_ARG(str_first(text, 60)));
	return false;
}

static bool
parse_choice(const struct conf_key *key, struct str text, uint64_t *out,
    struct value_why *why)
{
	struct suggest s;
	char list[160];
	size_t n = 0;

	suggest_init(&s, text);
	for (size_t i = 0; key->choices[i] != NULL; i++) {
		if (str_eq(text, str_c(key->choices[i]))) {
			*out = i;
			return true;
		}
		suggest_add(&s, key->choices[i]);
		n += (size_t)snprintf(list + n, sizeof(list) - n, "%s%s",
		    i > 0 ? ", " : "", key->choices[i]);
	}
	value_wrong(why, s.best, "\"%.*s\" is not one of %s",
	    STR_ARG(str_first(text, 60)), list);
	return false;
}

static bool
in_bounds(const struct conf_key *key, const struct value *v,
    struct value_why *why)
{
	static const char *const units[] = { [CONF_SIZE] = " octets",
		[CONF_TIME] = " ms", [CONF_PERCENT] = "%", [CONF_RATE] = "" };
	const char *unit = key->type <= CONF_RATE && units[key->type] != NULL ?
	    units[key->type] : "";

	if (v->n < key->min)
		value_wrong(why, key->flags & CONF_NONE ? "none" : NULL,
		    "too small; at least %llu%s",
		    (unsigned long long)key->min, unit);
	else if (key->max != 0 && v->n > key->max)
		value_wrong(why, NULL, "too large; at most %llu%s",
		    (unsigned long long)key->max, unit);
	else
		return true;
	return false;
}

bool
value_parse(const struct conf_key *key, struct str text, struct value *out,
    struct value_why *why)
{
	*out = (struct value){ .s = text };
	if (((key->flags & CONF_NONE) != 0 && str_eq(text, STR("none"))) ||
	    ((key->flags & CONF_NO) != 0 && str_eq(text, STR("no")))) {
		out->s = STR("");
		return true;
	}
	switch (key->type) {
	case CONF_BOOL:
		return parse_bool(text, &out->n, why);
	case CONF_CHOICE:
		return parse_choice(key, text, &out->n, why);
	case CONF_NUMBER:
		return parse_number(text, &out->n, why) &&
		    in_bounds(key, out, why);
	case CONF_SIZE:
		return take_units(sizes, text, &out->n, why) &&
		    in_bounds(key, out, why);
	case CONF_TIME:
		return take_units(times, text, &out->n, why) &&
		    in_bounds(key, out, why);
	case CONF_PERCENT:
		return parse_percent(text, &out->n, why) &&
		    in_bounds(key, out, why);
	case CONF_RATE:
		return parse_rate(text, out, why) && in_bounds(key, out, why);
	case CONF_STRING:
	case CONF_HOST:
	case CONF_DOMAIN:
	case CONF_ADDRESS:
	case CONF_NETWORK:
	case CONF_IPPORT:
	case CONF_PATH:
		return value_text(key, text, why);
	}
	return false;
}
