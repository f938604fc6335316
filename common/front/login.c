#include "front/login.h"

#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fatal.h"

enum {
	ANSWER_MS = 180000, /* authd delays the guilty by up to 60 s */
	WORKER_MS = 30000   /* from the success to the worker's connection */
};

struct login {
	struct logins *all;
	uint64_t cookie;
	const struct login_ops *ops;
	void *arg;
	struct timer patience;
	struct deferred fail; /* authd is away: told after the caller's round */
	bool ok;              /* AUTH_DONE said so, account is set */
	char account[ACCOUNT_MAX + 1];
	int worker;           /* came before AUTH_DONE; -1 */
};

static void
login_free(struct login *l)
{
	map_del_id(&l->all->under_way, l->cookie);
	timer_clear(&l->patience);
	deferred_cancel(&l->fail);
	if (l->worker != -1)
		close(l->worker);
	explicit_bzero(l, sizeof(*l));
	free(l);
}

/* The last callback.  Out of the map first: on_done may begin another. */
static void
finish(struct login *l, enum auth_result result, struct str text)
{
	struct login_done d = { .result = result, .text = text, .worker = -1 };

	map_del_id(&l->all->under_way, l->cookie);
	if (result == AUTH_OK) {
		d.account = str_c(l->account);
		d.worker = l->worker;
		l->worker = -1;
	}
	l->ops->on_done(l->arg, &d);
	login_free(l);
}

static void
on_patience(void *arg)
{
	struct login *l = arg;

	if (l->all->authd != NULL)
		link_send_raw(l->all->authd, MSG_AUTH_CANCEL, l->cookie,
		    STR_NONE);
	finish(l, AUTH_TEMPORARY, STR("no answer in time"));
}

static void
on_fail(void *arg)
{
	finish(arg, AUTH_TEMPORARY, STR("try again later"));
}

static void
finish_if_complete(struct login *l)
{
	if (!l->ok)
		return;
	if (l->all->service == ROLE_SMTPD || l->worker != -1)
		finish(l, AUTH_OK, STR_NONE);
	else
		timer_set(&l->patience, WORKER_MS);
}

static void
on_mechs(void *arg, struct link *link, struct link_msg *m)
{
	struct logins *all = arg;

	(void)link;
	if (!str_copy(all->mechs, sizeof(all->mechs), m->raw))
		all->mechs[0] = '\0';
}

static void
on_ask(void *arg, struct link *link, struct link_msg *m)
{
	struct logins *all = arg;
	struct login *l = map_get_id(&all->under_way, m->cookie);

	(void)link;
	if (l != NULL && !l->ok)
		l->ops->on_ask(l->arg, m->raw);
}

static void
on_done(void *arg, struct link *link, struct link_msg *m)
{
	struct logins *all = arg;
	const struct msg_auth_done *d = m->body;
	struct login *l = map_get_id(&all->under_way, m->cookie);

	(void)link;
	if (l == NULL)
		return;
	if (d->result != AUTH_OK) {
		finish(l, (enum auth_result)d->result, d->text);
		return;
	}
	if (d->account.n == 0 ||
	    !str_copy(l->account, sizeof(l->account), d->account)) {
		finish(l, AUTH_TEMPORARY, STR("try again later"));
		return;
	}
	l->ok = true;
	finish_if_complete(l);
}

void
logins_on_conn(struct logins *all, const struct msg_conn *c, int fd)
{
	struct login *l = map_get_id(&all->under_way, c->cookie);

	if (l == NULL || l->worker != -1) {
		close(fd);
		return;
	}
	l->worker = fd;
	finish_if_complete(l);
}

/* Those that wait only for their worker do not need authd any more. */
static void
fail_all(struct logins *all)
{
	size_t pos = 0;
	struct login *l;

	while ((l = map_next(&all->under_way, &pos, NULL)) != NULL)
		if (!l->ok)
			deferred_call(&l->fail);
}

static void
on_close(void *arg, struct link *link, const char *why)
{
	struct logins *all = arg;

	(void)why;
	if (all->authd == link) {
		all->authd = NULL;
		fail_all(all);
	}
	link_free(link);
}

static const struct link_rule rules[] = {
	LINK_RULE_RAW(MSG_AUTH_MECHS, 255, on_mechs),
	LINK_RULE_RAW(MSG_AUTH_ASK, AUTH_DATA_MAX, on_ask),
	LINK_RULE(MSG_AUTH_DONE, &msg_auth_done_wire, on_done),
};

static const struct link_ops ops = {
	.rules = rules,
	.nrules = sizeof(rules) / sizeof(rules[0]),
	.on_close = on_close,
};

void
logins_init(struct logins *all, struct loop *loop, enum role service,
    uint64_t cookie0)
{
	uint64_t random = 0;

	/* authd and master know a log-in by its cookie among those of all
	 * fronts. */
	if (getrandom(&random, sizeof(random), 0) == -1)
		random = (uint64_t)service << 56;
	*all = (struct logins){ .loop = loop, .service = service,
		.next = cookie0 ^ random };
	map_init(&all->under_way);
}

void
logins_clear(struct logins *all)
{
	size_t pos = 0;
	struct login *l;

	while ((l = map_next(&all->under_way, &pos, NULL)) != NULL)
		login_free(l);
	map_clear(&all->under_way);
	link_free(all->authd);
	all->authd = NULL;
}

void
logins_on_peer(struct logins *all, int fd)
{
	if (all->authd != NULL) {
		link_free(all->authd);
		fail_all(all);
	}
	all->authd = link_new(all->loop, fd, &ops, all);
}

struct str
logins_mechs(const struct logins *all)
{
	return all->authd != NULL ? str_c(all->mechs) : STR_NONE;
}

bool
logins_has_mech(const struct logins *all, struct str mech)
{
	struct str rest = logins_mechs(all);

	while (rest.n != 0)
		if (str_ieq(str_take_word(&rest), mech))
			return true;
	return false;
}

struct login *
login_begin(struct logins *all, struct msg_auth_begin *begin,
    const struct login_ops *login_ops, void *arg)
{
	struct login *l = xcalloc(1, sizeof(*l));

	*l = (struct login){ .all = all, .cookie = ++all->next,
		.ops = login_ops, .arg = arg, .worker = -1 };
	begin->service = all->service;
	timer_init(&l->patience, all->loop, on_patience, l);
	deferred_init(&l->fail, all->loop, on_fail, l);
	map_set_id(&all->under_way, l->cookie, l);
	if (all->authd == NULL || begin->initial.n > AUTH_DATA_MAX ||
	    begin->mech.n > AUTH_MECH_MAX) {
		deferred_call(&l->fail);
		return l;
	}
	timer_set(&l->patience, ANSWER_MS);
	link_send(all->authd, MSG_AUTH_BEGIN, l->cookie, &msg_auth_begin_wire,
	    begin);
	return l;
}

struct login *
login_begin_plain(struct logins *all, struct str user, struct str password,
    struct str client, bool tls, const struct login_ops *login_ops, void *arg)
{
	struct msg_auth_begin b = { .mech = STR("PLAIN"), .has_initial = 1,
		.tls = tls, .client = client };
	struct buf initial;
	struct login *l;

	buf_init(&initial, AUTH_DATA_MAX);
	buf_add_char(&initial, '\0');
	buf_add(&initial, user);
	buf_add_char(&initial, '\0');
	buf_add(&initial, password);
	/* What does not fit or has a NUL inside is no name: authd says so. */
	b.initial = initial.overflow ? STR_NONE : buf_str(&initial);
	l = login_begin(all, &b, login_ops, arg);
	buf_clear_secret(&initial);
	return l;
}

void
login_say(struct login *l, struct str response)
{
	if (l->all->authd == NULL || l->fail.queued)
		return;
	if (response.n > AUTH_DATA_MAX) {
		deferred_call(&l->fail);
		return;
	}
	timer_set(&l->patience, ANSWER_MS);
	link_send_raw(l->all->authd, MSG_AUTH_SAY, l->cookie, response);
}

void
login_cancel(struct login *l)
{
	if (l == NULL)
		return;
	if (l->all->authd != NULL && !l->ok)
		link_send_raw(l->all->authd, MSG_AUTH_CANCEL, l->cookie,
		    STR_NONE);
	login_free(l);
}
