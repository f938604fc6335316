/*
 * hop -- a next hop in words (msg/job.h) taken apart.
 *	example.org          its MX
 *	example.org:2525     its MX, another port
 *	[mx.example.org]:26  this host, no MX; also [192.0.2.1], [IPv6:...]
 *	lmtp:[host]:port, lmtp:host:port, lmtp:/path
 */
#ifndef POSTERN_SMTP_HOP_H
#define POSTERN_SMTP_HOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

struct hop {
	bool lmtp;
	bool mx;           /* ask for mail exchangers */
	struct str host;   /* "" when path is set */
	struct str path;   /* Unix socket, or "" */
	uint16_t port;     /* 0: the default */
};

/* Views point into text; false: it is none of these. */
bool hop_parse(struct str text, struct hop *out);

#endif
