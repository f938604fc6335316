/*
 * nets -- a list of networks, and whether an address is in one of them.
 */
#ifndef POSTERN_SMTPD_NETS_H
#define POSTERN_SMTPD_NETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

struct net {
	int family;       /* AF_INET or AF_INET6 */
	uint8_t addr[16]; /* network order */
	unsigned bits;    /* 0..32 or 0..128 */
};

struct nets {
	struct net *net;
	size_t n;
};

/* "192.0.2.0/24", "2001:db8::/32" or one address; false: not one. */
bool net_parse(struct str text, struct net *out);
void nets_add(struct nets *nets, const struct net *net);
void nets_clear(struct nets *nets);
bool nets_has(const struct nets *nets, int family, const uint8_t *addr);
/* 127.0.0.0/8 and ::1. */
bool net_is_loopback(int family, const uint8_t *addr);

#endif
