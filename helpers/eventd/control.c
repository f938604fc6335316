/* control -- `postern events` and the counters. */
#include <stdlib.h>

#include "base/fatal.h"
#include "base/json.h"
#include "base/num.h"
#include "helpers/eventd/eventd.h"
#include "msg/control.h"

enum {
	SHOWN_DEFAULT = 100,
	UNSENT_MAX = 4 << 20 /* a follower that does not read is let go */
};

static void
end(struct link *l, uint32_t code, const char *text)
{
	struct msg_control_end e = { code, str_c(text), STR_NONE };

	link_send(l, MSG_CONTROL_END, 0, &msg_control_end_wire, &e);
}

static bool
is_wanted(const struct follower *f, struct str text)
{
	return f->like == NULL ||
	    str_find_str(text, str_c(f->like)) != text.n;
}

static void
send_line(struct follower *f, const struct line *l)
{
	struct buf b;

	buf_init(&b, LINK_BODY_MAX);
	line_json(&b, l);
	buf_add_char(&b, '\n');
	if (!b.overflow)
		link_send_raw(f->link, MSG_CONTROL_ROWS, 0, buf_str(&b));
	buf_clear(&b);
}

void
eventd_publish(struct eventd *d, const struct line *l)
{
	struct follower *f, *next;

	TAILQ_FOREACH_SAFE(f, &d->followers, entry, next)
		if (f->follows && is_wanted(f, l->text) &&
		    link_pending(f->link) < UNSENT_MAX)
			send_line(f, l);
}

/* The newest limit lines that are wanted, oldest of them first. */
static void
show(struct follower *f, uint64_t limit)
{
	struct eventd *d = f->d;
	uint64_t oldest = d->seen > RECENT_MAX ? d->seen - RECENT_MAX : 0;
	uint64_t from = d->seen, left = limit;

	while (from > oldest && left > 0) {
		from--;
		left -= is_wanted(f, str_c(d->recent[from % RECENT_MAX].text));
	}
	for (; from < d->seen; from++) {
		const struct recent *r = &d->recent[from % RECENT_MAX];
		struct line l = { r->ms, r->level, str_c(r->text) };

		if (is_wanted(f, l.text))
			send_line(f, &l);
	}
}

static void
counters(struct follower *f)
{
	struct buf b;
	struct str key;
	size_t pos = 0;
	uint64_t *n;

	buf_init(&b, BUF_NO_MAX);
	while ((n = map_next(&f->d->counters, &pos, &key)) != NULL) {
		json_open(&b);
		json_str(&b, "name", key);
		json_u64(&b, "value", *n);
		json_close(&b);
		buf_add_char(&b, '\n');
		link_send_raw(f->link, MSG_CONTROL_ROWS, 0, buf_str(&b));
		buf_reset(&b);
	}
	buf_clear(&b);
	end(f->link, 0, "");
}

/* Options behind `events show`; false: usage. */
static bool
options(struct follower *f, const struct str *words, int n, uint64_t *limit)
{
	for (int i = 0; i < n; i++) {
		if (str_eq(words[i], STR("--follow"))) {
			f->follows = true;
		} else if (str_eq(words[i], STR("--limit")) && i + 1 < n) {
			if (!num_u64(words[++i], limit))
				return false;
		} else if (str_eq(words[i], STR("--like")) && i + 1 < n) {
			free(f->like);
			f->like = str_dup(words[++i]);
		} else {
			return false;
		}
	}
	return true;
}

static void
on_ask(void *arg, struct link *l, struct link_msg *m)
{
	struct follower *f = arg;
	struct str words[CONTROL_WORDS_MAX];
	int n = control_words(m->raw, words);
	uint64_t limit = SHOWN_DEFAULT;

	if (n == 2 && str_eq(words[0], STR("server")) &&
	    str_eq(words[1], STR("counters"))) {
		counters(f);
	} else if (n >= 2 && str_eq(words[0], STR("events")) &&
	    str_eq(words[1], STR("show")) &&
	    options(f, words + 2, n - 2, &limit)) {
		show(f, limit);
		if (!f->follows)
			end(l, 0, "");
	} else {
		end(l, 64, "eventd knows: events show [--limit N] "
		    "[--like TEXT] [--follow], server counters");
	}
}

static void
on_close(void *arg, struct link *l, const char *why)
{
	struct follower *f = arg;

	(void)why;
	TAILQ_REMOVE(&f->d->followers, f, entry);
	link_free(l);
	free(f->like);
	free(f);
}

static const struct link_rule rules[] = {
	LINK_RULE_RAW(MSG_CONTROL_ASK, LINK_BODY_MAX, on_ask),
};
static const struct link_ops ops = {
	.rules = rules,
	.nrules = sizeof(rules) / sizeof(rules[0]),
	.on_close = on_close,
};

void
eventd_control(struct eventd *d, int fd)
{
	struct follower *f = xcalloc(1, sizeof(*f));

	f->d = d;
	f->link = link_new(d->proc.loop, fd, &ops, f);
	TAILQ_INSERT_TAIL(&d->followers, f, entry);
}
