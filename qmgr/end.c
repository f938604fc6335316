#include "qmgr/end.h"

enum rcpt_end
end_of(enum dsn_action dsn, bool told)
{
	switch (dsn) {
	case DSN_FAILED:
		return told ? END_REPORT : END_SILENT;
	case DSN_DELIVERED:
		return END_MAILBOX;
	case DSN_RELAYED:
		return END_NEXT_HOP;
	case DSN_EXPANDED:
		return END_LIST;
	case DSN_NONE:
	case DSN_DELAYED:
		break;
	}
	return END_UNKNOWN;
}
