#include "msg/submit.h"

static const struct wire_field submit_fields[] = {
	W_U32(msg_submit, flags),
	W_U64(msg_submit, size_hint),
	W_STR(msg_submit, sender, ADDRESS_MAX),
	W_STR(msg_submit, envid, ENVID_MAX),
	W_STR(msg_submit, login, ADDRESS_MAX),
	W_STR(msg_submit, client, 128),
	W_U64(msg_submit, settles_id),
	W_STR(msg_submit, settles, SETTLES_MAX),
	W_STR(msg_submit, token, TOKEN),
};
const struct wire msg_submit_wire = WIRE(msg_submit, submit_fields);

static const struct wire_field submit_prefix_fields[] = {
	W_U32(msg_submit_prefix, id_at),
	W_STR(msg_submit_prefix, text, PREFIX_MAX),
};
const struct wire msg_submit_prefix_wire =
    WIRE(msg_submit_prefix, submit_prefix_fields);

static const struct wire_field submit_end_fields[] = {
	W_U64(msg_submit_end, size),
	W_U32(msg_submit_end, crc),
};
const struct wire msg_submit_end_wire = WIRE(msg_submit_end, submit_end_fields);

static const struct wire_field submit_done_fields[] = {
	W_U64(msg_submit_done, id),
	W_U32(msg_submit_done, code),
	W_STR(msg_submit_done, text, REPLY_TEXT_MAX),
};
const struct wire msg_submit_done_wire =
    WIRE(msg_submit_done, submit_done_fields);
