#include "msg/route.h"

static const struct wire_field route_fields[] = {
	W_STR(msg_route, address, ADDRESS_MAX),
	W_STR(msg_route, login, ADDRESS_MAX),
	W_ENUM(msg_route, may_relay, 1),
	W_U32(msg_route, depth),
};
const struct wire msg_route_wire = WIRE(msg_route, route_fields);

static const struct wire_field route_is_fields[] = {
	W_ENUM(msg_route_is, kind, ROUTE_LIST),
	W_U32(msg_route_is, code),
	W_STR(msg_route_is, text, REPLY_TEXT_MAX),
	W_STR(msg_route_is, account, ACCOUNT_MAX),
	W_STR(msg_route_is, path, PATH_OPEN_MAX),
	W_STR(msg_route_is, mailbox, MAILBOX_NAME_MAX),
	W_ENUM(msg_route_is, root, MAIL_ROOT_SYSTEM),
	W_U32(msg_route_is, uid),
	W_U32(msg_route_is, gid),
	W_U64(msg_route_is, quota),
	W_ENUM(msg_route_is, full, 1),
	W_ENUM(msg_route_is, locked, 1),
	W_STR(msg_route_is, next_hop, NEXT_HOP_MAX),
	W_ENUM(msg_route_is, tls, ROUTE_TLS_VERIFY),
	W_ENUM(msg_route_is, more, 1),
	W_ENUM(msg_route_is, keep, 1),
};
const struct wire msg_route_is_wire = WIRE(msg_route_is, route_is_fields);

static const struct wire_field route_full_fields[] = {
	W_STR(msg_route_full, account, ACCOUNT_MAX),
	W_ENUM(msg_route_full, full, 1),
};
const struct wire msg_route_full_wire = WIRE(msg_route_full, route_full_fields);

static const struct wire_field route_add_fields[] = {
	W_STR(msg_route_add, account, ADDRESS_MAX),
	W_ENUM(msg_route_add, flags, 7),
	W_U64(msg_route_add, quota),
	W_U32(msg_route_add, uid),
	W_U32(msg_route_add, gid),
	W_STR(msg_route_add, path, PATH_OPEN_MAX),
};
const struct wire msg_route_add_wire = WIRE(msg_route_add, route_add_fields);

static const struct wire_field route_lock_fields[] = {
	W_STR(msg_route_lock, account, ADDRESS_MAX),
	W_ENUM(msg_route_lock, locked, 1),
};
const struct wire msg_route_lock_wire = WIRE(msg_route_lock, route_lock_fields);

static const struct wire_field route_done_fields[] = {
	W_U32(msg_route_done, exit),
	W_STR(msg_route_done, account, ACCOUNT_MAX),
	W_STR(msg_route_done, text, REPLY_TEXT_MAX),
	W_STR(msg_route_done, fix, REPLY_TEXT_MAX),
};
const struct wire msg_route_done_wire = WIRE(msg_route_done, route_done_fields);
