#include "imapd/match.h"

/*
 * Greedy with a memory of the last wildcards: when the rest does not fit, the
 * last "%" takes one octet more, and if it may not, the last "*" does.
 */
static bool
match(struct str p, struct str s, char delimiter, size_t any_case)
{
	size_t i = 0, k = 0;
	size_t star = SIZE_MAX, star_at = 0, pct = SIZE_MAX, pct_at = 0;

	for (;;) {
		bool fits = k < p.n && i < s.n && (p.p[k] == s.p[i] ||
		    (i < any_case && chr_lower(p.p[k]) == chr_lower(s.p[i])));

		if (k < p.n && p.p[k] == '*') {
			star = ++k;
			star_at = i;
			pct = SIZE_MAX;
		} else if (k < p.n && p.p[k] == '%') {
			pct = ++k;
			pct_at = i;
		} else if (fits) {
			i++;
			k++;
		} else if (k == p.n && i == s.n) {
			return true;
		} else if (pct != SIZE_MAX && pct_at < s.n &&
		    s.p[pct_at] != delimiter) {
			i = ++pct_at;
			k = pct;
		} else if (star != SIZE_MAX && star_at < s.n) {
			i = ++star_at;
			k = star;
			pct = SIZE_MAX;
		} else {
			return false;
		}
	}
}

bool
match_mailbox(struct str pattern, struct str name, char delimiter)
{
	struct str first = str_first(name, str_find(name, delimiter));

	return match(pattern, name, delimiter,
	    str_ieq(first, STR("INBOX")) ? first.n : 0);
}
