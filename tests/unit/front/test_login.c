#include "tests/unit/unit.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "front/login.h"

static struct loop *loop;
static struct logins all;
static struct link *authd; /* our end */
static uint64_t cookie;    /* of the last question */
static struct buf heard;   /* what authd heard and the client was told */
static int worker;

static void
on_begin(void *arg, struct link *l, struct link_msg *m)
{
	const struct msg_auth_begin *b = m->body;

	(void)arg;
	(void)l;
	cookie = m->cookie;
	buf_addf(&heard, "begin %.*s %s %u;", STR_ARG(b->mech),
	    role_name((enum role)b->service), b->tls);
	for (size_t i = 0; i < b->initial.n; i++)
		buf_add_char(&heard, b->initial.p[i] == '\0'
		    ? '|' : b->initial.p[i]);
	buf_add_char(&heard, ';');
}

static void
on_say(void *arg, struct link *l, struct link_msg *m)
{
	(void)arg;
	(void)l;
	buf_addf(&heard, "say %.*s;", STR_ARG(m->raw));
}

static void
on_cancel(void *arg, struct link *l, struct link_msg *m)
{
	(void)arg;
	(void)l;
	(void)m;
	buf_add_c(&heard, "cancel;");
}

static void
on_close(void *arg, struct link *l, const char *why)
{
	(void)arg;
	(void)why;
	link_free(l);
	authd = NULL;
}

static const struct link_rule rules[] = {
	LINK_RULE(MSG_AUTH_BEGIN, &msg_auth_begin_wire, on_begin),
	LINK_RULE_RAW(MSG_AUTH_SAY, AUTH_DATA_MAX, on_say),
	LINK_RULE_RAW(MSG_AUTH_CANCEL, 0, on_cancel),
};
static const struct link_ops authd_ops = { rules, N_OF(rules), on_close,
	NULL };

static void
on_ask(void *arg, struct str challenge)
{
	(void)arg;
	buf_addf(&heard, "ask %.*s;", STR_ARG(challenge));
}

static void
on_done(void *arg, const struct login_done *d)
{
	(void)arg;
	buf_addf(&heard, "done %u %.*s %d;", (unsigned)d->result,
	    STR_ARG(d->account), d->worker != -1);
	if (d->worker != -1)
		close(d->worker);
}

static const struct login_ops ops = { on_ask, on_done };

static void
on_tick(void *arg)
{
	(void)arg;
	loop_stop(loop, 0);
}

static void
turn(void)
{
	struct timer t;

	timer_init(&t, loop, on_tick, NULL);
	timer_set(&t, 10);
	loop_run(loop);
	timer_clear(&t);
}

static void
connect_authd(void)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	authd = link_new(loop, pair[0], &authd_ops, NULL);
	logins_on_peer(&all, pair[1]);
	link_send_raw(authd, MSG_AUTH_MECHS, 0, STR("PLAIN LOGIN"));
	turn();
}

static void
begin_as(enum role role)
{
	loop = loop_new();
	buf_init(&heard, BUF_NO_MAX);
	worker = dup(1);
	logins_init(&all, loop, role, 1000);
}

static void
setup(void)
{
	begin_as(ROLE_IMAPD);
	connect_authd();
}

static void
teardown(void)
{
	logins_clear(&all);
	link_free(authd);
	authd = NULL;
	turn();
	close(worker);
	buf_clear(&heard);
	loop_free(loop);
}

static void
answer(enum auth_result result, const char *account)
{
	struct msg_auth_done d = { result, str_c(account), STR_NONE };

	link_send(authd, MSG_AUTH_DONE, cookie, &msg_auth_done_wire, &d);
	turn();
}

static void
give_worker(void)
{
	struct msg_conn c = { .cookie = cookie };

	logins_on_conn(&all, &c, dup(worker));
	turn();
}

static void
expect(const char *text)
{
	ck_assert_str_eq(buf_cstr(&heard), text);
	buf_reset(&heard);
}

static struct login *
plain(void)
{
	struct login *l = login_begin_plain(&all, STR("bob"), STR("pass"),
	    STR("192.0.2.1"), true, &ops, NULL);

	turn();
	expect("begin PLAIN imapd 1;|bob|pass;");
	return l;
}

START_TEST(mechs)
{
	ck_assert(str_eq(logins_mechs(&all), STR("PLAIN LOGIN")));
	ck_assert(logins_has_mech(&all, STR("login")));
	ck_assert(!logins_has_mech(&all, STR("LOG")));
	link_free(authd);
	authd = NULL;
	turn();
	ck_assert_uint_eq(logins_mechs(&all).n, 0);
}
END_TEST

/* The worker's connection may come before or after AUTH_DONE. */
START_TEST(success)
{
	plain();
	if (_i == 0)
		give_worker();
	answer(AUTH_OK, "bob@example.org");
	if (_i == 1) {
		expect("");
		give_worker();
	}
	expect("done 0 bob@example.org 1;");
	ck_assert_uint_eq(all.under_way.n, 0);
}
END_TEST

START_TEST(failure)
{
	plain();
	answer(AUTH_BAD, "");
	expect("done 1  0;");
	give_worker(); /* nobody waits: it is closed */
	expect("");
}
END_TEST

START_TEST(no_worker)
{
	plain();
	answer(AUTH_OK, "bob@example.org");
	expect("");
	answer(AUTH_TEMPORARY, "");
	expect("done 2  0;");
}
END_TEST

START_TEST(smtpd)
{
	teardown();
	begin_as(ROLE_SMTPD);
	connect_authd();
	login_begin_plain(&all, STR("bob"), STR("pass"), STR("192.0.2.1"),
	    false, &ops, NULL);
	turn();
	answer(AUTH_OK, "bob@example.org");
	expect("begin PLAIN smtpd 0;|bob|pass;done 0 bob@example.org 0;");
}
END_TEST

START_TEST(asked)
{
	struct msg_auth_begin b = { .mech = STR("LOGIN"),
		.client = STR("192.0.2.1") };
	struct login *l = login_begin(&all, &b, &ops, NULL);

	turn();
	link_send_raw(authd, MSG_AUTH_ASK, cookie, STR("User Name"));
	turn();
	login_say(l, STR("bob"));
	turn();
	expect("begin LOGIN imapd 0;;ask User Name;say bob;");
	login_cancel(l);
	turn();
	expect("cancel;");
	answer(AUTH_OK, "bob@example.org");
	expect("");
}
END_TEST

/* What is under way fails and is not asked again of the next authd. */
START_TEST(authd_dies)
{
	plain();
	link_free(authd);
	authd = NULL;
	turn();
	expect("done 2  0;");
	connect_authd();
	expect("");
	plain();
}
END_TEST

START_TEST(authd_away)
{
	link_free(authd);
	authd = NULL;
	turn();
	login_begin_plain(&all, STR("bob"), STR("pass"), STR("192.0.2.1"),
	    true, &ops, NULL);
	expect(""); /* never from inside the call */
	turn();
	expect("done 2  0;");
}
END_TEST

static TCase *
logging_in(void)
{
	TCase *tc = tcase_create("logging in");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, mechs);
	tcase_add_loop_test(tc, success, 0, 2);
	tcase_add_test(tc, failure);
	tcase_add_test(tc, no_worker);
	tcase_add_test(tc, smtpd);
	tcase_add_test(tc, asked);
	tcase_add_test(tc, authd_dies);
	tcase_add_test(tc, authd_away);
	return tc;
}

UNIT_MAIN("login", logging_in)
