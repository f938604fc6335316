#include "delivery/smtp/hop.h"

#include "base/num.h"

enum { LMTP_PORT = 24 };

/* Nothing, or ":" port. */
static bool
take_port(struct str rest, uint16_t *port)
{
	uint32_t n;

	if (rest.n == 0)
		return true;
	if (!str_take_char(&rest, ':') || !num_u32(rest, &n) || n == 0 ||
	    n > 65535)
		return false;
	*port = (uint16_t)n;
	return true;
}

bool
hop_parse(struct str text, struct hop *out)
{
	struct hop h = { 0 };

	h.lmtp = str_take_iprefix(&text, STR("lmtp:"));
	h.port = h.lmtp ? LMTP_PORT : 0;
	if (h.lmtp && text.n > 1 && text.p[0] == '/') {
		h.path = text;
	} else if (str_take_char(&text, '[')) {
		const size_t end = str_find(text, ']');

		if (end == text.n ||
		    !take_port(str_from(text, end + 1), &h.port))
			return false;
		h.host = str_first(text, end);
		str_take_iprefix(&h.host, STR("IPv6:"));
	} else {
		const size_t colon = str_find(text, ':');

		if (!take_port(str_from(text, colon), &h.port))
			return false;
		h.host = str_first(text, colon);
		h.mx = !h.lmtp;
	}
	if (h.path.n == 0 && (h.host.n == 0 || h.host.n > 255))
		return false;
	*out = h;
	return true;
}
