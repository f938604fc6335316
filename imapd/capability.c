#include "imapd/capability.h"

#define COMMON "IMAP4rev1 LITERAL+ ID ENABLE"

void
capability_before(
    struct buf *out, bool starttls, bool logins, struct str mechs)
{
	buf_add_c(out, COMMON " SASL-IR");
	if (starttls)
		buf_add_c(out, " STARTTLS");
	if (!logins) {
		buf_add_c(out, " LOGINDISABLED");
		return;
	}
	while (mechs.n != 0) {
		buf_add_c(out, " AUTH=");
		buf_add(out, str_take_word(&mechs));
	}
}

void
capability_after(struct buf *out)
{
	buf_add_c(out, COMMON " IDLE NAMESPACE UNSELECT UIDPLUS MOVE CHILDREN "
	    "SPECIAL-USE ESEARCH WITHIN CONDSTORE LIST-EXTENDED LIST-STATUS");
}

void
capability_id(struct buf *out)
{
	buf_add_c(out, "* ID (\"name\" \"Postern\" \"version\" \""
	    POSTERN_VERSION "\")\r\n");
}
