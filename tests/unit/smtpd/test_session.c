/* Transcripts of tests/proto/smtp-*.txt against the session machine, with the
 * client's octets cut at every position and answers early and late. */
#include "tests/unit/unit.h"
#include "tests/unit/smtpd/rig.h"

#include <glob.h>
#include <stdio.h>

#include "base/fatal.h"

enum { STEPS_MAX = 256, FILES_MAX = 64 };

/* C: octets of the client; T: the TLS handshake is through. */
struct step {
	char kind;
	struct str octets;
};

struct script {
	char path[256];
	struct buf text, client, wanted, taken;
	struct step steps[STEPS_MAX];
	size_t nsteps;
	enum smtp_kind kind;
	bool trusted, no_tls, no_queue, early, closed;
};

static char paths[FILES_MAX][256];
static int npaths;

/* \r \n \0 \\ and \xHH; * N repeats: {a*2000}. */
static void
unescape(struct buf *out, struct str s)
{
	while (s.n != 0) {
		char c = *str_take(&s, 1).p;

		if (c == '{' && s.n > 2 && s.p[1] == '*') {
			char octet = s.p[0];
			struct str n = str_take_until(&s, '}');
			long times = strtol(n.p + 2, NULL, 10);

			while (times-- > 0)
				buf_add_char(out, octet);
			continue;
		}
		if (c != '\\' || s.n == 0) {
			buf_add_char(out, c);
			continue;
		}
		c = *str_take(&s, 1).p;
		if (c == 'x' && s.n >= 2) {
			int v = chr_hex(s.p[0]) * 16 + chr_hex(s.p[1]);

			buf_add_char(out, (char)v);
			str_take(&s, 2);
		} else {
			buf_add_char(out, c == 'r' ? '\r' : c == 'n' ? '\n'
			    : c == '0' ? '\0' : c);
		}
	}
}

static void
set_option(struct script *t, struct str o)
{
	static const char *const kinds[] = { "smtp", "submission",
		"submissions", "lmtp", "local" };

	for (unsigned k = 0; k < N_OF(kinds); k++)
		if (str_eq(o, str_c(kinds[k])))
			t->kind = (enum smtp_kind)k;
	t->trusted |= str_eq(o, STR("trusted"));
	t->no_tls |= str_eq(o, STR("no-tls"));
	t->no_queue |= str_eq(o, STR("no-queue"));
	t->early |= str_eq(o, STR("early"));
	t->closed |= str_eq(o, STR("closed"));
}

static void
add_step(struct script *t, char kind, size_t from)
{
	struct step *last = t->nsteps != 0 ? &t->steps[t->nsteps - 1] : NULL;

	if (kind == 'C' && last != NULL && last->kind == 'C') {
		last->octets.n = buf_len(&t->client) - (size_t)last->octets.p;
		return;
	}
	ck_assert_uint_lt(t->nsteps, STEPS_MAX);
	/* An offset until the buffer has grown to its end. */
	t->steps[t->nsteps++] = (struct step){ kind,
		{ (const char *)(uintptr_t)from,
		    buf_len(&t->client) - from } };
}

static void
read_line(struct script *t, struct str line)
{
	size_t from = buf_len(&t->client);
	struct str rest = str_from(line, 3);

	if (str_starts(line, STR("C:")) || str_starts(line, STR("C-"))) {
		unescape(&t->client, rest);
		if (line.p[1] == ':')
			buf_add_c(&t->client, "\r\n");
		add_step(t, 'C', from);
	} else if (str_starts(line, STR("S:"))) {
		unescape(&t->wanted, rest);
		buf_add_c(&t->wanted, "\r\n");
	} else if (str_starts(line, STR("Q:"))) {
		unescape(&t->taken, rest);
		buf_add_char(&t->taken, '\n');
	} else if (str_starts(line, STR("T!"))) {
		add_step(t, 'T', from);
	} else if (str_starts(line, STR("@"))) {
		struct str words = str_from(line, 1);

		while (words.n != 0)
			set_option(t, str_take_word(&words));
	} else if (line.n != 0 && line.p[0] != '#') {
		ck_abort_msg("%s: what is \"%.*s\"?", t->path, STR_ARG(line));
	}
}

static void
load(struct script *t, const char *path)
{
	FILE *f = fopen(path, "r");
	struct str text;

	*t = (struct script){ 0 };
	snprintf(t->path, sizeof(t->path), "%s", path);
	ck_assert_ptr_nonnull(f);
	buf_init(&t->text, BUF_NO_MAX);
	buf_init(&t->client, BUF_NO_MAX);
	buf_init(&t->wanted, BUF_NO_MAX);
	buf_init(&t->taken, BUF_NO_MAX);
	for (int c; (c = getc(f)) != EOF;)
		buf_add_char(&t->text, (char)c);
	fclose(f);
	text = buf_str(&t->text);
	while (text.n != 0)
		read_line(t, str_take_until(&text, '\n'));
	for (size_t i = 0; i < t->nsteps; i++)
		t->steps[i].octets.p =
		    buf_str(&t->client).p + (size_t)t->steps[i].octets.p;
}

static void
unload(struct script *t)
{
	buf_clear(&t->text);
	buf_clear(&t->client);
	buf_clear(&t->wanted);
	buf_clear(&t->taken);
}

static void
same(const struct script *t, const char *what, struct buf *got,
    const struct buf *wanted, size_t cut)
{
	if (str_eq(buf_str(got), buf_str(wanted)))
		return;
	ck_abort_msg("%s, cut at %zu: %s\n--- wanted\n%.*s\n--- got\n%.*s",
	    t->path, cut, what, STR_ARG(buf_str(wanted)),
	    STR_ARG(buf_str(got)));
}

/* All steps; each client step is cut after cut octets of the whole. */
static void
run(const struct script *t, size_t cut, bool later)
{
	struct rig r;
	size_t at = 0;

	rig_init(&r, t->kind);
	r.later = later;
	r.client.trusted = t->trusted;
	r.client.early = t->early;
	if (t->kind == SMTP_LOCAL)
		r.client.login = STR("user@local.test");
	r.no_tls = t->no_tls;
	r.no_queue = t->no_queue;
	rig_start(&r);
	for (size_t i = 0; i < t->nsteps; i++) {
		struct str in = t->steps[i].octets;
		size_t first = cut > at ? cut - at : 0;

		if (t->steps[i].kind == 'T') {
			smtp_session_on_tls(&r.s);
			continue;
		}
		at += in.n;
		if (first != 0 && first < in.n)
			rig_feed(&r, str_take(&in, first));
		rig_feed(&r, in);
	}
	same(t, "replies", &r.said, &t->wanted, cut);
	same(t, "messages", &r.taken, &t->taken, cut);
	ck_assert_msg((r.s.state == SMTP_END) == t->closed,
	    "%s, cut at %zu: closed or not", t->path, cut);
	rig_clear(&r);
}

START_TEST(transcript)
{
	struct script t;
	size_t step;

	if (_i >= npaths)
		return;
	load(&t, paths[_i]);
	/* Long ones at some positions only. */
	step = buf_len(&t.client) > 4000 ? 997 : 1;
	for (size_t cut = 0; cut < buf_len(&t.client); cut += step) {
		run(&t, cut, false);
		run(&t, cut, true);
	}
	unload(&t);
}
END_TEST

static void
find_scripts(void)
{
	const char *top = getenv("srcdir");
	char pattern[256];
	glob_t g;

	snprintf(pattern, sizeof(pattern), "%s/tests/proto/smtp-*.txt",
	    top != NULL ? top : ".");
	if (glob(pattern, 0, NULL, &g) != 0)
		fatal("no transcripts at %s", pattern);
	for (size_t i = 0; i < g.gl_pathc && npaths < FILES_MAX; i++)
		snprintf(paths[npaths++], sizeof(paths[0]), "%s",
		    g.gl_pathv[i]);
	globfree(&g);
}

/* I12: of all texts around a dot only CRLF.CRLF ends a message. */
START_TEST(end_of_data)
{
	static const struct str pieces[] = { STR_INIT("\r"), STR_INIT("\n"),
		STR_INIT("\r\n"), STR_INIT("\0"), STR_INIT("\v") };
	char text[32];
	struct rig r;
	int i = _i;
	struct buf in;
	bool ends;

	buf_init(&in, BUF_NO_MAX);
	buf_add_c(&in, "EHLO c\r\nMAIL FROM:<a@b.test>\r\n"
	    "RCPT TO:<user@local.test>\r\nDATA\r\nA: b\r\n\r\nx");
	/* Two pieces, a dot, two pieces. */
	buf_add(&in, pieces[i % 5]);
	buf_add(&in, pieces[i / 5 % 5]);
	buf_add_char(&in, '.');
	buf_add(&in, pieces[i / 25 % 5]);
	buf_add(&in, pieces[i / 125 % 5]);
	ends = i / 5 % 5 == 2 && i / 25 % 5 == 2;
	/* The pieces CR and LF together are CRLF too. */
	ends |= i / 5 % 5 == 1 && i % 5 == 0 && i / 25 % 5 == 2;
	if ((i / 5 % 5 == 2 || (i / 5 % 5 == 1 && i % 5 == 0)) &&
	    i / 25 % 5 == 0 && i / 125 % 5 == 1)
		ends = true;
	rig_init(&r, SMTP_MX);
	rig_start(&r);
	rig_feed(&r, buf_str(&in));
	snprintf(text, sizeof(text), "pieces %d", i);
	ck_assert_msg((r.s.state != SMTP_DATA) == ends, "%s", text);
	rig_clear(&r);
	buf_clear(&in);
}
END_TEST

/* The memory that a peer can make us hold does not grow with what it sends. */
START_TEST(flat_memory)
{
	static char endless[65536];
	struct rig r;

	memset(endless, 'a', sizeof(endless));
	rig_init(&r, SMTP_SUBMISSIONS);
	rig_start(&r);
	for (int i = 0; i < 1000 && r.s.state != SMTP_END; i++)
		rig_feed(&r, str_n(endless, sizeof(endless)));
	ck_assert_int_eq(r.s.state, SMTP_END);
	ck_assert_uint_le(r.s.line.buf.cap, 65536);
	rig_clear(&r);
}
END_TEST

START_TEST(stopping)
{
	struct rig r;

	rig_init(&r, SMTP_MX);
	rig_start(&r);
	rig_feed(&r, STR("EHLO c\r\nMAIL FROM:<>\r\n"
	                 "RCPT TO:<user@local.test>\r\nDATA\r\nx"));
	smtp_session_stop(&r.s);
	ck_assert_int_eq(r.s.state, SMTP_DATA);
	rig_feed(&r, STR("\r\n.\r\nNOOP\r\n"));
	ck_assert_int_eq(r.s.state, SMTP_END);
	ck_assert(str_ends(buf_str(&r.said),
	    STR("250 2.0.0 queued as 1\r\n"
	        "421 4.3.2 this server is going down\r\n")));
	rig_clear(&r);

	rig_init(&r, SMTP_MX);
	rig_start(&r);
	smtp_session_stop(&r.s);
	ck_assert_int_eq(r.s.state, SMTP_END);
	rig_clear(&r);
}
END_TEST

static TCase *
transcripts(void)
{
	TCase *tc = tcase_create("transcripts");

	find_scripts();
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, transcript, 0, FILES_MAX);
	return tc;
}

static TCase *
limits(void)
{
	TCase *tc = tcase_create("limits");

	tcase_add_loop_test(tc, end_of_data, 0, 625);
	tcase_add_test(tc, flat_memory);
	tcase_add_test(tc, stopping);
	return tc;
}

UNIT_MAIN("smtpd session", transcripts, limits)
