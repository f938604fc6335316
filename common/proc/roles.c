#include "proc/roles.h"

#include "base/fatal.h"

static const char *const names[ROLE_COUNT] = {
	[ROLE_MASTER] = "master",
	[ROLE_EVENTD] = "eventd",
	[ROLE_ROUTERD] = "routerd",
	[ROLE_AUTHD] = "authd",
	[ROLE_KEYD] = "keyd",
	[ROLE_DNSD] = "dnsd",
	[ROLE_NSSD] = "nssd",
	[ROLE_QMGR] = "qmgr",
	[ROLE_SMTP] = "smtp",
	[ROLE_BOUNCE] = "bounce",
	[ROLE_DELIVER] = "deliver",
	[ROLE_SMTPD] = "smtpd",
	[ROLE_PICKUP] = "pickup",
	[ROLE_IMAPD] = "imapd",
	[ROLE_IMAP] = "imap",
	[ROLE_POP3D] = "pop3d",
	[ROLE_POP3] = "pop3",
};

const char *
role_name(enum role r)
{
	if (r >= ROLE_COUNT)
		fatal("role %d", (int)r);
	return names[r];
}

static const struct wire_field give_fields[] = {
	W_U32(msg_give, what),
	W_U32(msg_give, index),
	W_STR(msg_give, name, GIVE_NAME_MAX),
};
const struct wire msg_give_wire = WIRE(msg_give, give_fields);

static const struct wire_field go_fields[] = {
	W_U64(msg_go, epoch),
	W_U32(msg_go, instance),
	W_U32(msg_go, fences),
};
const struct wire msg_go_wire = WIRE(msg_go, go_fields);

static const struct wire_field peer_fields[] = {
	W_ENUM(msg_peer, role, ROLE_COUNT - 1),
	W_U32(msg_peer, instance),
	W_U64(msg_peer, key),
};
const struct wire msg_peer_wire = WIRE(msg_peer, peer_fields);

static const struct wire_field control_open_fields[] = {
	W_U32(msg_control_open, uid),
	W_U32(msg_control_open, rights),
};
const struct wire msg_control_open_wire =
    WIRE(msg_control_open, control_open_fields);

static const struct wire_field open_fields[] = {
	W_ENUM(msg_open, front, ROLE_COUNT - 1),
	W_U32(msg_open, instance),
	W_U32(msg_open, uid),
	W_U32(msg_open, gid),
	W_ENUM(msg_open, root, MAIL_ROOT_SYSTEM),
	W_U64(msg_open, quota),
	W_STR(msg_open, account, ACCOUNT_MAX),
	W_STR(msg_open, path, PATH_OPEN_MAX),
};
const struct wire msg_open_wire = WIRE(msg_open, open_fields);

static const struct wire_field conn_fields[] = {
	W_U64(msg_conn, cookie),
	W_ENUM(msg_conn, root, MAIL_ROOT_SYSTEM),
	W_U64(msg_conn, quota),
	W_STR(msg_conn, account, ACCOUNT_MAX),
	W_STR(msg_conn, path, PATH_OPEN_MAX),
};
const struct wire msg_conn_wire = WIRE(msg_conn, conn_fields);

static const struct wire_field open_deliver_fields[] = {
	W_U32(msg_open_deliver, uid),
	W_U32(msg_open_deliver, gid),
	W_ENUM(msg_open_deliver, root, MAIL_ROOT_SYSTEM),
};
const struct wire msg_open_deliver_wire =
    WIRE(msg_open_deliver, open_deliver_fields);

static const struct wire_field changed_fields[] = {
	W_STR(msg_changed, account, ACCOUNT_MAX),
	W_STR(msg_changed, mailbox, MAILBOX_NAME_MAX),
};
const struct wire msg_changed_wire = WIRE(msg_changed, changed_fields);
