#include "delivery/smtp/client.h"

#include <stdio.h>

#include "base/fatal.h"
#include "delivery/smtp/commands.h"
#include "mail/reply_kind.h"

void
client_init(struct client *c, const struct client_conf *conf)
{
	*c = (struct client){ .conf = *conf, .state = AT_GREETING, .due = 1 };
	smtp_reply_init(&c->reply);
	buf_init(&c->out, BUF_NO_MAX);
	buf_init(&c->failure.text, REPLY_TEXT_MAX);
}

void
client_clear(struct client *c)
{
	smtp_reply_clear(&c->reply);
	buf_clear(&c->out);
	buf_clear(&c->failure.text);
}

bool
client_is_after_dot(const struct client *c)
{
	return c->state == AT_DOT || c->state == AT_DOT_OUT;
}

/* --- ends -------------------------------------------------------------- */

static enum client_event
over(struct client *c, enum client_end end, unsigned code,
    const char *enhanced, const char *words)
{
	struct client_failure *f = &c->failure;

	if (c->state == AT_OVER)
		return CLIENT_OVER;
	f->end = end;
	f->after_dot = client_is_after_dot(c);
	f->permanent = code >= 500;
	f->code = code;
	snprintf(f->enhanced, sizeof(f->enhanced), "%s", enhanced);
	if (buf_len(&f->text) == 0)
		buf_add(&f->text, str_first(str_c(words), REPLY_TEXT_MAX));
	c->state = AT_OVER;
	return CLIENT_OVER;
}

/* The text of the reply on one line. */
static void
reply_line(const struct client *c, struct buf *out)
{
	const struct str text =
	    str_first(buf_str(&c->reply.text), REPLY_TEXT_MAX - 1);

	for (size_t i = 0; i < text.n; i++)
		buf_add_char(out, text.p[i] == '\n' ? ' ' : text.p[i]);
}

static void
reply_enhanced(const struct client *c, char out[12])
{
	const struct smtp_reply *r = &c->reply;

	if (r->class != 0)
		snprintf(out, 12, "%u.%u.%u", r->class % 10,
		    r->subject % 1000, r->detail % 1000);
	else
		snprintf(out, 12, "%u.0.0", r->code / 100 % 10);
}

/* The server's own reply ends the session. */
static enum client_event
over_reply(struct client *c, enum client_end end, bool permanent)
{
	const unsigned code = c->reply.code;
	char enhanced[12];

	reply_line(c, &c->failure.text);
	reply_enhanced(c, enhanced);
	if (code < 400) { /* it said yes where it cannot */
		buf_reset(&c->failure.text);
		return over(c, END_PROTOCOL, 451, "4.5.0",
		    "the server's reply makes no sense here");
	}
	over(c, end, code, enhanced, "");
	c->failure.said = true;
	c->failure.permanent = permanent;
	/* What will be tried again is temporary in its code too. */
	if (!permanent && enhanced[0] == '5')
		c->failure.enhanced[0] = '4';
	return CLIENT_OVER;
}

/* said: what came, of which the first line is told. */
static enum client_event
spoke(struct client *c, struct str said)
{
	enum { SAID_MAX = 200 };
	struct buf *text = &c->failure.text;

	said = str_first(str_take_until(&said, '\n'), SAID_MAX);
	buf_add_c(text, "the server spoke out of turn: ");
	for (size_t i = 0; i < said.n; i++)
		if (said.p[i] != '\r')
			buf_add_char(text, said.p[i] < ' ' || said.p[i] > '~' ?
			    '?' : said.p[i]);
	return over(c, END_PROTOCOL, 451, "4.5.0", "");
}

/* A reply that has no meaning here. */
static enum client_event
out_of_turn(struct client *c)
{
	return spoke(c, buf_str(&c->reply.text));
}

enum client_event
client_lost(struct client *c, const char *words)
{
	return over(c, END_LOST, 451, "4.4.2", words);
}

enum client_event
client_unread(struct client *c)
{
	return over(c, END_TEXT, 451, "4.3.0",
	    "the message cannot be read from the queue's disk");
}

/* --- greeting, EHLO, STARTTLS ------------------------------------------ */

static enum client_event
say(struct client *c, enum client_state next, const char *line)
{
	buf_add_c(&c->out, line);
	buf_add_c(&c->out, "\r\n");
	c->due++;
	c->state = next;
	return CLIENT_WAIT;
}

static enum client_event
say_hello(struct client *c, enum client_state next)
{
	const char *verb = c->conf.lmtp ? "LHLO" :
	    next == AT_EHLO             ? "EHLO" :
	                                  "HELO";

	buf_addf(&c->out, "%s %s\r\n", verb, c->conf.hostname);
	c->due++;
	c->state = next;
	return CLIENT_WAIT;
}

static enum client_event
on_greeting(struct client *c)
{
	struct str text = buf_str(&c->reply.text);

	if (c->reply.code != 220)
		/* RFC 5321 4.2: 554 here says "no service"; another host
		 * of the domain, or a later time, may do. */
		return over_reply(c, END_REPLY, false);
	text = str_first(text, str_find(text, '\n'));
	if (c->conf.check_loop &&
	    str_ieq(str_take_word(&text), str_c(c->conf.hostname)))
		return over(c, END_LOOP, 554, "5.4.6",
		    "mail loops back to this server");
	return say_hello(c, AT_EHLO);
}

static enum client_event
ready(struct client *c)
{
	c->state = AT_READY;
	return CLIENT_READY;
}

/* After EHLO or HELO: encrypt first, as the policy has it. */
static enum client_event
after_hello(struct client *c)
{
	const bool offered = (c->ehlo.can & EHLO_STARTTLS) != 0;

	if (c->tls || c->conf.tls == ROUTE_TLS_NONE)
		return ready(c);
	if (offered)
		return say(c, AT_STARTTLS, "STARTTLS");
	if (c->conf.tls == ROUTE_TLS_MAY)
		return ready(c);
	return over(c, END_TLS, 454, "4.7.4",
	    "TLS is required, and the server does not offer it");
}

static enum client_event
on_ehlo(struct client *c)
{
	if (c->reply.code / 100 == 2) {
		ehlo_parse(buf_str(&c->reply.text), &c->ehlo);
		return after_hello(c);
	}
	if (c->reply.code / 100 == 5 && !c->conf.lmtp)
		return say_hello(c, AT_HELO);
	return over_reply(c, END_REPLY, false);
}

static enum client_event
on_helo(struct client *c)
{
	if (c->reply.code / 100 == 2)
		return after_hello(c);
	return over_reply(c, END_REPLY, false);
}

static enum client_event
on_starttls(struct client *c)
{
	if (c->reply.code == 220) {
		c->state = AT_TLS;
		return CLIENT_TLS;
	}
	if (c->conf.tls == ROUTE_TLS_MAY && c->reply.code >= 400)
		return ready(c);
	return over_reply(c, END_TLS, false);
}

enum client_event
client_tls_started(struct client *c)
{
	/* RFC 3207 4.2: all that was learnt in clear is forgotten. */
	c->tls = true;
	c->ehlo = (struct ehlo){ 0 };
	smtp_reply_reset(&c->reply);
	return say_hello(c, AT_EHLO);
}

/* --- a mail ------------------------------------------------------------ */

enum client_fit
client_fits(const struct client *c, uint32_t flags, uint64_t size)
{
	const struct ehlo *e = &c->ehlo;

	if ((flags & ENV_UTF8) != 0 && (e->can & EHLO_SMTPUTF8) == 0)
		return CLIENT_NO_UTF8;
	if ((flags & ENV_8BIT) != 0 && (e->can & EHLO_8BITMIME) == 0)
		return CLIENT_NO_8BIT;
	if ((e->can & EHLO_SIZE) != 0 && e->size != 0 && size > e->size)
		return CLIENT_TOO_BIG;
	return CLIENT_FITS;
}

size_t
client_rcpts_max(const struct client *c)
{
	const uint32_t said = c->ehlo.rcpt_max;

	return said != 0 && said < CLIENT_RCPTS_MAX ? said : CLIENT_RCPTS_MAX;
}

static void
write_rcpt(struct client *c)
{
	c->due++;
	command_rcpt(&c->out, &c->mail->rcpts[c->written++], c->mail->flags,
	    c->ehlo.can);
}

void
client_begin(struct client *c, const struct client_mail *mail)
{
	if (c->state != AT_READY || mail->nrcpts == 0)
		fatal("client_begin in state %d", (int)c->state);
	c->mail = mail;
	c->mails++;
	c->next = c->written = c->accepted = 0;
	c->slow_down = c->refused = false;
	c->state = AT_MAIL;
	c->due++;
	command_mail(&c->out, mail, c->ehlo.can);
	/* DATA is not in the group (RFC 2920 3.1 allows it): when all
	 * recipients are refused there must be no 354 to undo. */
	if ((c->ehlo.can & EHLO_PIPELINING) != 0)
		while (c->written < mail->nrcpts)
			write_rcpt(c);
}

static void
fate(struct client *c, size_t rcpt, enum job_status status)
{
	struct buf text;
	char enhanced[12];
	struct client_result r = { .status = status, .code = c->reply.code };

	buf_init(&text, REPLY_TEXT_MAX);
	reply_line(c, &text);
	reply_enhanced(c, enhanced);
	r.enhanced = str_c(enhanced);
	r.text = buf_str(&text);
	c->mail->rcpts[rcpt].accepted = false;
	c->mail->on_fate(c->mail->arg, rcpt, &r);
	buf_clear(&text);
}

/* The reply counts for every recipient that was accepted so far. */
static void
fate_accepted(struct client *c, enum job_status status)
{
	for (size_t i = 0; i < c->mail->nrcpts; i++)
		if (c->mail->rcpts[i].accepted)
			fate(c, i, status);
}

static enum client_event
mail_over(struct client *c, bool clean)
{
	c->accepted = 0;
	if (!clean)
		return say(c, AT_RSET, "RSET");
	c->mail = NULL;
	c->state = AT_READY;
	return CLIENT_DONE;
}

/* 4xx and 5xx; anything else that is not what was wanted is nonsense. */
static bool
is_refusal(unsigned code)
{
	return code >= 400 && code <= 599;
}

static enum job_status
status_of(unsigned code)
{
	return code >= 500 ? JOB_PERMANENT : JOB_TEMPORARY;
}

static enum client_event
on_mail(struct client *c)
{
	if (c->reply.code / 100 == 2) {
		if (c->written == 0)
			write_rcpt(c);
		c->state = AT_RCPT;
		return CLIENT_WAIT;
	}
	if (!is_refusal(c->reply.code))
		return out_of_turn(c);
	c->refused = true;
	for (size_t i = 0; i < c->mail->nrcpts; i++)
		fate(c, i, status_of(c->reply.code));
	/* Replies to the RCPTs of the group are still to come. */
	if (c->written > 0) {
		c->state = AT_RCPT;
		return CLIENT_WAIT;
	}
	return mail_over(c, false);
}

static enum client_event
on_rcpt(struct client *c)
{
	const size_t i = c->next++;
	struct client_rcpt *r = &c->mail->rcpts[i];

	/* After a refused MAIL the replies to its group change nothing. */
	if (!c->refused && c->reply.code / 100 == 2) {
		r->accepted = true;
		c->accepted++;
	} else if (!c->refused && is_refusal(c->reply.code)) {
		fate(c, i, status_of(c->reply.code));
	} else if (!c->refused) {
		return out_of_turn(c);
	}
	if (c->next < c->written)
		return CLIENT_WAIT;
	if (c->next < c->mail->nrcpts && !c->refused) {
		write_rcpt(c);
		return CLIENT_WAIT;
	}
	if (c->accepted == 0)
		return mail_over(c, false);
	return say(c, AT_DATA, "DATA");
}

static enum client_event
on_data(struct client *c)
{
	if (c->reply.code == 354) {
		crlf_out_init(&c->crlf, true);
		/* Some peers take a bare CR for a line end (I12). */
		c->crlf.strict = true;
		c->state = AT_TEXT;
		return CLIENT_TEXT;
	}
	if (!is_refusal(c->reply.code))
		return out_of_turn(c);
	fate_accepted(c, status_of(c->reply.code));
	return mail_over(c, false);
}

void
client_text(struct client *c, struct str piece)
{
	crlf_out_feed(&c->crlf, &piece, &c->out, SIZE_MAX / 2);
}

void
client_dot(struct client *c)
{
	crlf_out_end(&c->crlf, &c->out);
	c->due += c->conf.lmtp ? (unsigned)c->accepted : 1;
	c->next = 0;
	c->state = AT_DOT_OUT;
}

void
client_drained(struct client *c)
{
	if (c->state == AT_DOT_OUT)
		c->state = AT_DOT;
}

static enum client_event
on_dot(struct client *c)
{
	const unsigned code = c->reply.code;
	const enum job_status status =
	    code / 100 == 2 ? JOB_OK : status_of(code);

	if (status != JOB_OK && !is_refusal(code))
		return out_of_turn(c);
	if (!c->conf.lmtp) {
		fate_accepted(c, status);
		return mail_over(c, true);
	}
	/* RFC 2033 4.2: one reply for each accepted recipient, in order. */
	while (!c->mail->rcpts[c->next].accepted)
		c->next++;
	fate(c, c->next, status);
	if (--c->accepted > 0)
		return CLIENT_WAIT;
	return mail_over(c, true);
}

static enum client_event
on_rset(struct client *c)
{
	if (c->reply.code / 100 != 2)
		return over_reply(c, END_REPLY, false);
	return mail_over(c, true);
}

void
client_quit(struct client *c)
{
	say(c, AT_QUIT, "QUIT");
}

static enum client_event
on_quit(struct client *c)
{
	return over(c, END_QUIT, 221, "2.0.0", "closed");
}

/* --- dispatch ---------------------------------------------------------- */

typedef enum client_event reply_fn(struct client *c);

/* Where no reply is due there is no function. */
static reply_fn *const replies[] = {
	[AT_GREETING] = on_greeting,
	[AT_EHLO] = on_ehlo,
	[AT_HELO] = on_helo,
	[AT_STARTTLS] = on_starttls,
	[AT_MAIL] = on_mail,
	[AT_RCPT] = on_rcpt,
	[AT_DATA] = on_data,
	[AT_DOT] = on_dot,
	[AT_RSET] = on_rset,
	[AT_QUIT] = on_quit,
	[AT_OVER] = NULL,
};

static enum client_event
on_reply(struct client *c)
{
	const struct smtp_reply *r = &c->reply;
	char enhanced[12];

	reply_enhanced(c, enhanced);
	if (reply_hint(r->code, str_c(enhanced), buf_str(&r->text)).kind ==
	    REPLY_SLOW)
		c->slow_down = true;
	if (r->code == 421)
		c->closing = true;
	/* RFC 5321 3.8: 421 may be the answer to anything; it hangs up. */
	if (r->code == 421 && c->state != AT_DOT)
		return over_reply(c, END_REPLY, false);
	return replies[c->state](c);
}

enum client_event
client_feed(struct client *c, struct str *in)
{
	/* Answers to what was said before this call: what is in out only
	 * since then cannot have been answered. */
	unsigned due = c->due;
	enum client_event event = CLIENT_WAIT;

	while (in->n > 0 && event == CLIENT_WAIT) {
		if (replies[c->state] == NULL || due == 0)
			return spoke(c, *in);
		switch (smtp_reply_feed(&c->reply, in)) {
		case SMTP_REPLY_MORE:
			return CLIENT_WAIT;
		case SMTP_REPLY_BROKEN:
			return over(c, END_PROTOCOL, 451, "4.5.0",
			    "the server's reply is not SMTP");
		case SMTP_REPLY_DONE:
			due--;
			c->due--;
			c->replies++;
			event = on_reply(c);
			smtp_reply_reset(&c->reply);
		}
	}
	if (in->n > 0 && event != CLIENT_OVER)
		return spoke(c, *in);
	return event;
}
