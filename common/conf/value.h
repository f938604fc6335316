/*
 * value -- one value of a key: is it of the key's type, and what is it?
 * Private to common/conf.
 */
#ifndef POSTERN_CONF_VALUE_H
#define POSTERN_CONF_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "conf/keys.h"

struct value {
	uint64_t n;     /* number, octets, milliseconds, percent, choice, 0/1 */
	int64_t per_ms; /* CONF_RATE: n in so long */
	struct str s;   /* text types: "" for none and no */
};

/* What is wrong with it, for people. */
struct value_why {
	char text[256];
	char fix[128]; /* what to write instead, or "" */
};

/* why may be NULL. */
bool value_parse(const struct conf_key *key, struct str text,
    struct value *out, struct value_why *why);

/* A network: address (4 or 16 octets) and prefix length. */
struct value_net {
	unsigned char addr[16];
	unsigned octets; /* 4 or 16 */
	unsigned bits;   /* of the prefix */
};
bool value_network(struct str text, struct value_net *out,
    struct value_why *why);
/* A host name or domain: labels of letters, digits and hyphens; with utf8
 * also letters outside ASCII. */
bool value_domain(struct str text, bool utf8, struct value_why *why);

/* Values for text types (value_text.c). */
bool value_text(const struct conf_key *key, struct str text,
    struct value_why *why);
void value_wrong(struct value_why *why, const char *fix, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
