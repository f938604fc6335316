#include "mail/addr.h"

#include <arpa/inet.h>
#include <string.h>

#include "mail/utf8.h"

enum { LABEL_MAX = 63 };

static bool
is_eight(char c)
{
	return (unsigned char)c >= 0x80;
}

/* atext = ALPHA / DIGIT / one of these (RFC 5322 3.2.3); RFC 6531 adds
 * UTF8-non-ascii. */
static bool
is_atext(char c)
{
	return chr_is_alnum(c) || is_eight(c) ||
	    (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* Let-dig / "-"; the underscore is no host name, but domains have it. */
static bool
is_ldh(char c)
{
	return chr_is_alnum(c) || is_eight(c) || c == '-' || c == '_';
}

/* Dot-string = Atom *("." Atom).  Octets taken, 0 for none. */
static size_t
dot_string(struct str in)
{
	size_t i = 0, atom = 0;

	for (; i < in.n; i++) {
		if (is_atext(in.p[i]))
			atom++;
		else if (in.p[i] == '.' && atom > 0)
			atom = 0;
		else
			break;
	}
	return atom > 0 ? i : 0;
}

/* Quoted-string = DQUOTE *QcontentSMTP DQUOTE.  Octets taken, 0 for none. */
static size_t
quoted_string(struct str in)
{
	if (in.n == 0 || in.p[0] != '"')
		return 0;
	for (size_t i = 1; i < in.n; i++) {
		char c = in.p[i];

		if (c == '"')
			return i + 1;
		if (c == '\\') {
			if (++i == in.n || is_eight(in.p[i]))
				return 0;
			c = in.p[i];
		}
		if (!is_eight(c) && (c < ' ' || c > '~'))
			return 0;
	}
	return 0;
}

/* Octets of a host name or a literal at the start of in, 0 for none. */
static size_t
domain_span(struct str in)
{
	size_t i = 0;

	if (in.n != 0 && in.p[0] == '[') {
		i = str_find(in, ']');
		return i < in.n ? i + 1 : 0;
	}
	while (i < in.n && (is_ldh(in.p[i]) || in.p[i] == '.'))
		i++;
	return i;
}

bool
addr_is_literal(struct str domain)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char raw[16];
	struct str s = domain;

	if (!str_take_char(&s, '[') || !str_ends(s, STR("]")))
		return false;
	s.n--;
	if (str_take_iprefix(&s, STR("IPv6:")))
		return str_copy(text, sizeof(text), s) &&
		    inet_pton(AF_INET6, text, raw) == 1;
	return str_copy(text, sizeof(text), s) &&
	    inet_pton(AF_INET, text, raw) == 1;
}

/* sub-domain *("." sub-domain), sub-domain = Let-dig [Ldh-str] */
static bool
host_ok(struct str host)
{
	size_t label = 0;

	for (size_t i = 0; i < host.n; i++) {
		char c = host.p[i];

		if (c == '.') {
			if (label == 0 || host.p[i - 1] == '-')
				return false;
			label = 0;
			continue;
		}
		if (!is_ldh(c) || (label == 0 && c == '-'))
			return false;
		if (++label > LABEL_MAX)
			return false;
	}
	return label > 0 && host.p[host.n - 1] != '-';
}

bool
addr_domain_ok(struct str domain, unsigned legal)
{
	if (domain.n == 0 || domain.n > ADDR_DOMAIN_MAX)
		return false;
	if (!utf8_is_ascii(domain) &&
	    ((legal & ADDR_UTF8) == 0 || !utf8_ok(domain)))
		return false;
	return domain.p[0] == '[' ? addr_is_literal(domain) : host_ok(domain);
}

/* Mailbox = Local-part "@" ( Domain / address-literal ) */
static enum addr_result
take_mailbox(struct str *in, unsigned legal, struct addr *out)
{
	struct str s = *in;
	struct addr a = { STR_NONE, STR_NONE };
	size_t n = s.n != 0 && s.p[0] == '"' ? quoted_string(s) : dot_string(s);

	if (n == 0)
		return ADDR_SYNTAX;
	a.local = str_take(&s, n);
	if (str_take_char(&s, '@')) {
		n = domain_span(s);
		if (n == 0)
			return ADDR_SYNTAX;
		a.domain = str_take(&s, n);
	} else if ((legal & ADDR_BARE) == 0 &&
	    ((legal & ADDR_POSTMASTER) == 0 ||
	    !str_ieq(a.local, STR("postmaster")))) {
		return ADDR_SYNTAX;
	}
	if (a.local.n > ADDR_LOCAL_MAX)
		return ADDR_LOCAL_LONG;
	if (a.domain.n > ADDR_DOMAIN_MAX)
		return ADDR_DOMAIN_LONG;
	if (!utf8_is_ascii(a.local) || !utf8_is_ascii(a.domain)) {
		if ((legal & ADDR_UTF8) == 0)
			return ADDR_NEEDS_UTF8;
		if (!utf8_ok(a.local))
			return ADDR_SYNTAX;
	}
	if (a.domain.n != 0 && !addr_domain_ok(a.domain, legal))
		return ADDR_SYNTAX;
	*in = s;
	*out = a;
	return ADDR_OK;
}

/* A-d-l ":" of RFC 5321 4.1.2: read and ignored, as appendix C says. */
static bool
drop_route(struct str *in, unsigned legal)
{
	struct str s = *in;

	do {
		size_t n;

		if (!str_take_char(&s, '@') || (n = domain_span(s)) == 0 ||
		    !addr_domain_ok(str_take(&s, n), legal))
			return false;
	} while (str_take_char(&s, ','));
	if (!str_take_char(&s, ':'))
		return false;
	*in = s;
	return true;
}

enum addr_result
addr_take(struct str *in, unsigned legal, struct addr *out)
{
	struct str s = *in;
	struct addr a = { STR_NONE, STR_NONE };

	if (!str_take_char(&s, '<'))
		return ADDR_SYNTAX;
	if (!(legal & ADDR_NULL) || s.n == 0 || s.p[0] != '>') {
		enum addr_result r;

		if (s.n != 0 && s.p[0] == '@' && !drop_route(&s, legal))
			return ADDR_SYNTAX;
		r = take_mailbox(&s, legal, &a);
		if (r != ADDR_OK)
			return r;
	}
	if (!str_take_char(&s, '>'))
		return ADDR_SYNTAX;
	*in = s;
	*out = a;
	return ADDR_OK;
}

enum addr_result
addr_parse(struct str in, unsigned legal, struct addr *out)
{
	struct addr a;
	enum addr_result r;

	if (in.n == 0 && (legal & ADDR_NULL) != 0) {
		*out = (struct addr){ STR_NONE, STR_NONE };
		return ADDR_OK;
	}
	r = take_mailbox(&in, legal, &a);
	if (r != ADDR_OK)
		return r;
	if (in.n != 0)
		return ADDR_SYNTAX;
	*out = a;
	return ADDR_OK;
}

bool
addr_local_plain(struct buf *out, struct str local)
{
	if (local.n < 2 || local.p[0] != '"')
		return buf_add(out, local);
	for (size_t i = 1; i + 1 < local.n; i++) {
		if (local.p[i] == '\\')
			i++;
		if (!buf_add_char(out, local.p[i]))
			return false;
	}
	return true;
}

static bool
add_quoted(struct buf *out, struct str plain)
{
	bool ok = buf_add_char(out, '"');

	for (size_t i = 0; i < plain.n; i++) {
		if (plain.p[i] == '"' || plain.p[i] == '\\')
			ok = ok && buf_add_char(out, '\\');
		ok = ok && buf_add_char(out, plain.p[i]);
	}
	return ok && buf_add_char(out, '"');
}

bool
addr_canonical(struct buf *out, const struct addr *a)
{
	struct buf plain;
	struct str local;
	size_t was = buf_len(out);
	bool ok;

	buf_init(&plain, ADDR_LOCAL_MAX);
	ok = addr_local_plain(&plain, a->local);
	local = buf_str(&plain);
	if (ok && a->local.n != 0)
		ok = dot_string(local) == local.n && local.n != 0 ?
		    buf_add(out, local) : add_quoted(out, local);
	buf_clear(&plain);
	if (ok && a->domain.n != 0)
		ok = buf_add_char(out, '@');
	for (size_t i = 0; ok && i < a->domain.n; i++)
		ok = buf_add_char(out, chr_lower(a->domain.p[i]));
	if (!ok)
		buf_cut(out, was);
	return ok;
}

void
addr_split(struct str canonical, struct addr *out)
{
	size_t at = str_rfind(canonical, '@');

	out->local = str_first(canonical, at);
	out->domain = str_from(canonical, at + 1);
}
