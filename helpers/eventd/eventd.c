#include "helpers/eventd/eventd.h"

#include <stdlib.h>
#include <syslog.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "conf/conf.h"

enum {
	COUNTERS_MAX = 4096,
	PACE_MS = 10 /* notes of so long are taken at once */
};

static void
on_flush(void *arg)
{
	struct eventd *d = arg;

	logfile_flush(&d->file);
}

static void
count(struct eventd *d, const struct line *l)
{
	char name[96];
	uint64_t *n;

	if (!line_name(l, name))
		return;
	n = map_get(&d->counters, str_c(name));
	if (n == NULL) {
		if (d->counters.n == COUNTERS_MAX)
			return;
		n = xcalloc(1, sizeof(*n));
		map_set(&d->counters, str_c(name), n);
	}
	++*n;
}

static void
remember(struct eventd *d, const struct line *l)
{
	struct recent *r = &d->recent[d->seen++ % RECENT_MAX];

	free(r->text);
	*r = (struct recent){ l->ms, l->level, str_dup(l->text) };
}

static void
take(struct eventd *d, const struct line *l)
{
	struct buf b;

	count(d, l);
	if (l->level < d->least)
		return;
	buf_init(&b, BUF_NO_MAX);
	if (d->json)
		line_json(&b, l);
	else
		line_text(&b, l);
	logfile_add(&d->file, buf_str(&b));
	deferred_call(&d->flush);
	if (d->syslog)
		syslog(l->level == NOTE_ERROR ? LOG_ERR
		        : l->level == NOTE_WARN ? LOG_WARNING : LOG_INFO,
		    "%.*s", STR_ARG(l->text));
	buf_clear(&b);
	remember(d, l);
	eventd_publish(d, l);
}

static void
on_note(void *arg, struct link *l, struct link_msg *m)
{
	struct line line;

	(void)l;
	if (line_take(m->raw, m->cookie, &line))
		take(arg, &line);
}

static void
on_close(void *arg, struct link *l, const char *why)
{
	(void)arg;
	(void)why;
	link_free(l);
}

static const struct link_rule rules[] = {
	LINK_RULE_RAW(MSG_NOTE, NOTE_MAX + 1, on_note),
};
static const struct link_ops ops = {
	.rules = rules,
	.nrules = sizeof(rules) / sizeof(rules[0]),
	.on_close = on_close,
};

static void
on_peer(void *arg, enum role peer, uint32_t instance, uint64_t key, int fd)
{
	struct eventd *d = arg;

	(void)peer;
	(void)instance;
	(void)key;
	link_pace(link_new(d->proc.loop, fd, &ops, d), PACE_MS, SIZE_MAX);
}

static void
on_give(void *arg, uint32_t what, uint32_t index, struct str name, int fd)
{
	struct eventd *d = arg;

	(void)index;
	(void)name;
	if (what != GIVE_LOG)
		fatal("given %u", what);
	d->log_dir = fd;
}

static void
on_control(void *arg, int fd, uid_t uid, uint32_t rights)
{
	(void)uid;
	(void)rights;
	eventd_control(arg, fd);
}

/* The last words of the others have been taken by now. */
static void
on_end(void *arg)
{
	struct eventd *d = arg;

	logfile_flush(&d->file);
	proc_stop(&d->proc);
}

static void
on_stop(void *arg)
{
	struct eventd *d = arg;

	timer_set(&d->end, 2 * PACE_MS);
}

const struct proc_desc eventd_proc = {
	.role = ROLE_EVENTD,
	.on_give = on_give,
	.on_peer = on_peer,
	.on_control = on_control,
	.on_stop = on_stop,
};

void
eventd_init(struct eventd *d)
{
	const struct conf_section *log = conf_one(conf_root(d->proc.conf), "log");
	struct str name = conf_str(log, "file");

	TAILQ_INIT(&d->followers);
	deferred_init(&d->flush, d->proc.loop, on_flush, d);
	timer_init(&d->end, d->proc.loop, on_end, d);
	d->json = conf_choice(log, "format") == 1;
	d->least = (enum note_level)conf_choice(log, "level");
	d->syslog = conf_bool(log, "syslog");
	if (d->syslog)
		openlog("postern", LOG_NDELAY, LOG_MAIL);
	if (logfile_open(&d->file, d->log_dir, name,
	        conf_size(log, "rotate_size"),
	        (uint32_t)conf_u64(log, "rotate_keep")) == -1)
		fatal_errno("log file %.*s", STR_ARG(name));
}
