#include "msg/nss.h"

static const struct wire_field nss_user_fields[] = {
	W_STR(msg_nss_user, name, NSS_NAME_MAX),
};
const struct wire msg_nss_user_wire = WIRE(msg_nss_user, nss_user_fields);

static const struct wire_field nss_user_is_fields[] = {
	W_ENUM(msg_nss_user_is, result, NSS_TEMPORARY),
	W_U32(msg_nss_user_is, uid),
	W_U32(msg_nss_user_is, gid),
	W_STR(msg_nss_user_is, name, NSS_NAME_MAX),
	W_STR(msg_nss_user_is, home, NSS_HOME_MAX),
};
const struct wire msg_nss_user_is_wire =
    WIRE(msg_nss_user_is, nss_user_is_fields);
