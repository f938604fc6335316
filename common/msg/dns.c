#include "msg/dns.h"

static const struct wire_field dns_fields[] = {
	W_ENUM(msg_dns, kind, DNS_TLSA),
	W_STR(msg_dns, name, 255),
};
const struct wire msg_dns_wire = WIRE(msg_dns, dns_fields);

static const struct wire_field dns_is_fields[] = {
	W_ENUM(msg_dns_is, result, DNS_BOGUS),
	W_ENUM(msg_dns_is, secure, 1),
	W_U32(msg_dns_is, count),
	W_U32(msg_dns_is, ttl),
};
const struct wire msg_dns_is_wire = WIRE(msg_dns_is, dns_is_fields);

static const struct wire_field dns_record_fields[] = {
	W_U32(dns_record, value),
	W_STR(dns_record, data, 65535),
};
const struct wire dns_record_wire = WIRE(dns_record, dns_record_fields);
