/* links: smtpd common/msg common/mail common/base */
/*
 * The session machine against a model of a page: random walks over commands,
 * cut at random places, with answers early and late.  The reply codes must be
 * those of the model (I08, I09), and no message may stay open.  With the
 * first octet odd the rest is fed as it is: no model, only no crash.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/smtpd/rig.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What RFC 5321 says happens, told once more and differently. */
struct model {
	bool lmtp, hello, tls, closed;
	int at;            /* 0 no transaction, 1 MAIL, 2 RCPT */
	unsigned rcpts;    /* accepted */
	bool early, late, mail_failed;
	unsigned errors, refused, messages;
	char codes[1024];
	size_t n;
};

enum act { A_EHLO, A_LHLO, A_HELO, A_MAIL, A_MAIL_BAD, A_RCPT, A_RCPT_NONE,
	A_RCPT_FAR, A_RCPT_EARLY, A_RCPT_LATE, A_RCPT_BAD, A_DATA,
	A_DATA_BARE, A_DATA_BIG, A_RSET, A_NOOP, A_QUIT, A_VRFY, A_JUNK,
	A_LONG, A_TLS, A_TLS_MORE, A_AUTH, A_GET, A_COUNT };

static const char *const says[A_COUNT] = {
	[A_EHLO] = "EHLO c.test\r\n",
	[A_LHLO] = "lhlo c.test\r\n",
	[A_HELO] = "Helo c.test\r\n",
	[A_MAIL] = "MAIL FROM:<a@b.test>\r\n",
	[A_MAIL_BAD] = "MAIL FROM:a@b.test\r\n",
	[A_RCPT] = "rcpt to:<user@local.test>\r\n",
	[A_RCPT_NONE] = "RCPT TO:<nobody@local.test>\r\n",
	[A_RCPT_FAR] = "RCPT TO:<x@far.test>\r\n",
	[A_RCPT_EARLY] = "RCPT TO:<refuse@local.test>\r\n",
	[A_RCPT_LATE] = "RCPT TO:<late@local.test>\r\n",
	[A_RCPT_BAD] = "RCPT FOR:<user@local.test>\r\n",
	[A_DATA] = "DATA\r\n",
	[A_DATA_BARE] = "DATA\r\n",
	[A_DATA_BIG] = "DATA\r\n",
	[A_RSET] = "RSET\r\n",
	[A_NOOP] = "NOOP\r\n",
	[A_QUIT] = "QUIT\r\n",
	[A_VRFY] = "VRFY user\r\n",
	[A_JUNK] = "BDAT 0 LAST\r\n",
	[A_LONG] = NULL,
	[A_TLS] = "STARTTLS\r\n",
	[A_TLS_MORE] = "STARTTLS\r\nNOOP\r\n",
	[A_AUTH] = "AUTH PLAIN AAAA\r\n",
	[A_GET] = "GET / HTTP/1.1\r\n",
};

static void
code(struct model *m, int c)
{
	m->n += (size_t)snprintf(m->codes + m->n, sizeof(m->codes) - m->n,
	    "%d ", c);
}

static void
error(struct model *m, int c)
{
	code(m, c);
	if (++m->errors == 5) {
		code(m, 421);
		m->closed = true;
	}
}

static void
no_transaction(struct model *m)
{
	m->at = 0;
	m->rcpts = 0;
	m->early = m->late = m->mail_failed = false;
}

static void
model_rcpt(struct model *m, enum act a)
{
	if (m->at == 0) {
		if (m->mail_failed)
			code(m, 503);
		else
			error(m, 503);
	} else if (a == A_RCPT_BAD) {
		error(m, 501);
	} else if (m->rcpts == 5) {
		code(m, 452);
	} else if (a == A_RCPT_NONE || a == A_RCPT_FAR) {
		code(m, a == A_RCPT_NONE ? 550 : 554);
		if (++m->refused == SMTP_REFUSED_MAX) {
			code(m, 421);
			m->closed = true;
		}
	} else {
		code(m, 250);
		m->at = 2;
		m->rcpts++;
		m->early |= a == A_RCPT_EARLY;
		m->late |= a == A_RCPT_LATE;
	}
}

static void
model_data(struct model *m, enum act a)
{
	unsigned n = m->lmtp ? m->rcpts : 1;
	int c;

	if (m->at != 2) {
		if (m->at == 1 || m->mail_failed)
			code(m, 503);
		else
			error(m, 503);
		return;
	}
	code(m, 354);
	c = a == A_DATA_BARE ? 550 : a == A_DATA_BIG && !m->early ? 552
	    : m->early ? 452 : m->late ? 451 : 250;
	while (n-- != 0)
		code(m, c);
	m->messages += c == 250;
	no_transaction(m);
	if (a == A_DATA_BARE)
		m->closed = true;
}

static void
model_hello(struct model *m, enum act a)
{
	if ((a == A_LHLO) != m->lmtp) {
		error(m, 500);
		return;
	}
	code(m, 250);
	m->hello = true;
	no_transaction(m);
}

static void
model_tls(struct model *m, enum act a)
{
	if (!m->hello || m->at != 0 || m->tls) {
		error(m, 503);
		if (a == A_TLS_MORE && !m->closed)
			code(m, 250); /* its NOOP */
		return;
	}
	code(m, 220);
	m->closed = a == A_TLS_MORE;
	m->tls = true;
	m->hello = false;
	no_transaction(m);
}

static void
model_mail(struct model *m, enum act a)
{
	if (!m->hello || m->at != 0) {
		error(m, 503);
	} else if (m->messages == 3) {
		code(m, 421);
		m->closed = true;
	} else if (a == A_MAIL_BAD) {
		m->mail_failed = true;
		error(m, 501);
	} else {
		m->mail_failed = false;
		code(m, 250);
		m->at = 1;
	}
}

static void
model_auth(struct model *m)
{
	if (!m->hello || m->at != 0)
		error(m, 503);
	else if (!m->tls)
		code(m, 538);
	else
		error(m, 502);
}

static void
model_act(struct model *m, enum act a)
{
	if (a == A_EHLO || a == A_LHLO || a == A_HELO)
		model_hello(m, a);
	else if (a == A_MAIL || a == A_MAIL_BAD)
		model_mail(m, a);
	else if (a >= A_RCPT && a <= A_RCPT_BAD)
		model_rcpt(m, a);
	else if (a >= A_DATA && a <= A_DATA_BIG)
		model_data(m, a);
	else if (a == A_TLS || a == A_TLS_MORE)
		model_tls(m, a);
	else if (a == A_AUTH)
		model_auth(m);
	else if (a == A_JUNK || a == A_LONG)
		error(m, 500);
	else if (a == A_QUIT || a == A_GET) {
		code(m, a == A_QUIT ? 221 : 421);
		m->closed = true;
	} else {
		if (a == A_RSET)
			no_transaction(m);
		code(m, a == A_VRFY ? 252 : 250);
	}
}

/* The codes of whole replies: "250-x\r\n250 y\r\n" is one. */
static void
codes_of(struct str said, char *out, size_t size)
{
	size_t n = 0;

	out[0] = '\0';
	while (said.n != 0) {
		struct str line = str_take_until(&said, '\n');

		if (line.n > 3 && line.p[3] == ' ' && n + 5 < size)
			n += (size_t)snprintf(out + n, size - n, "%.3s ",
			    line.p);
	}
}

static void
cut_feed(struct rig *r, struct str in, size_t cut)
{
	if (cut != 0 && cut < in.n)
		rig_feed(r, str_take(&in, cut));
	rig_feed(r, in);
}

static void
body(struct buf *out, enum act a)
{
	buf_add_c(out, "A: b\r\n\r\n..x\r\n");
	if (a == A_DATA_BARE)
		buf_add_c(out, "\n.\r\nRSET\r\n");
	for (int i = 0; a == A_DATA_BIG && i < 2000; i++)
		buf_add_c(out, "0123456789012345678901234567890123456789"
		               "0123456789\r\n");
	buf_add_c(out, ".\r\n");
}

static void
act(struct rig *r, struct model *m, enum act a, size_t cut)
{
	bool data = a >= A_DATA && a <= A_DATA_BIG && m->at == 2;
	bool tls = m->tls;
	struct buf in;

	model_act(m, a);
	buf_init(&in, BUF_NO_MAX);
	if (a == A_LONG)
		for (int i = 0; i < 1100; i++)
			buf_add_char(&in, 'N');
	buf_add_c(&in, a == A_LONG ? "\r\n" : says[a]);
	if (data)
		body(&in, a);
	cut_feed(r, buf_str(&in), cut);
	buf_clear(&in);
	if (m->tls && !tls && !m->closed)
		smtp_session_on_tls(&r->s);
}

static void
check(struct rig *r, const struct model *m)
{
	char got[1024];

	codes_of(buf_str(&r->said), got, sizeof(got));
	if (strcmp(got, m->codes) != 0 ||
	    (r->s.state == SMTP_END) != m->closed ||
	    r->opens != r->ends + r->cancels + r->is_open - 0u) {
		fprintf(stderr, "model %s\nserver %s\n", m->codes, got);
		abort();
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct model m = { 0 };
	struct rig r;

	if (size < 1)
		return 0;
	m.lmtp = (data[0] & 2) != 0;
	rig_init(&r, m.lmtp ? SMTP_LMTP
	    : (data[0] & 9) == 9 ? SMTP_SUBMISSIONS : SMTP_MX);
	r.later = (data[0] & 4) != 0;
	rig_start(&r);
	code(&m, 220);
	if ((data[0] & 1) != 0)
		cut_feed(&r, str_n(data + 1, size - 1), size / 2);
	for (size_t i = 1; (data[0] & 1) == 0 && i + 1 < size && i < 200 &&
	    !m.closed; i += 2) {
		act(&r, &m, data[i] % A_COUNT, data[i + 1]);
		check(&r, &m);
	}
	rig_clear(&r);
	return 0;
}
