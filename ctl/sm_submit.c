#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/sendmail.h"
#include "mail/crlf.h"
#include "mail/smtp_reply.h"
#include "mail/xtext.h"

enum { GREETING_S = 5, REPLY_S = 30, STEP = 65536 };

/* A conversation with our own smtpd. */
struct smtp {
	struct sm *s;
	int fd;
	struct buf in;
	struct smtp_reply reply;
	bool dsn, utf8, eight, drop; /* offered */
};

/* 0: for ever. */
static void
set_wait(int fd, int seconds)
{
	struct timeval tv = { .tv_sec = seconds };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

int
sm_connect(struct sm *s)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int dir = open(s->run.p, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd, saved;

	if (dir == -1)
		return -1;
	snprintf(sun.sun_path, sizeof(sun.sun_path),
	    "/proc/self/fd/%d/submit.sock", dir);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* With nobody there to accept, connect waits for room. */
	if (fd != -1)
		set_wait(fd, GREETING_S);
	if (fd != -1 &&
	    connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		fd = -1;
	}
	saved = errno;
	close(dir);
	errno = saved;
	return fd;
}

static bool
write_all(int fd, struct str out)
{
	while (out.n > 0) {
		ssize_t n = send(fd, out.p, out.n, MSG_NOSIGNAL);

		if (n == -1 && errno == ENOTSOCK)
			n = write(fd, out.p, out.n);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		(void)str_take(&out, (size_t)n);
	}
	return true;
}

/* The next reply's code; 0: no answer, or no SMTP. */
static unsigned
get_reply(struct smtp *c)
{
	enum smtp_reply_result r = SMTP_REPLY_MORE;

	smtp_reply_reset(&c->reply);
	while (r == SMTP_REPLY_MORE) {
		struct str waiting = buf_str(&c->in);
		char octets[4096];
		ssize_t n;

		r = smtp_reply_feed(&c->reply, &waiting);
		buf_drop(&c->in, buf_len(&c->in) - waiting.n);
		if (r != SMTP_REPLY_MORE)
			break;
		n = recv(c->fd, octets, sizeof(octets), 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return 0;
		buf_add(&c->in, str_n(octets, (size_t)n));
	}
	if (c->s->verbose && r == SMTP_REPLY_DONE)
		fprintf(stderr, "<<< %u %.*s\n", c->reply.code,
		    STR_ARG(buf_str(&c->reply.text)));
	return r == SMTP_REPLY_DONE ? c->reply.code : 0;
}

static unsigned
say_line(struct smtp *c, struct buf *line)
{
	bool ok;

	if (c->s->verbose)
		fprintf(stderr, ">>> %s\n", buf_cstr(line));
	ok = buf_add_c(line, "\r\n") && write_all(c->fd, buf_str(line));
	buf_clear(line);
	return ok ? get_reply(c) : 0;
}

static unsigned
say_c(struct smtp *c, const char *text)
{
	struct buf line;

	buf_init(&line, BUF_NO_MAX);
	buf_add_c(&line, text);
	return say_line(c, &line);
}

/* What the last reply means as an exit code; 0 and 4xx: try later. */
static int
exit_of(const struct smtp *c, unsigned code)
{
	if (code < 500)
		return EX_TEMPFAIL;
	if (c->reply.class == 5 && c->reply.subject == 1)
		return c->reply.detail == 2 ? EX_NOHOST : EX_NOUSER;
	if (c->reply.class == 5 && c->reply.subject == 7)
		return EX_NOPERM;
	if (code == 552 || code == 554 ||
	    (c->reply.class == 5 && c->reply.subject == 6))
		return EX_DATAERR;
	return EX_UNAVAILABLE;
}

static int
refused(struct smtp *c, unsigned code, const char *what, struct str about)
{
	struct buf words;
	int result = exit_of(c, code);

	if (code < 500)
		return EX_TEMPFAIL; /* the drop folder is tried next */
	buf_init(&words, 1024);
	smtp_reply_words(&c->reply, &words, 512);
	sm_fail(c->s, result, "%s%.*s: %s", what, STR_ARG(about),
	    buf_cstr(&words));
	buf_clear(&words);
	return result;
}

static int
begin(struct smtp *c)
{
	struct buf ehlo;
	struct str text, line;
	unsigned code;

	set_wait(c->fd, GREETING_S);
	if ((code = get_reply(c)) != 220)
		return EX_TEMPFAIL;
	set_wait(c->fd, REPLY_S);
	buf_init(&ehlo, 512);
	buf_addf(&ehlo, "EHLO %.*s", STR_ARG(c->s->hostname));
	if ((code = say_line(c, &ehlo)) != 250)
		return refused(c, code, "greeting", STR(""));
	text = buf_str(&c->reply.text);
	while (text.n > 0) {
		line = str_take_until(&text, '\n');
		c->dsn = c->dsn || str_ieq(line, STR("DSN"));
		c->utf8 = c->utf8 || str_ieq(line, STR("SMTPUTF8"));
		c->eight = c->eight || str_ieq(line, STR("8BITMIME"));
		c->drop = c->drop || str_ieq(line, STR("XDROP"));
	}
	return EX_OK;
}

static int
say_mail(struct smtp *c)
{
	const struct drop_head *h = &c->s->head;
	struct buf line;
	unsigned code;

	buf_init(&line, 4096);
	buf_addf(&line, "MAIL FROM:<%.*s>", STR_ARG(h->sender));
	if (c->eight && (h->flags & ENV_8BIT) != 0)
		buf_add_c(&line, " BODY=8BITMIME");
	if (c->utf8 && (h->flags & ENV_UTF8) != 0)
		buf_add_c(&line, " SMTPUTF8");
	if (c->dsn && (h->flags & ENV_RET_FULL) != 0)
		buf_add_c(&line, " RET=FULL");
	else if (c->dsn && (h->flags & ENV_RET_HDRS) != 0)
		buf_add_c(&line, " RET=HDRS");
	if (c->dsn && h->envid.n > 0) {
		buf_add_c(&line, " ENVID=");
		xtext_encode(&line, h->envid);
	}
	/* Should the answer to the text not come: it is known by this. */
	if (c->drop)
		buf_addf(&line, " XDROP=%s", c->s->drop + 1);
	code = say_line(c, &line);
	return code == 250 ? EX_OK : refused(c, code, "sender ", h->sender);
}

static const struct {
	uint32_t bit;
	const char *name;
} notifies[] = { { NOTIFY_NEVER, "NEVER" }, { NOTIFY_SUCCESS, "SUCCESS" },
	{ NOTIFY_FAILURE, "FAILURE" }, { NOTIFY_DELAY, "DELAY" } };

static int
say_rcpt(struct smtp *c, const struct env_rcpt *rcpt)
{
	struct buf line;
	const char *comma = " NOTIFY=";
	unsigned code;

	buf_init(&line, 4096);
	buf_addf(&line, "RCPT TO:<%.*s>", STR_ARG(rcpt->address));
	for (size_t i = 0; c->dsn && i < 4; i++)
		if ((rcpt->notify & notifies[i].bit) != 0) {
			buf_addf(&line, "%s%s", comma, notifies[i].name);
			comma = ",";
		}
	code = say_line(c, &line);
	return code == 250 || code == 251 ? EX_OK :
	    refused(c, code, "", rcpt->address);
}

static int
say_text(struct smtp *c)
{
	struct str text = buf_str(&c->s->text);
	struct crlf_out form;
	struct buf out;
	unsigned code;
	bool ok = true;

	if ((code = say_c(c, "DATA")) != 354)
		return refused(c, code, "message", STR(""));
	buf_init(&out, BUF_NO_MAX);
	crlf_out_init(&form, true);
	form.strict = true;
	while (ok && text.n > 0) {
		crlf_out_feed(&form, &text, &out, STEP);
		ok = write_all(c->fd, buf_str(&out));
		buf_reset(&out);
	}
	crlf_out_end(&form, &out);
	ok = ok && write_all(c->fd, buf_str(&out));
	buf_clear(&out);
	code = ok ? get_reply(c) : 0;
	return code == 250 ? EX_OK : refused(c, code, "message", STR(""));
}

/* All recipients; those that are refused for good are named and come behind
 * the others. */
static int
say_rcpts(struct smtp *c)
{
	struct sm *s = c->s;
	const size_t n = s->nrcpts;
	int code = EX_OK;

	s->nrcpts = 0;
	for (size_t i = 0; i < n; i++) {
		const struct env_rcpt rcpt = s->rcpts[i];

		if (code == EX_OK)
			code = say_rcpt(c, &rcpt);
		if (code == EX_OK || code == EX_TEMPFAIL) {
			s->rcpts[i] = s->rcpts[s->nrcpts];
			s->rcpts[s->nrcpts++] = rcpt;
		} else {
			s->refused = code;
			code = EX_OK;
		}
	}
	s->nrefused = n - s->nrcpts;
	return s->nrcpts > 0 ? code : s->refused;
}

int
sm_submit(struct sm *s)
{
	struct smtp c = { .s = s, .fd = sm_connect(s) };
	int code;

	if (c.fd == -1)
		return EX_TEMPFAIL;
	buf_init(&c.in, 1 << 20);
	smtp_reply_init(&c.reply);
	if ((code = begin(&c)) == EX_OK && (code = say_mail(&c)) == EX_OK &&
	    (code = say_rcpts(&c)) == EX_OK && (code = say_text(&c)) == EX_OK)
		(void)say_c(&c, "QUIT"); /* it was heard */
	smtp_reply_clear(&c.reply);
	buf_clear(&c.in);
	close(c.fd);
	return code;
}

/* ---- -bs ---- */

/* One direction: what came from one goes to the other; LF becomes CRLF
 * towards the server.  false: it ended. */
static bool
pump(int from, int to, struct crlf_out *form)
{
	char octets[STEP];
	ssize_t n = read(from, octets, sizeof(octets));
	struct str in = str_n(octets, n > 0 ? (size_t)n : 0);
	struct buf out;
	bool ok;

	if (n == -1 && errno == EINTR)
		return true;
	if (n <= 0)
		return false;
	if (form == NULL)
		return write_all(to, in);
	buf_init(&out, BUF_NO_MAX);
	while (in.n > 0)
		crlf_out_feed(form, &in, &out, STEP);
	ok = write_all(to, buf_str(&out));
	buf_clear(&out);
	return ok;
}

int
sm_relay(struct sm *s)
{
	struct pollfd p[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = sm_connect(s), .events = POLLIN } };
	struct crlf_out form;

	if (p[1].fd == -1) {
		printf("421 4.3.0 %.*s the server is not running\r\n",
		    STR_ARG(s->hostname));
		return EX_TEMPFAIL;
	}
	set_wait(p[1].fd, 0);
	crlf_out_init(&form, false);
	for (;;) {
		if (poll(p, 2, -1) == -1 && errno != EINTR)
			return EX_OSERR;
		if (p[1].revents != 0 && !pump(p[1].fd, STDOUT_FILENO, NULL))
			break;
		if (p[0].revents != 0 && !pump(STDIN_FILENO, p[1].fd, &form)) {
			/* The server still answers what it got. */
			shutdown(p[1].fd, SHUT_WR);
			p[0].fd = -1;
			p[0].revents = 0;
		}
	}
	close(p[1].fd);
	return EX_OK;
}
