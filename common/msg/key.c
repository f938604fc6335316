#include "msg/key.h"

static const struct wire_field key_cert_fields[] = {
	W_U32(msg_key_cert, key),
	W_STR(msg_key_cert, name, 255),
	W_STR(msg_key_cert, chain, 49152),
};
const struct wire msg_key_cert_wire = WIRE(msg_key_cert, key_cert_fields);

static const struct wire_field key_sign_fields[] = {
	W_U32(msg_key_sign, key),
	W_U32(msg_key_sign, padding),
	W_STR(msg_key_sign, digest, 32),
	W_STR(msg_key_sign, tbs, 512),
};
const struct wire msg_key_sign_wire = WIRE(msg_key_sign, key_sign_fields);

static const struct wire_field key_signed_fields[] = {
	W_STR(msg_key_signed, signature, 1024),
};
const struct wire msg_key_signed_wire = WIRE(msg_key_signed, key_signed_fields);
