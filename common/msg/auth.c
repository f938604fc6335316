#include "msg/auth.h"

static const struct wire_field auth_begin_fields[] = {
	W_ENUM(msg_auth_begin, service, ROLE_COUNT),
	W_ENUM(msg_auth_begin, tls, 1),
	W_ENUM(msg_auth_begin, has_initial, 1),
	W_STR(msg_auth_begin, mech, AUTH_MECH_MAX),
	W_STR(msg_auth_begin, client, 128),
	W_STR(msg_auth_begin, initial, AUTH_DATA_MAX),
};
const struct wire msg_auth_begin_wire = WIRE(msg_auth_begin, auth_begin_fields);

static const struct wire_field auth_done_fields[] = {
	W_ENUM(msg_auth_done, result, AUTH_NO_MECH),
	W_STR(msg_auth_done, account, ACCOUNT_MAX),
	W_STR(msg_auth_done, text, 512),
};
const struct wire msg_auth_done_wire = WIRE(msg_auth_done, auth_done_fields);
