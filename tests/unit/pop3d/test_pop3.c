/*
 * Runs the transcripts tests/proto/pop3-*.txt against the two machines.
 *
 *	C: line     the client says it; C+ puts it in one packet with the next
 *	S: line     the server says exactly that
 *	! word ...  see struct order below
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fatal.h"
#include "base/num.h"
#include "pop3d/door.h"
#include "pop3d/session.h"
#include "tests/unit/unit.h"

/* --- a maildrop in memory --- */

static const struct {
	const char *text;
	uint32_t uid, size;
} messages[3] = {
	{ "Subject: a\n\none\n.\n", 10, 22 },
	{ "Subject: b\nX: y\r\n\r\n.dot\n2\n\n4\n5\n", 11, 41 },
	{ "A:b", 20, 5 },
};

struct memory {
	struct drop_message list[3];
	struct drop drop;
	int open;
	bool gone[3], broken[3];
};

static bool
memory_open(void *arg, uint32_t uid)
{
	struct memory *m = arg;

	ck_assert_int_eq(m->open, -1);
	for (int i = 0; i < 3; i++)
		if (messages[i].uid == uid && !m->gone[i])
			m->open = i;
	return m->open != -1;
}

/* Three octets at a time: every cut of the text occurs. */
static ssize_t
memory_read(void *arg, uint64_t at, char *out, size_t n)
{
	struct memory *m = arg;
	struct str s = str_from(str_c(messages[m->open].text), at);

	if (m->broken[m->open] && at >= 6)
		return -1;
	s = str_first(s, n < 3 ? n : 3);
	if (s.n != 0)
		memcpy(out, s.p, s.n);
	return (ssize_t)s.n;
}

static void
memory_close(void *arg)
{
	struct memory *m = arg;

	ck_assert_int_ne(m->open, -1);
	m->open = -1;
}

static const struct drop_ops memory_ops = { .open = memory_open,
	.read = memory_read, .close = memory_close };

/* --- running a transcript --- */

struct run {
	struct door door;
	struct session session;
	struct memory memory;
	bool in_session;   /* the machine at work; else the door */
	bool by_octet;     /* each octet is a packet of its own */
	struct buf packet; /* gathered with C+ */
	struct buf said;   /* by the server, not yet compared */
	const char *event; /* last one that was not MORE */
	struct str left;   /* input not taken when it came */
	const char *where; /* transcript */
	size_t at;         /* line */
};

#define EXPECT(run, cond, ...)                                                 \
	do {                                                                   \
		if (!(cond)) {                                                 \
			fprintf(stderr, "%s:%zu (%s): ", (run)->where,         \
			    (run)->at, (run)->by_octet ? "octets" : "lines");  \
			fprintf(stderr, __VA_ARGS__);                          \
			fprintf(stderr, "\n");                                 \
			ck_abort_msg("transcript");                            \
		}                                                              \
	} while (0)

static const char *const door_events[] = { [DOOR_MORE] = NULL,
	[DOOR_STLS] = "stls", [DOOR_LOGIN] = "login", [DOOR_AUTH] = "auth",
	[DOOR_SAY] = "say", [DOOR_CANCEL] = "cancel", [DOOR_BYE] = "bye" };
static const char *const session_events[] = { [SESSION_MORE] = NULL,
	[SESSION_UPDATE] = "update", [SESSION_BYE] = "bye",
	[SESSION_BROKEN] = "broken" };

static void
collect(struct run *r, struct buf *out)
{
	buf_add(&r->said, buf_str(out));
	buf_reset(out);
}

static const char *
feed_door(struct run *r, struct str *in)
{
	enum door_event e = door_feed(&r->door, in);

	collect(r, &r->door.out);
	return door_events[e];
}

static const char *
feed_session(struct run *r, struct str *in)
{
	enum session_event e = session_feed(&r->session, in);

	collect(r, &r->session.out);
	while (e == SESSION_MORE && session_is_busy(&r->session)) {
		e = session_more(&r->session);
		if (e == SESSION_BROKEN)
			buf_reset(&r->session.out); /* nobody sends it */
		collect(r, &r->session.out);
	}
	return session_events[e];
}

static void
feed(struct run *r, struct str in)
{
	while (in.n != 0 && r->event == NULL) {
		struct str piece = r->by_octet ? str_first(in, 1) : in;
		size_t before = piece.n;

		r->event = r->in_session ? feed_session(r, &piece) :
		    feed_door(r, &piece);
		in = str_from(in, before - piece.n);
	}
	r->left = in;
}

/* --- the "!" lines --- */

static void
do_greet(struct run *r, struct str args)
{
	(void)args;
	r->door.can_tls = true;
	door_set_mechs(&r->door, STR("PLAIN LOGIN"));
	door_greet(&r->door);
	collect(r, &r->door.out);
}

static void
do_plain(struct run *r, struct str args)
{
	r->door.plain_ok = str_eq(args, STR("yes"));
}

static void
do_session(struct run *r, struct str args)
{
	(void)args;
	r->in_session = true;
	session_greet(&r->session);
	collect(r, &r->session.out);
}

static void
do_event(struct run *r, struct str args)
{
	EXPECT(r, r->event != NULL && str_eq(str_c(r->event), args),
	    "event %s, not %.*s", r->event != NULL ? r->event : "none",
	    STR_ARG(args));
	r->event = NULL;
}

static void
expect_str(struct run *r, struct str have, struct str want)
{
	EXPECT(r, str_eq(have, want), "have \"%.*s\" want \"%.*s\"",
	    STR_ARG(have), STR_ARG(want));
}

static void
do_user(struct run *r, struct str args)
{
	expect_str(r, buf_str(&r->door.user), args);
}

static void
do_secret(struct run *r, struct str args)
{
	expect_str(r, buf_str(&r->door.secret), args);
}

static void
do_mech(struct run *r, struct str args)
{
	expect_str(r, str_c(r->door.mech), args);
}

static void
do_initial(struct run *r, struct str args)
{
	expect_str(r, r->door.has_initial ? STR("yes") : STR("no"), args);
}

static void
do_left(struct run *r, struct str args)
{
	EXPECT(r, str_starts(r->left, args), "left \"%.*s\"",
	    STR_ARG(r->left));
}

static void
do_refuse(struct run *r, struct str args)
{
	static const char *const results[] = { [AUTH_OK] = "ok",
		[AUTH_BAD] = "bad", [AUTH_TEMPORARY] = "temporary",
		[AUTH_NOT_ALLOWED] = "not-allowed",
		[AUTH_MALFORMED] = "malformed", [AUTH_NO_MECH] = "no-mech" };
	struct str word = str_take_word(&args);

	for (size_t i = 0; i < N_OF(results); i++)
		if (str_eq(word, str_c(results[i])))
			r->event = door_events[door_refused(
			    &r->door, (enum auth_result)i, args)];
	collect(r, &r->door.out);
}

static void
do_challenge(struct run *r, struct str args)
{
	door_challenge(&r->door, args);
	collect(r, &r->door.out);
}

static void
do_tls(struct run *r, struct str args)
{
	(void)args;
	door_tls_on(&r->door);
}

static void
do_marked(struct run *r, struct str args)
{
	for (uint32_t i = 1; i <= 3; i++) {
		struct str rest = args;
		uint32_t n = 0;

		while (rest.n != 0 && n != i)
			num_u32(str_take_word(&rest), &n);
		EXPECT(r, r->memory.list[i - 1].marked == (n == i),
		    "message %u", i);
	}
}

static void
do_updated(struct run *r, struct str args)
{
	session_updated(&r->session, str_eq(args, STR("yes")));
	collect(r, &r->session.out);
}

static void
do_gone(struct run *r, struct str args)
{
	uint32_t n = 0;

	num_u32(args, &n);
	r->memory.gone[n - 1] = true;
}

static void
do_broken(struct run *r, struct str args)
{
	uint32_t n = 0;

	num_u32(args, &n);
	r->memory.broken[n - 1] = true;
}

static const struct order {
	const char *word;
	void (*run)(struct run *r, struct str args);
} orders[] = {
	{ "greet", do_greet },     /* the door begins, with TLS and SASL */
	{ "plain", do_plain },     /* yes: passwords in the clear */
	{ "session", do_session }, /* logged in */
	{ "event", do_event },     /* the machine gave this event */
	{ "user", do_user },       /* what came with it */
	{ "secret", do_secret },
	{ "mech", do_mech },
	{ "initial", do_initial },
	{ "left", do_left },       /* not taken from the input */
	{ "refuse", do_refuse },   /* RESULT TEXT: the owner's answers */
	{ "challenge", do_challenge },
	{ "tls", do_tls },
	{ "marked", do_marked },   /* just these messages are marked */
	{ "updated", do_updated },
	{ "gone", do_gone },       /* message N */
	{ "broken", do_broken },
};

static void
order(struct run *r, struct str line)
{
	struct str word = str_first(line, str_find(line, ' '));
	struct str args = str_from(line, word.n + 1);

	for (size_t i = 0; i < N_OF(orders); i++) {
		if (str_eq(word, str_c(orders[i].word))) {
			orders[i].run(r, args);
			return;
		}
	}
	EXPECT(r, false, "no such order");
}

static void
one_line(struct run *r, struct str line)
{
	struct str said = buf_str(&r->said);
	size_t end;

	if (line.n == 0 || line.p[0] == '#')
		return;
	if (str_take_prefix(&line, STR("! "))) {
		order(r, line);
	} else if (str_take_prefix(&line, STR("S: "))) {
		end = str_find_str(said, STR("\r\n"));
		EXPECT(r, end < said.n, "nothing said; want \"%.*s\"",
		    STR_ARG(line));
		expect_str(r, str_first(said, end), line);
		buf_drop(&r->said, end + 2);
	} else {
		EXPECT(r, r->event == NULL, "event %s", r->event);
		EXPECT(r, buf_len(&r->packet) != 0 || said.n == 0,
		    "also said \"%.*s\"", STR_ARG(said));
		buf_add(&r->packet, str_from(line, 3));
		buf_add(&r->packet, STR("\r\n"));
		if (str_starts(line, STR("C+ ")))
			return;
		feed(r, buf_str(&r->packet));
		if (r->event == NULL)
			buf_reset(&r->packet);
		else
			buf_drop(&r->packet, buf_len(&r->packet));
	}
}

static void
run_text(const char *where, struct str text, bool by_octet)
{
	static const struct door_conf conf = { .line = 512, .errors = 5,
		.host = "mx.example.org" };
	struct run r = { .where = where, .by_octet = by_octet };

	r.memory.open = -1;
	r.memory.drop = (struct drop){ .list = r.memory.list, .count = 3,
		.uidvalidity = 77, .ops = &memory_ops, .arg = &r.memory };
	for (int i = 0; i < 3; i++)
		r.memory.list[i] = (struct drop_message){ messages[i].uid,
			messages[i].size, false };
	door_init(&r.door, &conf);
	session_init(&r.session, &r.memory.drop, 10);
	buf_init(&r.packet, BUF_NO_MAX);
	buf_init(&r.said, BUF_NO_MAX);
	while (text.n != 0) {
		r.at++;
		one_line(&r, str_take_until(&text, '\n'));
	}
	EXPECT(&r, buf_len(&r.said) == 0, "also said \"%.*s\"",
	    STR_ARG(buf_str(&r.said)));
	EXPECT(&r, r.event == NULL, "event %s", r.event);
	door_clear(&r.door);
	session_clear(&r.session);
	buf_clear(&r.packet);
	buf_clear(&r.said);
}

static void
run_file(const char *path)
{
	FILE *f = fopen(path, "r");
	struct buf b;
	char *w;
	size_t n;

	ck_assert_ptr_nonnull(f);
	buf_init(&b, BUF_NO_MAX);
	do {
		w = buf_reserve(&b, 4096);
		n = fread(w, 1, 4096, f);
		buf_commit(&b, n);
	} while (n != 0);
	fclose(f);
	run_text(path, buf_str(&b), false);
	run_text(path, buf_str(&b), true);
	buf_clear(&b);
}

START_TEST(transcripts)
{
	const char *top = getenv("srcdir");
	char pattern[4096];
	glob_t found;

	snprintf(pattern, sizeof(pattern), "%s/tests/proto/pop3-*.txt",
	    top != NULL ? top : ".");
	ck_assert_int_eq(glob(pattern, 0, NULL, &found), 0);
	ck_assert_uint_ge(found.gl_pathc, 9);
	for (size_t i = 0; i < found.gl_pathc; i++)
		run_file(found.gl_pathv[i]);
	globfree(&found);
}
END_TEST

/* A list of any length costs one step of memory at a time. */
START_TEST(long_list)
{
	struct memory m = { .open = -1 };
	struct session s;
	struct str in = STR("UIDL\r\n");
	size_t octets = 0;

	m.drop = (struct drop){ .count = 100000, .ops = &memory_ops,
		.arg = &m,
		.list = xcalloc(100000, sizeof(struct drop_message)) };
	session_init(&s, &m.drop, 10);
	ck_assert_int_eq(session_feed(&s, &in), SESSION_MORE);
	while (session_is_busy(&s)) {
		ck_assert_int_eq(session_more(&s), SESSION_MORE);
		ck_assert_uint_le(buf_len(&s.out), SESSION_STEP + 100);
		octets += buf_len(&s.out);
		buf_reset(&s.out);
	}
	ck_assert_uint_gt(octets, 2000000);
	session_clear(&s);
	free(m.drop.list);
}
END_TEST

static ssize_t
endless_read(void *arg, uint64_t at, char *out, size_t n)
{
	(void)arg;
	if (at >= 4 * 1024 * 1024)
		return 0;
	for (size_t i = 0; i < n; i++)
		out[i] = (at + i) % 2 == 0 ? '.' : '\n';
	return (ssize_t)n;
}

/* The worst text for the dots: every line is one. */
START_TEST(long_text)
{
	static const struct drop_ops ops = { .open = memory_open,
		.read = endless_read, .close = memory_close };
	struct memory m = { .open = -1 };
	struct drop_message list[1] = { { 10, 1, false } };
	struct session s;
	struct str in = STR("RETR 1\r\n");
	size_t octets = 0;

	m.drop = (struct drop){ .count = 1, .ops = &ops, .arg = &m,
		.list = list };
	session_init(&s, &m.drop, 10);
	ck_assert_int_eq(session_feed(&s, &in), SESSION_MORE);
	while (session_is_busy(&s)) {
		ck_assert_int_eq(session_more(&s), SESSION_MORE);
		ck_assert(!s.out.overflow);
		octets += buf_len(&s.out);
		buf_reset(&s.out);
	}
	ck_assert_uint_eq(octets, STR("+OK 1 octets\r\n").n +
	    2 * 1024 * 1024 * STR("..\r\n").n + STR(".\r\n").n);
	/* A session that ends within a reply lets go of the message. */
	in = STR("RETR 1\r\n");
	ck_assert_int_eq(session_feed(&s, &in), SESSION_MORE);
	ck_assert_int_eq(session_more(&s), SESSION_MORE);
	session_clear(&s);
	ck_assert_int_eq(m.open, -1);
}
END_TEST

/* I06: lines too long, without end, and with odd octets. */
START_TEST(hostile)
{
	static const struct door_conf conf = { .line = 512, .errors = 1000,
		.host = "x" };
	struct door d;
	enum door_event e = DOOR_MORE;
	size_t fed = 0;

	door_init(&d, &conf);
	while (e == DOOR_MORE && fed < 1000000) {
		struct str in = STR("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");

		fed += in.n;
		e = door_feed(&d, &in);
	}
	ck_assert_int_eq(e, DOOR_BYE);
	ck_assert_uint_le(fed, 64 * 512 + 100);
	door_clear(&d);
	for (int i = 0; i < 2000; i++) {
		char octets[64];
		struct str in = str_n(octets, sizeof(octets));

		door_init(&d, &conf);
		for (size_t k = 0; k < sizeof(octets); k++)
			octets[k] = "\0\r\nUSERPAQITCAHLO +=*A \377"
			    [rand() % 25];
		while (in.n != 0) {
			size_t before = in.n;

			if (door_feed(&d, &in) != DOOR_MORE || in.n == before)
				break;
			buf_reset(&d.out);
		}
		door_clear(&d);
	}
}
END_TEST

static TCase *
pop3(void)
{
	TCase *t = tcase_create("pop3");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, transcripts);
	tcase_add_test(t, long_list);
	tcase_add_test(t, long_text);
	tcase_add_test(t, hostile);
	return t;
}

UNIT_MAIN("pop3", pop3)
