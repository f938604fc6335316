#include "helpers/pickup/pickup.h"

#include <stdio.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/fatal.h"
#include "base/id.h"
#include "conf/conf.h"
#include "mail/date.h"
#include "mail/utf8.h"
#include "proc/note.h"

static void next(struct pickup *p);

/* The message waits for the next look. */
static void
give_up(struct pickup *p)
{
	p->busy = false;
	p->left = STR_NONE;
	buf_clear(&p->now.file);
	buf_clear(&p->now.report);
}

static void
send_prefix(struct pickup *p)
{
	struct msg_submit_prefix prefix;
	struct buf text;
	struct date now;

	date_now(&now);
	buf_init(&text, PREFIX_MAX);
	buf_addf(&text, "Received: from %.*s (local user %u)\n\tby %.*s with "
	    "local\n\tid ", STR_ARG(p->hostname), (unsigned)p->now.uid,
	    STR_ARG(p->hostname));
	prefix.id_at = (uint32_t)buf_len(&text);
	for (size_t i = 0; i < ID_TEXT; i++)
		buf_add_char(&text, '0');
	buf_add_c(&text, ";\n\t");
	date_format(&text, &now);
	buf_add_char(&text, '\n');
	prefix.text = buf_str(&text);
	link_send(p->qmgr, MSG_SUBMIT_PREFIX, p->cookie,
	    &msg_submit_prefix_wire, &prefix);
	buf_clear(&text);
}

/* As much of the text as the link takes now. */
static void
send_text(struct pickup *p)
{
	struct msg_submit_end end;

	if (!p->busy || p->left.p == NULL)
		return;
	while (p->left.n > 0 && link_pending(p->qmgr) < LINK_WINDOW)
		link_send_raw(p->qmgr, MSG_SUBMIT_BODY, p->cookie,
		    str_take(&p->left, LINK_BODY_MAX));
	if (p->left.n > 0)
		return;
	p->left = STR_NONE;
	end.size = p->now.text.n;
	end.crc = crc32c(0, p->now.text.p, p->now.text.n);
	link_send(p->qmgr, MSG_SUBMIT_END, p->cookie, &msg_submit_end_wire,
	    &end);
}

/* To its recipients. */
static void
forth(struct pickup *p, struct msg_submit *m)
{
	const struct drop *d = &p->now.drop;

	p->now.text = d->text;
	m->flags = (d->head.flags & DROP_FLAGS) | ENV_LOCAL;
	m->sender = d->head.sender;
	m->envid = d->head.envid;
}

/* To its sender, from <>: nothing comes back of that. */
static void
back(struct pickup *p, struct msg_submit *m)
{
	report_make(p);
	p->now.text = buf_str(&p->now.report);
	m->flags = ENV_LOCAL;
	if (!utf8_is_ascii(p->now.text))
		m->flags |= ENV_8BIT;
	if (!utf8_is_ascii(p->now.drop.head.sender))
		m->flags |= ENV_UTF8;
}

static void
submit(struct pickup *p)
{
	struct drop *d = &p->now.drop;
	struct env_rcpt rcpt;
	struct msg_submit m = { 0 };
	char who[32], token[TOKEN];
	const bool is_back = p->now.why[0] != '\0';

	if (is_back)
		back(p, &m);
	else
		forth(p, &m);
	m.size_hint = p->now.text.n;
	m.token = (is_back ? folder_token_back : folder_token)(
	    p->now.name, token);
	m.client = str_n(who, (size_t)snprintf(who, sizeof(who), "unix:%u",
	    (unsigned)p->now.uid));
	m.login = m.client;
	p->busy = true;
	p->cookie++;
	link_send(p->qmgr, MSG_SUBMIT, p->cookie, &msg_submit_wire, &m);
	rcpt = (struct env_rcpt){ .address = d->head.sender };
	if (is_back)
		link_send(p->qmgr, MSG_SUBMIT_RCPT, p->cookie, &env_rcpt_wire,
		    &rcpt);
	while (!is_back && drop_next(d, &rcpt))
		link_send(p->qmgr, MSG_SUBMIT_RCPT, p->cookie, &env_rcpt_wire,
		    &rcpt);
	send_prefix(p);
	p->left = p->now.text;
	send_text(p);
}

/* To nobody, they are compared when qmgr is back. */
static void
say_gone(struct pickup *p)
{
	struct str left = p->qmgr != NULL ? folder_gone(p) : STR_NONE;

	while (left.n != 0)
		link_send_raw(p->qmgr, MSG_SUBMIT_GONE, 0,
		    str_take(&left, TOKEN * TOKENS_A_FRAME));
	buf_reset(&p->gone);
}

/* The next file of this look; without one, waits for the next look. */
static void
next(struct pickup *p)
{
	while (p->qmgr != NULL && !p->busy && buf_len(&p->names) > 0) {
		struct str names = buf_str(&p->names);
		struct str name = str_take_until(&names, '\0');
		bool fits = str_copy(
		    p->now.name, sizeof(p->now.name), name);

		buf_drop(&p->names, name.n + 1);
		if (fits && folder_read(p))
			submit(p);
	}
	if (p->busy)
		return;
	say_gone(p);
	timer_set(&p->timer, p->interval);
}

static void
on_time(void *arg)
{
	struct pickup *p = arg;

	if (!p->busy) {
		buf_reset(&p->names);
		folder_look(p);
		next(p);
	}
}

static void
on_done(void *arg, struct link *l, struct link_msg *m)
{
	const struct msg_submit_done *d = m->body;
	struct pickup *p = arg;
	const bool is_back = p->now.why[0] != '\0';

	(void)l;
	if (!p->busy || m->cookie != p->cookie)
		return;
	note(d->code == 250 && !is_back ? NOTE_INFO : NOTE_WARN,
	    is_back ? "given-back" : "picked-up");
	note_id("id", d->id);
	note_u64("uid", p->now.uid);
	note_str("from", p->now.drop.head.sender);
	note_u64("code", d->code);
	note_str("text", d->text);
	if (is_back)
		note_c("why", p->now.why);
	note_end();
	if (d->code == 250 && p->now.kept)
		folder_keep(p);
	else if (d->code == 250)
		folder_remove(p);
	else if (d->code >= 500)
		folder_aside(p, "refused");
	give_up(p);
	next(p);
}

static void
on_known(void *arg, struct link *l, struct link_msg *m)
{
	struct pickup *p = arg;

	(void)l;
	folder_compare(p, m->raw);
	say_gone(p);
}

static void
on_close(void *arg, struct link *l, const char *why)
{
	struct pickup *p = arg;

	(void)why;
	if (p->qmgr == l) {
		p->qmgr = NULL;
		give_up(p);
		timer_set(&p->timer, p->interval);
	}
	link_free(l);
}

static void
on_drained(void *arg, struct link *l)
{
	(void)l;
	send_text(arg);
}

static const struct link_rule rules[] = {
	LINK_RULE(MSG_SUBMIT_DONE, &msg_submit_done_wire, on_done),
	LINK_RULE_RAW(MSG_SUBMIT_KNOWN, TOKEN * TOKENS_A_FRAME, on_known),
};
static const struct link_ops ops = {
	.rules = rules,
	.nrules = sizeof(rules) / sizeof(rules[0]),
	.on_close = on_close,
	.on_drained = on_drained,
};

static void
on_peer(void *arg, enum role peer, uint32_t instance, uint64_t key, int fd)
{
	struct pickup *p = arg;
	struct link *old = p->qmgr;

	(void)instance;
	(void)key;
	if (peer != ROLE_QMGR) {
		close(fd);
		return;
	}
	p->qmgr = link_new(p->proc.loop, fd, &ops, p);
	if (old != NULL) {
		link_free(old);
		give_up(p);
	}
	timer_set(&p->timer, 0);
}

static void
on_give(void *arg, uint32_t what, uint32_t index, struct str name, int fd)
{
	struct pickup *p = arg;

	(void)index;
	(void)name;
	if (what == GIVE_DROP)
		p->folder = fd;
	else
		close(fd);
}

const struct proc_desc pickup_proc = {
	.role = ROLE_PICKUP,
	.on_give = on_give,
	.on_peer = on_peer,
};

void
pickup_init(struct pickup *p)
{
	const struct conf_section *root = conf_root(p->proc.conf);

	if (p->folder <= 0)
		fatal("no drop folder was given");
	p->interval = conf_ms(conf_daemon(p->proc.conf, "pickup"), "interval");
	p->size_max = conf_size(conf_one(root, "receive"), "message");
	p->hops_max = (unsigned)conf_u64(conf_one(root, "receive"), "hops");
	p->hostname = conf_str(root, "hostname");
	buf_init(&p->names, BUF_NO_MAX);
	buf_init(&p->gone, BUF_NO_MAX);
	map_init(&p->stuck);
	map_init(&p->kept);
	map_init(&p->unsure);
	buf_init(&p->now.file, BUF_NO_MAX);
	buf_init(&p->now.report, BUF_NO_MAX);
	timer_init(&p->timer, p->proc.loop, on_time, p);
	date_prepare();
}
