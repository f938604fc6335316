/*
 * dns -- names, asked of dnsd by smtp and smtpd.  Answers are parsed
 * there and arrive as plain records; one DNS_IS per cookie.
 */
#ifndef POSTERN_MSG_DNS_H
#define POSTERN_MSG_DNS_H

#include "base/str.h"
#include "base/wire.h"

enum { MSG_DNS = 600, MSG_DNS_IS };

enum dns_kind {
	DNS_MX,   /* MX records, sorted by preference; no address look-up */
	DNS_ADDR, /* AAAA and A, one answer */
	DNS_PTR,  /* name of an address, verified forwards */
	DNS_TXT,
	DNS_TLSA
};
struct msg_dns {
	uint32_t kind;
	struct str name;   /* host name; for PTR the address as text */
};

enum dns_result {
	DNS_FOUND,
	DNS_NODATA,     /* the name exists, no such records */
	DNS_NXDOMAIN,
	DNS_TEMPORARY,  /* SERVFAIL, timeout */
	DNS_BOGUS       /* DNSSEC says it is forged: temporary too */
};
/* Behind it (tail) count records: struct dns_record by dns_record_wire. */
struct msg_dns_is {
	uint32_t result;
	uint32_t secure;   /* 1: DNSSEC-validated */
	uint32_t count;
	uint32_t ttl;      /* seconds */
};
struct dns_record {
	uint32_t value;    /* MX: preference; ADDR: 4 or 6 */
	struct str data;   /* MX: host ("" = null MX, RFC 7505); ADDR: 4 or 16
	                    * octets; PTR: host; TXT: text; TLSA: rdata */
};
extern const struct wire msg_dns_wire, msg_dns_is_wire, dns_record_wire;

#endif
