#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fatal.h"
#include "ctl/sendmail.h"
#include "mail/addr.h"
#include "mail/addrlist.h"
#include "mail/crlf.h"
#include "mail/date.h"
#include "mail/header.h"
#include "mail/rfc2047.h"
#include "mail/utf8.h"

/* ---- addresses ---- */

/* local (quotes removed) and domain as local@domain. */
static bool
join(struct sm *s, struct str local, struct str domain, struct buf *out)
{
	bool plain = local.n > 0;

	for (size_t i = 0; i < local.n && plain; i++)
		plain = (unsigned char)local.p[i] > ' ' &&
		    strchr("()<>[]:;@\\,\"", local.p[i]) == NULL;
	if (!plain)
		buf_add_char(out, '"');
	for (size_t i = 0; i < local.n; i++) {
		if (!plain && (local.p[i] == '"' || local.p[i] == '\\'))
			buf_add_char(out, '\\');
		buf_add_char(out, local.p[i]);
	}
	if (!plain)
		buf_add_char(out, '"');
	buf_add_char(out, '@');
	return buf_add(out, domain.n > 0 ? domain : s->domain);
}

/* The one form of an address, or false. */
static bool
canonical(struct sm *s, const struct addrlist_item *item, struct str *out)
{
	struct buf text, form;
	struct addr a;
	bool ok;

	buf_init(&text, ADDRESS_MAX);
	buf_init(&form, ADDRESS_MAX);
	ok = join(s, item->local, item->domain, &text) &&
	    addr_parse(buf_str(&text), ADDR_UTF8, &a) == ADDR_OK &&
	    addr_canonical(&form, &a);
	if (ok) {
		*out = pool_str(&s->pool, buf_str(&form));
		if (!utf8_is_ascii(*out))
			s->head.flags |= ENV_UTF8;
	}
	buf_clear(&text);
	buf_clear(&form);
	return ok;
}

static bool
known(const struct sm *s, struct str address)
{
	for (size_t i = 0; i < s->nrcpts; i++)
		if (str_eq(s->rcpts[i].address, address))
			return true;
	return false;
}

int
sm_add_rcpts(struct sm *s, struct str text)
{
	struct addrlist list;
	struct addrlist_item item;
	struct str address;
	bool is_list = str_trim(text).n == 0;

	addrlist_init(&list, &s->pool, text);
	while (addrlist_next(&list, &item)) {
		/* However many. */
		list.count = 0;
		/* "undisclosed-recipients:;" is nobody, and legal (RFC 5322
		 * 3.4); "bob:" alone is a slip. */
		if (item.kind == ADDRLIST_GROUP)
			is_list = is_list || str_find(list.in, ';') < list.in.n;
		if (item.kind != ADDRLIST_MAILBOX)
			continue;
		is_list = true;
		if (!canonical(s, &item, &address))
			return sm_fail(s, EX_DATAERR, "%.*s: not an address",
			    STR_ARG(str_first(text, 200)));
		if (known(s, address))
			continue;
		if (s->nrcpts == DROP_RCPTS_MAX)
			return sm_fail(s, EX_DATAERR, "more than %d "
			    "recipients", DROP_RCPTS_MAX);
		s->rcpts = xreallocarray(s->rcpts, s->nrcpts + 1,
		    sizeof(*s->rcpts));
		s->rcpts[s->nrcpts++] = (struct env_rcpt){
			.notify = s->notify, .address = address };
	}
	return is_list ? EX_OK : sm_fail(s, EX_DATAERR,
	    "%.*s: not an address", STR_ARG(str_first(text, 200)));
}

/* "Bob Miller,Room 5,..." of the password file: what is before a comma. */
static void
set_name(struct sm *s, const struct passwd *pw)
{
	struct str gecos = str_c(pw != NULL ? pw->pw_gecos : "");

	if (s->name == NULL)
		s->name = pool_str(&s->pool, str_take_until(&gecos, ',')).p;
}

int
sm_set_sender(struct sm *s)
{
	struct passwd *pw = getpwuid(getuid());
	struct addrlist_item item = { .kind = ADDRLIST_MAILBOX };
	struct addrlist list;
	char number[32];
	const char *text = s->sender;

	set_name(s, pw);
	if (s->sender != NULL && (s->sender[0] == '\0' ||
	    strcmp(s->sender, "<>") == 0)) {
		s->head.sender = STR("");
		return EX_OK;
	}
	if (text != NULL) {
		addrlist_init(&list, &s->pool, str_c(text));
		if (!addrlist_next(&list, &item))
			item.local = STR("");
	} else {
		snprintf(number, sizeof(number), "uid%u", (unsigned)getuid());
		text = pw != NULL ? pw->pw_name : number;
		item.local = str_c(text);
	}
	return canonical(s, &item, &s->head.sender) ? EX_OK :
	    sm_fail(s, EX_DATAERR, "%s: not an address", text);
}

/* ---- text ---- */

/* A CR in it ends a line of the message, as some of those take it for who
 * read it later: no field may hide behind one. */
static void
put_line(struct buf *out, struct str line)
{
	while (str_ends(line, STR("\r")))
		line.n--;
	do {
		buf_add(out, str_take_until(&line, '\r'));
		buf_add_char(out, '\n');
	} while (line.n > 0);
}

/* Takes one line of the raw input; "." alone ends it unless -i. */
static bool
add_line(struct sm *s, struct str line, bool first)
{
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (!s->ignore_dots && str_eq(line, STR(".")))
		return false;
	/* The mark of an mbox is no part of the message. */
	if (first && str_starts(line, STR("From ")))
		return true;
	put_line(&s->text, line);
	return true;
}

static int
too_large(const struct sm *s)
{
	return sm_fail(s, EX_DATAERR, "the message is larger than %llu octets",
	    (unsigned long long)s->size_max);
}

static int
read_stdin(struct sm *s, struct buf *raw)
{
	for (;;) {
		char *room = buf_reserve(raw, 65536);
		ssize_t n;

		if (room == NULL)
			return too_large(s);
		n = read(STDIN_FILENO, room, 65536);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return sm_fail(s, EX_IOERR, "stdin: %s",
			    strerror(errno));
		if (n == 0)
			return EX_OK;
		buf_commit(raw, (size_t)n);
	}
}

static int
read_text(struct sm *s)
{
	struct buf raw;
	struct str rest;
	bool first = true;
	int code;

	buf_init(&raw, s->size_max + 65536);
	buf_init(&s->text, BUF_NO_MAX);
	if ((code = read_stdin(s, &raw)) == EX_OK) {
		rest = buf_str(&raw);
		while (rest.n > 0 &&
		    add_line(s, str_take_until(&rest, '\n'), first))
			first = false;
	}
	buf_clear(&raw);
	return code;
}

/* A line "name: ..." or, behind one, a fold. */
static bool
is_field(struct str line, bool first)
{
	size_t colon = str_find(line, ':');
	struct str name = str_trim(str_first(line, colon));

	if (line.n > 0 && chr_is_wsp(line.p[0]))
		return !first;
	if (colon == line.n || name.n == 0)
		return false;
	for (size_t i = 0; i < name.n; i++)
		if ((unsigned char)name.p[i] <= ' ' ||
		    (unsigned char)name.p[i] > '~')
			return false;
	return true;
}

/* Where the header ends; a line that is no field begins the body. */
static void
split(struct str text, struct str *head, struct str *body)
{
	struct str rest = text, before;
	bool first = true;

	for (;;) {
		struct str line;

		before = rest;
		line = str_take_until(&rest, '\n');
		if (before.n == 0 || line.n == 0)
			break; /* rest begins behind the empty line */
		if (!is_field(line, first)) {
			rest = before;
			break;
		}
		first = false;
	}
	*head = str_first(text, text.n - before.n);
	*body = rest;
}

static bool
has(struct str head, const char *name)
{
	struct header_field f;

	return header_get(head, str_c(name), &f);
}

static bool
is_bcc(struct str name)
{
	return str_ieq(name, STR("Bcc")) || str_ieq(name, STR("Resent-Bcc"));
}

/* What is sent on goes to those of its Resent- fields only (RFC 5322 3.6.6). */
static int
rcpts_of_header(struct sm *s, struct str head)
{
	const bool is_resent = has(head, "Resent-To") ||
	    has(head, "Resent-Cc") || has(head, "Resent-Bcc");
	struct header_field f;
	int code = EX_OK;

	while (code == EX_OK && header_next(&head, &f)) {
		struct str name = f.name;

		if (str_take_iprefix(&name, STR("Resent-")) == is_resent &&
		    (str_ieq(name, STR("To")) || str_ieq(name, STR("Cc")) ||
		        str_ieq(name, STR("Bcc"))))
			code = sm_add_rcpts(s, f.value);
	}
	return code;
}

/* A phrase in quotes if it must be. */
static void
put_from(struct sm *s, struct buf *out)
{
	struct str name = str_c(s->name);
	bool ascii = name.n > 0;

	for (size_t i = 0; i < name.n; i++)
		ascii = ascii && (unsigned char)name.p[i] >= ' ' &&
		    (unsigned char)name.p[i] < 0x7f;
	buf_add_c(out, "From: ");
	if (ascii) {
		buf_add_char(out, '"');
		for (size_t i = 0; i < name.n; i++) {
			if (name.p[i] == '"' || name.p[i] == '\\')
				buf_add_char(out, '\\');
			buf_add_char(out, name.p[i]);
		}
		buf_add_c(out, "\" ");
	} else if (!utf8_is_ascii(name) && utf8_ok(name)) {
		rfc2047_encode(out, name);
		buf_add_char(out, ' ');
	}
	buf_addf(out, "<%.*s>\n", STR_ARG(s->head.sender));
}

static void
put_missing(struct sm *s, struct str head, struct buf *out)
{
	struct date now;

	date_now(&now);
	if (!has(head, "From") && s->head.sender.n > 0)
		put_from(s, out);
	if (!has(head, "Date")) {
		buf_add_c(out, "Date: ");
		date_format(out, &now);
		buf_add_char(out, '\n');
	}
	if (!has(head, "Message-ID"))
		buf_addf(out, "Message-ID: <%llx.%x@%.*s>\n",
		    (unsigned long long)clock_wall_ms(), (unsigned)getpid(),
		    STR_ARG(s->hostname));
	/* A header needs a destination (RFC 5322 3.6 allows none, but some
	 * servers want one). */
	if (!has(head, "To") && !has(head, "Cc"))
		buf_add_c(out, "To: undisclosed-recipients:;\n");
}

/* The header again, with what lacks and, if it was read, without Bcc. */
static void
rebuild(struct sm *s, bool hide)
{
	struct str head, body, rest;
	struct header_field f;
	struct buf out;

	split(buf_str(&s->text), &head, &body);
	buf_init(&out, BUF_NO_MAX);
	put_missing(s, head, &out);
	rest = head;
	while (header_next(&rest, &f))
		if (!hide || !is_bcc(f.name)) {
			buf_add(&out, f.whole);
			if (!str_ends(f.whole, STR("\n")))
				buf_add_char(&out, '\n');
		}
	buf_add_char(&out, '\n');
	buf_add(&out, body);
	buf_clear(&s->text);
	s->text = out;
}

/* What the server would refuse is not left in the drop folder. */
static int
judge(const struct sm *s)
{
	struct str words;
	char last = 0;

	if (header_refusal(header_judge(buf_str(&s->text), s->hops_max),
	    &words) != 0)
		return sm_fail(s, EX_DATAERR, "message: %.*s", STR_ARG(words));
	if (crlf_size(buf_str(&s->text), &last) > s->size_max)
		return too_large(s);
	return EX_OK;
}

static int
find_rcpts(struct sm *s)
{
	struct str head, body;
	int code = EX_OK;

	split(buf_str(&s->text), &head, &body);
	if (s->from_header)
		code = rcpts_of_header(s, head);
	if (code == EX_OK && s->nrcpts == 0)
		code = sm_fail(s, EX_USAGE, s->from_header ?
		    "the header names no recipient" :
		    "no recipient; see -t in man 8 sendmail");
	return code;
}

int
sm_message(struct sm *s)
{
	int code;

	if ((code = read_text(s)) != EX_OK)
		return code;
	code = find_rcpts(s);
	rebuild(s, s->from_header && code == EX_OK);
	for (size_t i = 0; i < buf_len(&s->text); i++)
		if ((buf_str(&s->text).p[i] & 0x80) != 0)
			s->head.flags |= ENV_8BIT;
	return code == EX_OK ? judge(s) : code;
}
