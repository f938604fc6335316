#include "master/services.h"

#include "base/fatal.h"

#define G(what) (1u << GIVE_##what)

/* clang-format off */
const struct service services[] = {
	/* role       folder            user       count              flags                                                   fences                         gives */
	{ ROLE_EVENTD,  "helpers/eventd",  "event",  SERVICE_ONE,       SERVICE_OFFLINE | SERVICE_CONTROL | SERVICE_LAST,                  FENCE_FILES,                   G(LOG) },
	{ ROLE_ROUTERD, "helpers/routerd", "router", SERVICE_ONE,       SERVICE_OFFLINE | SERVICE_CONTROL,                                 FENCE_FILES,                   G(LIB) | G(FILE) },
	{ ROLE_AUTHD,   "helpers/authd",   "auth",   SERVICE_ONE,       SERVICE_OFFLINE | SERVICE_CONTROL,                                 FENCE_FILES,                   G(LIB) },
	{ ROLE_KEYD,    "helpers/keyd",    "key",    SERVICE_MANY,      SERVICE_CONTROL,                                                   FENCE_FILES,                   G(LIB) | G(KEY_FILES) },
	{ ROLE_DNSD,    "helpers/dnsd",    "dns",    SERVICE_ONE,       SERVICE_ROOTLESS,                                                  FENCE_SOCKETS,                 G(EMPTY) },
	{ ROLE_NSSD,    "helpers/nssd",    "nss",    SERVICE_ONE,       SERVICE_OFFLINE,                                                   FENCE_FILES | FENCE_UNIX,      0 },
	{ ROLE_QMGR,    "qmgr",            "queue",  SERVICE_ONE,       SERVICE_CONTROL | SERVICE_LAST,                                    FENCE_FILES,                   G(SPOOL) },
	{ ROLE_SMTP,    "delivery/smtp",   "smtp",   SERVICE_MANY,      SERVICE_ROOTLESS,                                                  FENCE_SOCKETS | FENCE_UNIX,    G(EMPTY) },
	{ ROLE_BOUNCE,  "delivery/bounce", "bounce", SERVICE_ONE,       SERVICE_ROOTLESS,                                                  0,                             G(EMPTY) },
	{ ROLE_DELIVER, "delivery/deliver", NULL,    SERVICE_ON_DEMAND, 0,                                                                 FENCE_FILES,                   G(MAIL_ROOT) },
	{ ROLE_SMTPD,   "smtpd",           "smtpd",  SERVICE_MANY,      SERVICE_ROOTLESS,                                                  0,                             G(EMPTY) | G(LISTENER) },
	{ ROLE_PICKUP,  "helpers/pickup",  "pickup", SERVICE_ONE,       0,                                                                 FENCE_FILES,                   G(DROP) },
	{ ROLE_IMAPD,   "imapd",           "login",  SERVICE_MANY,      SERVICE_ROOTLESS,                                                  0,                             G(EMPTY) | G(LISTENER) },
	{ ROLE_POP3D,   "pop3d",           "login",  SERVICE_MANY,      SERVICE_ROOTLESS,                                                  0,                             G(EMPTY) | G(LISTENER) },
	{ ROLE_IMAP,    "imapd",           NULL,     SERVICE_ON_DEMAND, 0,                                                                 FENCE_FILES,                   G(MAIL_ROOT) },
	{ ROLE_POP3,    "pop3d",           NULL,     SERVICE_ON_DEMAND, 0,                                                                 FENCE_FILES,                   G(MAIL_ROOT) },
};
const size_t services_count = sizeof(services) / sizeof(services[0]);

/* Everyone is linked with eventd too, and with master. */
const struct service_pair service_pairs[] = {
	{ ROLE_SMTPD,   ROLE_QMGR,    1 },
	{ ROLE_SMTPD,   ROLE_ROUTERD, 1 },
	{ ROLE_SMTPD,   ROLE_AUTHD,   1 },
	{ ROLE_SMTPD,   ROLE_KEYD,    2 },
	{ ROLE_SMTPD,   ROLE_DNSD,    1 },
	{ ROLE_IMAPD,   ROLE_AUTHD,   1 },
	{ ROLE_IMAPD,   ROLE_KEYD,    2 },
	{ ROLE_POP3D,   ROLE_AUTHD,   1 },
	{ ROLE_POP3D,   ROLE_KEYD,    2 },
	{ ROLE_QMGR,    ROLE_ROUTERD, 1 },
	{ ROLE_QMGR,    ROLE_SMTP,    1 },
	{ ROLE_QMGR,    ROLE_BOUNCE,  1 },
	{ ROLE_QMGR,    ROLE_DELIVER, 1 },
	{ ROLE_PICKUP,  ROLE_QMGR,    1 },
	{ ROLE_SMTP,    ROLE_DNSD,    1 },
	{ ROLE_AUTHD,   ROLE_ROUTERD, 1 },
	{ ROLE_ROUTERD, ROLE_NSSD,    1 },
};
const size_t service_pairs_count =
    sizeof(service_pairs) / sizeof(service_pairs[0]);
/* clang-format on */

const struct service *
service_of(enum role r)
{
	for (size_t i = 0; i < services_count; i++)
		if (services[i].role == r)
			return &services[i];
	fatal("no service for role %d", (int)r);
}
