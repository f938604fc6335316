noinst_LIBRARIES += common/mail/libmail.a
common_mail_libmail_a_SOURCES = \
	common/mail/addr.c common/mail/addr.h \
	common/mail/crlf.c common/mail/crlf.h \
	common/mail/esmtp.c common/mail/esmtp.h \
	common/mail/line.c common/mail/line.h \
	common/mail/utf8.c common/mail/utf8.h \
	common/mail/xtext.c common/mail/xtext.h
