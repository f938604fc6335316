#include "smtpd/nets.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/fatal.h"
#include "base/num.h"

bool
net_parse(struct str text, struct net *out)
{
	char host[64];
	struct str rest = text, addr = str_take_until(&rest, '/');
	bool v6 = str_find(addr, ':') != addr.n;
	uint32_t bits = v6 ? 128 : 32;
	struct net net = { .family = v6 ? AF_INET6 : AF_INET };

	if (!str_copy(host, sizeof(host), addr) ||
	    inet_pton(net.family, host, net.addr) != 1)
		return false;
	if (addr.n != text.n && (!num_u32(rest, &net.bits) || net.bits > bits))
		return false;
	if (addr.n == text.n)
		net.bits = bits;
	*out = net;
	return true;
}

void
nets_add(struct nets *nets, const struct net *net)
{
	nets->net = xreallocarray(nets->net, nets->n + 1, sizeof(*net));
	nets->net[nets->n++] = *net;
}

void
nets_clear(struct nets *nets)
{
	free(nets->net);
	*nets = (struct nets){ 0 };
}

static bool
has(const struct net *net, int family, const uint8_t *addr)
{
	unsigned whole = net->bits / 8, rest = net->bits % 8;
	uint8_t mask = (uint8_t)(0xff00u >> rest);

	if (net->family != family || memcmp(net->addr, addr, whole) != 0)
		return false;
	return rest == 0 ||
	    (net->addr[whole] & mask) == (addr[whole] & mask);
}

bool
nets_has(const struct nets *nets, int family, const uint8_t *addr)
{
	for (size_t i = 0; i < nets->n; i++)
		if (has(&nets->net[i], family, addr))
			return true;
	return false;
}

bool
net_is_loopback(int family, const uint8_t *addr)
{
	static const uint8_t one[16] = { [15] = 1 };

	return family == AF_INET ? addr[0] == 127
	    : family == AF_INET6 && memcmp(addr, one, sizeof(one)) == 0;
}
