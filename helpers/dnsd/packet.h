/*
 * packet -- reads the answer of a DNS message (RFC 1035 section 4).
 * The message was made by our own resolver, which has thrown away records
 * that do not belong to the name asked for; it is still read as if it came
 * from a stranger.  Owns nothing.
 */
#ifndef POSTERN_DNSD_PACKET_H
#define POSTERN_DNSD_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

enum rr_type {
	RR_A = 1,
	RR_PTR = 12,
	RR_MX = 15,
	RR_TXT = 16,
	RR_AAAA = 28,
	RR_RRSIG = 46,
	RR_DNSKEY = 48,
	RR_TLSA = 52
};

enum { RCODE_OK = 0, RCODE_NXDOMAIN = 3 };

enum {
	NAME_MAX_TEXT = 255, /* octets of a name in text, without the NUL */
	TXT_MAX = 4096       /* octets of one TXT record, strings joined */
};

struct packet {
	struct str whole;
	size_t at;      /* the next record */
	unsigned left;  /* records of the answer section not yet read */
	unsigned rcode; /* 0..15 */
};

struct packet_rr {
	uint16_t type;
	uint32_t ttl;  /* seconds */
	size_t at;     /* of the rdata in the message */
	struct str rdata;
};

/* Reads header and question; false when they are malformed. */
bool packet_open(struct packet *p, struct str octets);
/* The next record of the answer; false at the end and where it is damaged. */
bool packet_next(struct packet *p, struct packet_rr *rr);

/*
 * The name at *at as text without the final dot ("" for the root), *at moves
 * behind it.  false: damaged, too long, or a label has an octet that no host
 * name or service label has (letters, digits, "-", "_").
 */
bool packet_name(struct str whole, size_t *at, char out[NAME_MAX_TEXT + 1]);

/* rdata of one kind; false when it is not what the type says. */
bool packet_mx(const struct packet *p, const struct packet_rr *rr,
    uint16_t *preference, char host[NAME_MAX_TEXT + 1]);
bool packet_ptr(const struct packet *p, const struct packet_rr *rr,
    char host[NAME_MAX_TEXT + 1]);
/* Adds the joined strings to out (RFC 7208 3.3), at most TXT_MAX octets. */
bool packet_txt(const struct packet_rr *rr, struct buf *out);

#endif
