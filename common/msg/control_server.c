#include "msg/control_server.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "base/json.h"
#include "base/num.h"
#include "proc/roles.h"

enum {
	ROWS_FRAME = 32 * 1024 /* octets of rows at which to send them */
};

static void
ask_free(struct control_ask *a)
{
	if (a->own_free != NULL && a->own != NULL)
		a->own_free(a->own);
	timer_clear(&a->again);
	timer_clear(&a->alive);
	link_free(a->link);
	buf_clear(&a->text);
	buf_clear(&a->rows);
	free(a);
}

static void
send_rows(struct control_ask *a)
{
	struct str rows = buf_str(&a->rows);

	while (rows.n != 0)
		link_send_raw(a->link, MSG_CONTROL_ROWS, 0,
		    str_take(&rows, LINK_BODY_MAX));
	buf_reset(&a->rows);
}

struct buf *
control_row(struct control_ask *a)
{
	if (buf_len(&a->rows) > ROWS_FRAME)
		send_rows(a);
	json_open(&a->rows);
	return &a->rows;
}

void
control_row_end(struct control_ask *a)
{
	json_close(&a->rows);
	buf_add_char(&a->rows, '\n');
}

void
control_end(
    struct control_ask *a, unsigned exit, const char *text, const char *fix)
{
	struct msg_control_end e = { exit,
		str_first(str_c(text), CONTROL_TEXT_MAX),
		str_first(str_c(fix), CONTROL_TEXT_MAX) };

	if (a->ended)
		return;
	a->ended = true;
	timer_cancel(&a->alive);
	send_rows(a);
	link_send(a->link, MSG_CONTROL_END, 0, &msg_control_end_wire, &e);
}

void
control_endf(struct control_ask *a, unsigned exit, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	control_end(a, exit, text, "");
}

static void
run_more(void *arg)
{
	struct control_ask *a = arg;

	if (a->ended || a->more == NULL)
		return;
	if (link_pending(a->link) > LINK_WINDOW)
		return; /* on_drained goes on */
	a->pause = 0;
	if (!a->more(a->arg, a))
		a->more = NULL;
	else
		timer_set(&a->again, a->pause); /* others have their turn */
}

/* Not at once: who reads as fast as we write would have the whole loop. */
static void
on_drained(void *arg, struct link *l)
{
	struct control_ask *a = arg;

	(void)l;
	if (!a->ended && a->more != NULL)
		timer_set(&a->again, 0);
}

void
control_more(
    struct control_ask *a, bool (*more)(void *arg, struct control_ask *a))
{
	a->more = more;
	run_more(a);
}

/* What is pending tells it as well. */
static void
on_alive(void *arg)
{
	struct control_ask *a = arg;

	if (link_pending(a->link) == 0)
		link_send_raw(a->link, MSG_CONTROL_ROWS, 0, STR_NONE);
	timer_set(&a->alive, CONTROL_ALIVE_MS);
}

static void
remove_words(struct control_ask *a, unsigned i, unsigned n)
{
	a->nwords -= n;
	memmove(&a->words[i], &a->words[i + n],
	    (a->nwords - i) * sizeof(a->words[0]));
}

bool
control_option(struct control_ask *a, const char *name, struct str *value)
{
	for (unsigned i = 0; i + 1 < a->nwords; i++)
		if (str_eq(a->words[i], str_c(name))) {
			*value = a->words[i + 1];
			remove_words(a, i, 2);
			return true;
		}
	return false;
}

bool
control_flag(struct control_ask *a, const char *name)
{
	for (unsigned i = 0; i < a->nwords; i++)
		if (str_eq(a->words[i], str_c(name))) {
			remove_words(a, i, 1);
			return true;
		}
	return false;
}

static void
usage(struct control_ask *a)
{
	control_endf(a, 64, "%s %s: wrong number of words", a->verb->noun,
	    a->verb->verb);
}

bool
control_words_ok(struct control_ask *a, unsigned least, unsigned most)
{
	for (unsigned i = 0; i < a->nwords; i++)
		if (str_starts(a->words[i], STR("--"))) {
			control_endf(a, 64, "%.*s: no such option, or it "
			    "lacks its value",
			    STR_ARG(str_first(a->words[i], 60)));
			return false;
		}
	if (a->nwords < least || a->nwords > most) {
		usage(a);
		return false;
	}
	return true;
}

/* The units of postern.conf. */
bool
control_size(struct control_ask *a, struct str word, uint64_t *size)
{
	static const struct {
		const char *unit;
		unsigned shift;
	} units[] = { { "", 0 }, { "B", 0 }, { "KiB", 10 }, { "MiB", 20 },
		{ "GiB", 30 }, { "TiB", 40 } };
	struct str rest = word;
	uint64_t n;

	if (str_eq(word, STR("none"))) {
		*size = 0;
		return true;
	}
	if (num_take_u64(&rest, &n))
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
			if (str_eq(rest, str_c(units[i].unit)) &&
			    n <= UINT64_MAX >> 1 >> units[i].shift) {
				*size = n << units[i].shift;
				return true;
			}
	control_endf(a, 64, "%.*s is no size such as 5GiB or none",
	    STR_ARG(str_first(word, 100)));
	return false;
}

static const struct control_verb *
find_verb(const struct control_ask *a, struct str noun, struct str verb)
{
	for (size_t i = 0; i < a->nverbs; i++)
		if (str_eq(noun, str_c(a->verbs[i].noun)) &&
		    str_eq(verb, str_c(a->verbs[i].verb)))
			return &a->verbs[i];
	return NULL;
}

static void
on_ask(void *arg, struct link *l, struct link_msg *m)
{
	struct control_ask *a = arg;
	int n;

	/* Who has given us up was told that nothing is done. */
	if (a->verb != NULL || a->ended || link_is_over(l))
		return;
	buf_add(&a->text, m->raw);
	n = control_words(buf_str(&a->text), a->words);
	a->verb = n >= 2 ? find_verb(a, a->words[0], a->words[1]) : NULL;
	if ((a->rights & CONTROL_ADMIN) == 0 &&
	    ((a->rights & CONTROL_OWN) == 0 || a->verb == NULL)) {
		control_end(a, 77, "only for the administrator", "");
		return;
	}
	if (a->verb == NULL) {
		control_end(a, 64, "unknown verb", "");
		return;
	}
	a->nwords = (unsigned)n;
	remove_words(a, 0, 2);
	if (a->nwords < a->verb->least || a->nwords > a->verb->most)
		usage(a);
	else
		a->verb->on_ask(a->arg, a);
}

static void
on_data(void *arg, struct link *l, struct link_msg *m)
{
	struct control_ask *a = arg;

	(void)l;
	if (!a->ended && a->verb != NULL && a->verb->takes_data)
		a->verb->on_data(a->arg, a, m->raw);
}

static void
on_data_end(void *arg, struct link *l, struct link_msg *m)
{
	struct control_ask *a = arg;

	(void)l;
	(void)m;
	if (!a->ended && a->verb != NULL && a->verb->takes_data)
		a->verb->on_data_end(a->arg, a);
}

static void
on_close(void *arg, struct link *l, const char *why)
{
	(void)l;
	(void)why;
	ask_free(arg);
}

static const struct link_rule rules[] = {
	LINK_RULE_RAW(MSG_CONTROL_ASK, LINK_BODY_MAX, on_ask),
	LINK_RULE_RAW(MSG_CONTROL_DATA, LINK_BODY_MAX, on_data),
	LINK_RULE_RAW(MSG_CONTROL_DATA_END, 0, on_data_end),
};

static const struct link_ops ops = {
	.rules = rules,
	.nrules = sizeof(rules) / sizeof(rules[0]),
	.on_close = on_close,
	.on_drained = on_drained,
};

void
control_open(struct loop *loop, int fd, uid_t uid, uint32_t rights,
    const struct control_verb *verbs, size_t nverbs, void *arg)
{
	struct control_ask *a = xcalloc(1, sizeof(*a));

	a->verbs = verbs;
	a->nverbs = nverbs;
	a->arg = arg;
	a->uid = uid;
	a->rights = rights;
	buf_init(&a->text, LINK_BODY_MAX);
	buf_init(&a->rows, BUF_NO_MAX);
	timer_init(&a->again, loop, run_more, a);
	timer_init(&a->alive, loop, on_alive, a);
	timer_set(&a->alive, CONTROL_ALIVE_MS);
	a->link = link_new(loop, fd, &ops, a);
}
