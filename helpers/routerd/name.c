#include "helpers/routerd/name.h"

#include "mail/addr.h"

enum { FOLDER_MAX = 255 };

bool
name_lower(struct buf *out, struct str s)
{
	char *p = buf_reserve(out, s.n);

	if (p == NULL)
		return false;
	for (size_t i = 0; i < s.n; i++)
		p[i] = chr_lower(s.p[i]);
	buf_commit(out, s.n);
	return true;
}

bool
name_address(struct buf *out, struct str address, struct str domain)
{
	struct addr a;
	struct buf canonical;
	bool ok;

	if (addr_parse(address, ADDR_UTF8 | ADDR_BARE | ADDR_POSTMASTER, &a) !=
	        ADDR_OK ||
	    a.local.n == 0)
		return false;
	if (a.domain.n == 0)
		a.domain = domain;
	if (a.domain.n == 0)
		return false;
	buf_init(&canonical, BUF_NO_MAX);
	ok = addr_canonical(&canonical, &a) &&
	    name_lower(out, buf_str(&canonical));
	buf_clear(&canonical);
	return ok;
}

void
name_split(struct str address, struct str *local, struct str *domain)
{
	size_t at = str_rfind(address, '@');

	*local = str_first(address, at);
	*domain = at == address.n ? STR_NONE : str_from(address, at + 1);
}

bool
name_domain(struct buf *out, struct str domain)
{
	if (str_ends(domain, STR(".")))
		domain.n--;
	return domain.n != 0 && !addr_is_literal(domain) &&
	    addr_domain_ok(domain, ADDR_UTF8) && name_lower(out, domain);
}

/* Letters, digits, UTF-8 and . _ - + = ~ ' & ! # %, not a dot at an end. */
bool
name_account_ok(struct str local)
{
	static const char extra[] = "._-+=~'&!#%";

	if (local.n == 0 || local.n > ADDR_LOCAL_MAX || local.p[0] == '.' ||
	    local.p[local.n - 1] == '.')
		return false;
	for (size_t i = 0; i < local.n; i++)
		if (!chr_is_alnum(local.p[i]) &&
		    (unsigned char)local.p[i] < 0x80 &&
		    (local.p[i] == '\0' || strchr(extra, local.p[i]) == NULL))
			return false;
	return true;
}

static bool
is_plain(char c, bool first)
{
	return chr_is_alnum(c) || (unsigned char)c >= 0x80 ||
	    (c == '.' && !first) || c == '_' || c == '-' || c == '+' ||
	    c == '=' || c == '~';
}

static bool
folder(struct buf *out, struct str s)
{
	size_t from = buf_len(out);

	for (size_t i = 0; i < s.n; i++)
		if (is_plain(s.p[i], i == 0))
			buf_add_char(out, s.p[i]);
		else
			buf_addf(out, "%%%02x", (unsigned char)s.p[i]);
	return s.n != 0 && buf_len(out) - from <= FOLDER_MAX;
}

bool
name_path(struct buf *out, struct str address)
{
	struct str local, domain;
	size_t from = buf_len(out);

	name_split(address, &local, &domain);
	if (folder(out, domain) && buf_add_char(out, '/') &&
	    folder(out, local) && !out->overflow)
		return true;
	buf_cut(out, from);
	return false;
}

/* Only the last star needs a way back: no recursion, linear in practice. */
bool
name_like(struct str pattern, struct str s)
{
	size_t p = 0, i = 0, star = pattern.n, back = 0;

	while (i < s.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			back = i;
		} else if (p < pattern.n && (pattern.p[p] == '?' ||
		    chr_lower(pattern.p[p]) == chr_lower(s.p[i]))) {
			p++;
			i++;
		} else if (star < pattern.n) {
			p = star + 1;
			i = ++back;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}
