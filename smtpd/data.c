#include "smtpd/session_int.h"

#include <string.h>

enum { KEPT_MAX = HEADER_MAX + SMTP_STEP };

/* Ports whose clients may leave header fields to us (RFC 6409 8). */
static bool
is_submission(const struct smtp_session *s)
{
	return s->policy->kind == SMTP_SUBMISSION ||
	    s->policy->kind == SMTP_SUBMISSIONS ||
	    s->policy->kind == SMTP_LOCAL;
}

void
cmd_data(struct smtp_session *s, struct str arg)
{
	(void)arg;
	if (!s->calls->open(s->arg, &s->tx)) {
		smtp_reply_c(s, 451, "4.3.0 the queue is not there, try later");
		smtp_tx_end(s);
		return;
	}
	s->open = true;
	s->prefixed = false;
	s->received = 0;
	s->verdict = 0;
	crlf_in_init(&s->body);
	header_scan_init(&s->head, s->policy->hops_max);
	smtp_goto(s, SMTP_DATA);
	smtp_reply_c(s, 354, "end with a dot on a line of its own");
}

/* The message will be refused at its end; until then it is thrown away. */
static void
condemn(struct smtp_session *s, unsigned code, struct str text)
{
	if (s->verdict != 0)
		return;
	s->verdict = code;
	text = str_first(text, sizeof(s->verdict_text) - 1);
	memcpy(s->verdict_text, text.p, text.n);
	s->verdict_text[text.n] = '\0';
	buf_clear(&s->kept);
	if (s->open) {
		s->open = false;
		s->calls->cancel(s->arg);
	}
}

static const struct str bare_text =
    STR_INIT("5.6.11 bare CR or LF in the message (RFC 5321 2.3.8)");

static bool
is_bare(const struct smtp_session *s)
{
	return s->body.bare_cr || s->body.bare_lf;
}

static void
judge_header(struct smtp_session *s, enum header_verdict v)
{
	struct str text;
	unsigned code = header_refusal(v, &text);

	if (code != 0)
		condemn(s, code, text);
}

/* What can be judged while the octets pass by. */
static void
judge(struct smtp_session *s, struct str text)
{
	if (!s->head.done) {
		header_scan_feed(&s->head, text);
		judge_header(s, s->head.limit);
	}
	if (is_bare(s))
		condemn(s, 550, bare_text);
	if (s->received > s->policy->size_max)
		condemn(s, 552, STR("5.3.4 the message is too large"));
}

/* A message that begins with something else than a field. */
static bool
is_headless(const struct smtp_session *s)
{
	struct str kept = buf_str(&s->kept);
	struct str line = str_take_until(&kept, '\n');
	size_t colon = str_find(line, ':');

	if (line.n == 0) /* an empty header section, or nothing at all */
		return false;
	for (size_t i = 0; i < colon; i++)
		if (line.p[i] <= ' ' || line.p[i] > '~')
			return true;
	return colon == 0 || colon == line.n;
}

/* What is known by now goes before the body. */
static void
send_prefix(struct smtp_session *s)
{
	/* Said without BODY=8BITMIME: true all the same. */
	if (s->body.eight)
		s->tx.flags |= ENV_8BIT;
	s->prefixed = true;
	s->calls->prefix(s->arg, &s->tx);
}

/* The header is known: what it lacks goes before it. */
static void
send_kept(struct smtp_session *s)
{
	const unsigned wanted =
	    HEADER_HAS_FROM | HEADER_HAS_DATE | HEADER_HAS_MESSAGE_ID;

	s->tx.missing = wanted & ~s->head.has;
	s->tx.headless = is_headless(s);
	send_prefix(s);
	if (buf_len(&s->kept) != 0 && s->open)
		s->calls->body(s->arg, buf_str(&s->kept));
	buf_clear(&s->kept);
}

static void
pass_on(struct smtp_session *s, struct str text, bool last)
{
	if (!s->prefixed && !is_submission(s))
		send_prefix(s);
	if (s->prefixed) {
		if (text.n != 0 && s->open)
			s->calls->body(s->arg, text);
		return;
	}
	buf_add(&s->kept, text);
	if (s->head.done || last || buf_len(&s->kept) > KEPT_MAX)
		send_kept(s);
}

static void
end_of_data(struct smtp_session *s)
{
	if (s->verdict == 0) {
		/* What only the end can tell. */
		judge_header(s, header_scan_verdict(&s->head));
	} else if (is_bare(s)) {
		/* Of several reasons this one, which closes the session. */
		s->verdict = 0;
		condemn(s, 550, bare_text);
	}
	if (s->verdict != 0) {
		struct str text = str_c(s->verdict_text);

		s->calls->event(s->arg, SMTP_EV_BODY_REFUSED, STR_NONE,
		    s->verdict, text);
		smtp_data_done(s, s->verdict, text);
		return;
	}
	s->waiting = SMTP_WAIT_QUEUED;
	s->calls->end(s->arg);
}

size_t
smtp_data_feed(struct smtp_session *s, struct str in)
{
	struct str rest = str_first(in, SMTP_STEP);
	size_t before = rest.n;
	bool last;

	buf_reset(s->work);
	last = crlf_in_feed(&s->body, &rest, s->work);
	s->received += before - rest.n;
	if (s->verdict == 0)
		judge(s, buf_str(s->work));
	if (s->verdict == 0)
		pass_on(s, buf_str(s->work), last);
	if (last)
		end_of_data(s);
	return before - rest.n;
}

/* RFC 2033 4.2: LMTP has one reply for each recipient that was accepted. */
void
smtp_data_done(struct smtp_session *s, unsigned code, struct str text)
{
	bool bare = is_bare(s);
	uint32_t n = s->policy->kind == SMTP_LMTP ? s->tx.nrcpts : 1;

	while (n-- != 0)
		smtp_reply(s, code, text);
	smtp_tx_end(s);
	/* Two readers might disagree on what follows: nothing may. */
	if (bare)
		smtp_goto(s, SMTP_END);
	else if (s->stopping)
		smtp_hang_up(s, 421, "4.3.2 this server is going down");
}

void
smtp_session_on_queued(struct smtp_session *s, unsigned code, struct str text)
{
	if (!s->open)
		return;
	s->open = false;
	if (s->waiting != SMTP_WAIT_QUEUED) {
		/* Refused before its end. */
		condemn(s, code != 250 ? code : 451, text);
		return;
	}
	s->waiting = SMTP_WAIT_NONE;
	if (code == 250)
		s->messages++;
	s->calls->event(s->arg,
	    code == 250 ? SMTP_EV_ACCEPTED : SMTP_EV_BODY_REFUSED, STR_NONE,
	    code, text);
	smtp_data_done(s, code, text);
}
