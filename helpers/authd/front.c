/* front -- log-ins that smtpd, imapd and pop3d ask about. */
#include <stdlib.h>

#include "base/fatal.h"
#include "helpers/authd/authd.h"
#include "helpers/authd/secrets.h"
#include "msg/auth.h"
#include "proc/note.h"
#include "table/records.h"

enum {
	LOGINS_MAX = 4096,   /* of one front under way */
	CLIENT_MAX = 128,
	OPEN_MS = 60000      /* then a worker asked for is forgotten */
};

struct front {
	TAILQ_ENTRY(front) entry;
	struct authd *d;
	struct link *link;
	enum role role;
	uint32_t instance;
	struct map logins; /* cookie -> struct login */
};

/* One log-in.  While a question or a hash is under way exactly that holds it;
 * "gone" then means: nobody wants the answer, free it. */
struct login {
	struct authd *d;
	struct front *front;
	uint64_t cookie;
	uint32_t service;
	char client[CLIENT_MAX + 1];
	struct sasl_session *sasl;
	struct timer delay;
	struct hash_job hash;
	struct msg_open open;    /* what the worker needs; views below */
	char account[ACCOUNT_MAX + 1];
	char path[PATH_OPEN_MAX + 1];
	bool exists, locked;
	bool busy;               /* routerd or the hasher has it */
	bool gone;
};

/* A worker asked for: to tell the front if there will be none. */
struct open {
	struct authd *d;
	struct front *front;
	uint64_t cookie;
	struct timer forget;
};

static void
login_free(struct login *l)
{
	if (l->front != NULL)
		map_del_id(&l->front->logins, l->cookie);
	sasl_end(l->sasl);
	timer_clear(&l->delay);
	hash_job_clear(&l->hash);
	explicit_bzero(l, sizeof(*l));
	free(l);
}

/* Frees it now, or when what holds it lets go. */
static void
login_drop(struct login *l)
{
	if (!l->busy) {
		login_free(l);
		return;
	}
	map_del_id(&l->front->logins, l->cookie);
	l->front = NULL;
	l->gone = true;
}

static void
open_free(struct open *o)
{
	map_del_id(&o->d->opens, o->cookie);
	timer_clear(&o->forget);
	free(o);
}

static void
on_forget(void *arg)
{
	open_free(arg);
}

static void
remember_open(struct login *l)
{
	struct open *o = map_get_id(&l->d->opens, l->cookie);

	if (o != NULL)
		open_free(o);
	o = xcalloc(1, sizeof(*o));
	o->d = l->d;
	o->front = l->front;
	o->cookie = l->cookie;
	timer_init(&o->forget, l->d->proc.loop, on_forget, o);
	timer_set(&o->forget, OPEN_MS);
	map_set_id(&l->d->opens, l->cookie, o);
}

static void
send_done(struct front *f, uint64_t cookie, enum auth_result result,
    const char *account, const char *text)
{
	struct msg_auth_done done = { result, str_c(account), str_c(text) };

	link_send(f->link, MSG_AUTH_DONE, cookie, &msg_auth_done_wire, &done);
}

void
front_open_failed(struct authd *d, uint64_t cookie)
{
	struct open *o = map_get_id(&d->opens, cookie);

	if (o == NULL)
		return;
	send_done(o->front, cookie, AUTH_TEMPORARY, "",
	    "the mailbox cannot be opened now");
	open_free(o);
}

static void
note_login(const struct login *l, enum auth_result result)
{
	static const char *const names[] = { "ok", "bad", "temporary",
		"not-allowed", "malformed", "no-mechanism" };

	note(result == AUTH_OK ? NOTE_INFO : NOTE_WARN, "login");
	note_c("result", names[result]);
	note_str("name", l->sasl != NULL ? sasl_name(l->sasl) : STR_NONE);
	note_c("service", role_name((enum role)l->service));
	note_c("client", l->client);
	note_end();
}

static void
finish(struct login *l, enum auth_result result, const char *text)
{
	note_login(l, result);
	send_done(l->front, l->cookie, result,
	    result == AUTH_OK ? l->account : "", text);
	if (result == AUTH_OK && l->service != ROLE_SMTPD) {
		remember_open(l);
		proc_open_worker(&l->d->proc, &l->open, l->cookie);
	}
	login_free(l);
}

static void
judge(struct login *l, bool right)
{
	struct authd *d = l->d;
	struct str client = str_c(l->client), name = sasl_name(l->sasl);
	int64_t now = loop_now(d->proc.loop);

	if (!right || !l->exists) {
		penalty_failed(&d->penalties, client, name, now);
		finish(l, AUTH_BAD, "wrong name or password");
		return;
	}
	penalty_succeeded(&d->penalties, client, name);
	if (l->locked)
		finish(l, AUTH_NOT_ALLOWED, "the account is locked");
	else
		finish(l, AUTH_OK, "");
}

static void
on_hashed(void *arg)
{
	struct login *l = arg;

	l->busy = false;
	if (l->gone)
		login_free(l);
	else
		judge(l, l->hash.ok);
}

/* Acting for somebody else is not possible (yet). */
static bool
acts_for_itself(const struct login *l)
{
	struct str as = sasl_as(l->sasl);

	return as.n == 0 || str_ieq(as, sasl_name(l->sasl)) ||
	    str_ieq(as, str_c(l->account));
}

/* Nobody there costs the same time as somebody: a hash is checked anyway. */
static void
check_password(struct login *l)
{
	struct authd *d = l->d;
	int found = 0;

	buf_add(&l->hash.password, sasl_password(l->sasl));
	if (l->exists)
		found = secrets_get(d->records, str_c(l->account),
		    &l->hash.stored, NULL);
	if (found == -1) {
		note(NOTE_ERROR, "database-failed");
		note_c("reason", records_error(d->records));
		note_end();
		finish(l, AUTH_TEMPORARY, "try again later");
		return;
	}
	l->exists = found == 1 && acts_for_itself(l);
	if (found == 0)
		buf_add_c(&l->hash.stored, d->dummy);
	l->busy = hasher_submit(d->hasher, &l->hash);
	if (!l->busy)
		finish(l, AUTH_TEMPORARY, "too many log-ins, try again later");
}

static bool
keep_account(struct login *l, const struct msg_route_is *is)
{
	if (!str_copy(l->account, sizeof(l->account), is->account) ||
	    !str_copy(l->path, sizeof(l->path), is->path))
		return false;
	l->locked = is->locked != 0;
	l->open = (struct msg_open){ .front = l->service,
		.instance = l->front->instance, .uid = is->uid,
		.gid = is->gid, .root = is->root, .quota = is->quota,
		.account = str_c(l->account), .path = str_c(l->path) };
	return true;
}

/* router_is_fn */
static void
on_account(void *arg, const struct msg_route_is *is)
{
	struct login *l = arg;

	l->busy = false;
	if (l->gone) {
		login_free(l);
		return;
	}
	if (is == NULL || is->kind == ROUTE_TEMPORARY) {
		finish(l, AUTH_TEMPORARY, "try again later");
		return;
	}
	l->exists = is->kind == ROUTE_LOCAL && keep_account(l, is);
	check_password(l);
}

static void
on_delay(void *arg)
{
	struct login *l = arg;

	l->busy = true;
	router_account(&l->d->router, sasl_name(l->sasl), on_account, l);
}

static void
on_complete(struct login *l)
{
	int64_t ms = penalty_delay(&l->d->penalties, str_c(l->client),
	    sasl_name(l->sasl), loop_now(l->d->proc.loop));

	if (ms == 0) {
		on_delay(l);
		return;
	}
	note(NOTE_INFO, "login-delayed");
	note_str("name", sasl_name(l->sasl));
	note_c("client", l->client);
	note_ms("delay", ms);
	note_end();
	timer_set(&l->delay, ms);
}

static void
step(struct login *l, bool has_in, struct str in)
{
	struct buf out;
	enum sasl_result r;

	buf_init(&out, AUTH_DATA_MAX);
	r = sasl_step(l->sasl, has_in, in, &out);
	switch (r) {
	case SASL_MORE:
		link_send_raw(
		    l->front->link, MSG_AUTH_ASK, l->cookie, buf_str(&out));
		break;
	case SASL_COMPLETE:
		on_complete(l);
		break;
	case SASL_MALFORMED:
		finish(l, AUTH_MALFORMED, "not what the mechanism says");
		break;
	}
	buf_clear(&out);
}

static bool
is_offered(const struct authd *d, struct str mech)
{
	struct str all = str_c(d->mechs);

	while (all.n != 0)
		if (str_ieq(str_take_word(&all), mech))
			return true;
	return false;
}

static void
on_begin(void *arg, struct link *link, struct link_msg *m)
{
	struct front *f = arg;
	const struct msg_auth_begin *b = m->body;
	struct login *l = map_get_id(&f->logins, m->cookie);

	(void)link;
	if (l != NULL)
		login_drop(l); /* the front forgot it */
	if (f->logins.n >= LOGINS_MAX) {
		send_done(f, m->cookie, AUTH_TEMPORARY, "",
		    "too many log-ins, try again later");
		return;
	}
	l = xcalloc(1, sizeof(*l));
	l->d = f->d;
	l->front = f;
	l->cookie = m->cookie;
	l->service = (uint32_t)f->role;
	str_copy(l->client, sizeof(l->client), b->client);
	timer_init(&l->delay, f->d->proc.loop, on_delay, l);
	hash_job_init(&l->hash, on_hashed, l);
	map_set_id(&f->logins, l->cookie, l);
	if (!is_offered(f->d, b->mech)) {
		finish(l, AUTH_NO_MECH, "no such mechanism");
		return;
	}
	l->sasl = sasl_begin(f->d->sasl, sasl_mech(b->mech));
	step(l, b->has_initial != 0, b->initial);
}

static void
on_say(void *arg, struct link *link, struct link_msg *m)
{
	struct front *f = arg;
	struct login *l = map_get_id(&f->logins, m->cookie);

	(void)link;
	/* Nothing is said any more once name and password are known. */
	if (l != NULL && !l->busy && !timer_is_set(&l->delay))
		step(l, true, m->raw);
}

static void
on_cancel(void *arg, struct link *link, struct link_msg *m)
{
	struct front *f = arg;
	struct login *l = map_get_id(&f->logins, m->cookie);

	(void)link;
	if (l != NULL)
		login_drop(l);
}

static void
on_close(void *arg, struct link *link, const char *why)
{
	struct front *f = arg;
	size_t pos = 0;
	struct login *l;
	struct open *o;

	(void)why;
	while ((l = map_next(&f->logins, &pos, NULL)) != NULL)
		login_drop(l);
	for (pos = 0; (o = map_next(&f->d->opens, &pos, NULL)) != NULL;)
		if (o->front == f)
			open_free(o);
	map_clear(&f->logins);
	TAILQ_REMOVE(&f->d->fronts, f, entry);
	link_free(link);
	free(f);
}

static const struct link_rule rules[] = {
	LINK_RULE(MSG_AUTH_BEGIN, &msg_auth_begin_wire, on_begin),
	LINK_RULE_RAW(MSG_AUTH_SAY, AUTH_DATA_MAX, on_say),
	LINK_RULE_RAW(MSG_AUTH_CANCEL, 0, on_cancel),
};
static const struct link_ops ops = {
	.rules = rules,
	.nrules = sizeof(rules) / sizeof(rules[0]),
	.on_close = on_close,
};

void
front_open(struct authd *d, enum role role, uint32_t instance, int fd)
{
	struct front *f = xcalloc(1, sizeof(*f));

	f->d = d;
	f->role = role;
	f->instance = instance;
	map_init(&f->logins);
	f->link = link_new(d->proc.loop, fd, &ops, f);
	TAILQ_INSERT_TAIL(&d->fronts, f, entry);
	link_send_raw(f->link, MSG_AUTH_MECHS, 0, str_c(d->mechs));
}
