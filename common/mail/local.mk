noinst_LIBRARIES += common/mail/libmail.a
common_mail_libmail_a_SOURCES = \
	common/mail/addr.c common/mail/addr.h \
	common/mail/addrlist.c common/mail/addrlist.h \
	common/mail/bodystructure_text.c common/mail/bodystructure_text.h \
	common/mail/charset.c common/mail/charset.h \
	common/mail/crlf.c common/mail/crlf.h \
	common/mail/date.c common/mail/date.h \
	common/mail/ehlo.c common/mail/ehlo.h \
	common/mail/envelope_text.c common/mail/envelope_text.h \
	common/mail/esmtp.c common/mail/esmtp.h \
	common/mail/header.c common/mail/header_scan.c common/mail/header.h \
	common/mail/imap_text.c common/mail/imap_text.h \
	common/mail/line.c common/mail/line.h \
	common/mail/mime.c common/mail/mime.h \
	common/mail/mime_fields.c common/mail/mime_fields.h \
	common/mail/mime_table.c common/mail/mime_table.h \
	common/mail/msgid.c common/mail/msgid.h \
	common/mail/mutf7.c common/mail/mutf7.h \
	common/mail/param.c common/mail/param.h \
	common/mail/rfc2047.c common/mail/rfc2047.h \
	common/mail/smtp_reply.c common/mail/smtp_reply.h \
	common/mail/transfer.c common/mail/transfer.h \
	common/mail/utf8.c common/mail/utf8.h \
	common/mail/xtext.c common/mail/xtext.h
