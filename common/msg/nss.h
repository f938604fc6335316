/*
 * nss -- routerd asks nssd about users of the system.  One NSS_USER question,
 * one NSS_USER_IS answer for each cookie.
 */
#ifndef POSTERN_MSG_NSS_H
#define POSTERN_MSG_NSS_H

#include "base/str.h"
#include "base/wire.h"

enum { MSG_NSS_USER = 600, MSG_NSS_USER_IS };

enum { NSS_NAME_MAX = 64, NSS_HOME_MAX = 400 };

struct msg_nss_user {
	struct str name;
};

enum nss_result {
	NSS_IS_USER,
	NSS_NO_USER,   /* or one below accounts.first_uid */
	NSS_TEMPORARY  /* the sources of users do not answer */
};
struct msg_nss_user_is {
	uint32_t result;  /* enum nss_result */
	uint32_t uid, gid;
	struct str name;  /* as the system writes it */
	struct str home;  /* absolute */
};
extern const struct wire msg_nss_user_wire, msg_nss_user_is_wire;

#endif
