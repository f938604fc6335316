#include <arpa/inet.h>
#include <stdio.h>

#include "base/num.h"
#include "conf/parse.h"
#include "conf/value.h"

static bool
ip_parse(struct str text, struct value_net *out)
{
	char copy[64];

	if (!str_copy(copy, sizeof(copy), text))
		return false;
	out->octets = 4;
	if (inet_pton(AF_INET, copy, out->addr) == 1)
		return true;
	out->octets = 16;
	return inet_pton(AF_INET6, copy, out->addr) == 1;
}

/* Zeroes the bits behind the prefix; false if all were zero. */
static bool
mask_host_bits(struct value_net *net)
{
	bool any = false;

	for (unsigned bit = net->bits; bit < net->octets * 8; bit++) {
		unsigned char one = (unsigned char)(0x80u >> bit % 8);

		if ((net->addr[bit / 8] & one) == 0)
			continue;
		any = true;
		net->addr[bit / 8] = (unsigned char)(net->addr[bit / 8] & ~one);
	}
	return any;
}

bool
value_network(struct str text, struct value_net *out, struct value_why *why)
{
	struct str rest = text;
	struct str ip = str_take_until(&rest, '/');
	char fix[96], masked[64];
	uint32_t bits;

	if (!ip_parse(ip, out)) {
		value_wrong(why, NULL, "\"%.*s\" is no network such as "
		    "192.0.2.0/24 or 2001:db8::/32",
		    STR_ARG(str_first(text, 60)));
		return false;
	}
	out->bits = out->octets * 8;
	if (ip.n == text.n)
		return true;
	if (!num_u32(rest, &bits) || bits > out->octets * 8) {
		value_wrong(why, NULL, "the length of the prefix must be 0 to "
		    "%u", out->octets * 8);
		return false;
	}
	out->bits = bits;
	if (!mask_host_bits(out))
		return true;
	inet_ntop(out->octets == 4 ? AF_INET : AF_INET6, out->addr, masked,
	    sizeof(masked));
	snprintf(fix, sizeof(fix), "%s/%u", masked, bits);
	value_wrong(why, fix, "%.*s has bits set behind the prefix",
	    STR_ARG(str_first(text, 60)));
	return false;
}

static bool
label_ok(struct str label, bool utf8)
{
	if (label.n == 0 || label.n > 63 || label.p[0] == '-' ||
	    label.p[label.n - 1] == '-')
		return false;
	for (size_t i = 0; i < label.n; i++)
		if (!chr_is_alnum(label.p[i]) && label.p[i] != '-' &&
		    label.p[i] != '_' &&
		    !(utf8 && ((unsigned char)label.p[i] & 0x80) != 0))
			return false;
	return true;
}

bool
value_domain(struct str text, bool utf8, struct value_why *why)
{
	struct str rest = text;

	if (rest.n > 0 && rest.p[rest.n - 1] == '.')
		rest.n--;
	if (rest.n == 0 || rest.n > 253)
		goto wrong;
	while (rest.n > 0)
		if (!label_ok(str_take_until(&rest, '.'), utf8))
			goto wrong;
	return true;
wrong:
	value_wrong(why, NULL, "\"%.*s\" is no domain name",
	    STR_ARG(str_first(text, 80)));
	return false;
}

static bool
no_controls(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if ((unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f)
			return false;
	return true;
}

static bool
address_ok(struct str text, struct value_why *why)
{
	size_t at = str_rfind(text, '@');
	struct str local = str_first(text, at);

	if (local.n == 0 || local.n > 64 || !no_controls(text) ||
	    str_find(local, ' ') < local.n || str_find(local, '@') < local.n) {
		value_wrong(why, NULL, "\"%.*s\" is no mail address",
		    STR_ARG(str_first(text, 80)));
		return false;
	}
	return at == text.n || value_domain(str_from(text, at + 1), true, why);
}

static bool
ipport_ok(struct str text, struct value_why *why)
{
	struct value_net net = { 0 };
	struct str host, port;
	char fix[96];
	uint32_t n;
	bool ip;

	if (conf_split_address(text, &host, &port) && port.n != 0 &&
	    ip_parse(host, &net) && num_u32(port, &n) && n > 0 && n < 65536)
		return true;
	ip = ip_parse(text, &net);
	snprintf(fix, sizeof(fix), net.octets == 16 ? "\"[%.*s]:53\"" :
	    "%.*s:53", STR_ARG(str_first(text, 60)));
	value_wrong(why, ip ? fix : NULL,
	    "\"%.*s\" is no address with a port, such as 127.0.0.1:53",
	    STR_ARG(str_first(text, 60)));
	return false;
}

bool
value_text(const struct conf_key *key, struct str text, struct value_why *why)
{
	struct value_net net;

	/* A switch over a part of the types: value_parse has the others. */
	if (key->type == CONF_HOST)
		return value_domain(text, false, why);
	if (key->type == CONF_DOMAIN)
		return value_domain(text, true, why);
	if (key->type == CONF_ADDRESS)
		return address_ok(text, why);
	if (key->type == CONF_NETWORK)
		return value_network(text, &net, why);
	if (key->type == CONF_IPPORT)
		return ipport_ok(text, why);
	if (!no_controls(text)) {
		value_wrong(why, NULL, "a control character");
		return false;
	}
	return true;
}

bool
conf_split_address(struct str address, struct str *host, struct str *port)
{
	struct str rest = address;
	size_t colon;

	*port = STR("");
	if (str_starts(address, STR("/"))) {
		*host = address;
		return true;
	}
	if (str_take_char(&rest, '[')) {
		*host = str_first(rest, str_find(rest, ']'));
		rest = str_from(rest, host->n + 1);
		if (!str_take_char(&rest, ':'))
			return false;
		*port = rest;
		return host->n > 0 && port->n > 0;
	}
	colon = str_rfind(address, ':');
	*host = str_first(address, colon);
	*port = str_from(address, colon + 1);
	return host->n > 0 && port->n > 0 &&
	    str_find(*host, ':') == host->n;
}
