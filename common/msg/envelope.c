#include "msg/envelope.h"

static const struct wire_field envelope_fields[] = {
	W_U32(envelope, flags),
	W_U64(envelope, size),
	W_STR(envelope, sender, ADDRESS_MAX),
	W_STR(envelope, envid, ENVID_MAX),
	W_STR(envelope, login, ADDRESS_MAX),
	W_STR(envelope, client, 128),
};
const struct wire envelope_wire = WIRE(envelope, envelope_fields);

static const struct wire_field env_rcpt_fields[] = {
	W_U32(env_rcpt, notify),
	W_STR(env_rcpt, address, ADDRESS_MAX),
	W_STR(env_rcpt, orcpt, ORCPT_MAX),
};
const struct wire env_rcpt_wire = WIRE(env_rcpt, env_rcpt_fields);
