#include "delivery/smtp/commands.h"

#include "mail/utf8.h"
#include "mail/xtext.h"

bool
command_safe(struct str address)
{
	for (size_t i = 0; i < address.n; i++) {
		const unsigned char c = (unsigned char)address.p[i];

		if (c < 0x20 || c == 0x7f)
			return false;
	}
	return true;
}

static void
add_xtext(struct buf *out, const char *keyword, struct str value)
{
	buf_add_c(out, keyword);
	xtext_encode(out, value);
}

void
command_mail(struct buf *out, const struct client_mail *mail, unsigned can)
{
	buf_addf(out, "MAIL FROM:<%.*s>", STR_ARG(mail->sender));
	if ((can & EHLO_SIZE) != 0 && mail->size != 0)
		buf_addf(out, " SIZE=%llu", (unsigned long long)mail->size);
	if ((can & EHLO_8BITMIME) != 0 && (mail->flags & ENV_8BIT) != 0)
		buf_add_c(out, " BODY=8BITMIME");
	if ((can & EHLO_SMTPUTF8) != 0 && (mail->flags & ENV_UTF8) != 0)
		buf_add_c(out, " SMTPUTF8");
	if ((can & EHLO_DSN) != 0) {
		if ((mail->flags & ENV_RET_FULL) != 0)
			buf_add_c(out, " RET=FULL");
		else if ((mail->flags & ENV_RET_HDRS) != 0)
			buf_add_c(out, " RET=HDRS");
		if (mail->envid.n != 0)
			add_xtext(out, " ENVID=", mail->envid);
	}
	buf_add_c(out, "\r\n");
}

/* notify-list, RFC 3461 4.1 */
static void
add_notify(struct buf *out, uint32_t notify)
{
	static const struct {
		uint32_t bit;
		const char *word;
	} words[] = {
		{ NOTIFY_SUCCESS, "SUCCESS" },
		{ NOTIFY_FAILURE, "FAILURE" },
		{ NOTIFY_DELAY, "DELAY" },
	};
	char before = '=';

	if (notify == 0)
		return;
	buf_add_c(out, " NOTIFY");
	if ((notify & NOTIFY_NEVER) != 0) {
		buf_add_c(out, "=NEVER");
		return;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if ((notify & words[i].bit) == 0)
			continue;
		buf_add_char(out, before);
		buf_add_c(out, words[i].word);
		before = ',';
	}
}

/* "rfc822;bob@example.org": only the part behind the type is xtext. */
static void
add_orcpt(struct buf *out, struct str orcpt, uint32_t flags)
{
	const struct str type = str_take_until(&orcpt, ';');

	if (orcpt.n == 0)
		return;
	if (!utf8_is_ascii(orcpt) && (flags & ENV_UTF8) == 0)
		return;
	buf_addf(out, " ORCPT=%.*s;", STR_ARG(type));
	if (utf8_is_ascii(orcpt))
		xtext_encode(out, orcpt);
	else
		buf_add(out, orcpt); /* RFC 6533 3: unitext */
}

void
command_rcpt(struct buf *out, const struct client_rcpt *rcpt, uint32_t flags,
    unsigned can)
{
	buf_addf(out, "RCPT TO:<%.*s>", STR_ARG(rcpt->address));
	if ((can & EHLO_DSN) != 0) {
		add_notify(out, rcpt->notify);
		add_orcpt(out, rcpt->orcpt, flags);
	}
	buf_add_c(out, "\r\n");
}
