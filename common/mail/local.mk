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
	common/mail/reply_kind.c common/mail/reply_kind.h \
	common/mail/rfc2047.c common/mail/rfc2047.h \
	common/mail/smtp_reply.c common/mail/smtp_reply.h \
	common/mail/seven_bit.c common/mail/seven_bit.h \
	common/mail/transfer.c common/mail/transfer.h \
	common/mail/utf8.c common/mail/utf8.h \
	common/mail/xtext.c common/mail/xtext.h

mail_test_libs = common/mail/libmail.a common/base/libbase.a $(CHECK_LIBS)
check_PROGRAMS += tests/unit/mail/test_addr \
	tests/unit/mail/test_addrlist \
	tests/unit/mail/test_crlf \
	tests/unit/mail/test_esmtp \
	tests/unit/mail/test_header \
	tests/unit/mail/test_mime \
	tests/unit/mail/test_reply \
	tests/unit/mail/test_reply_kind \
	tests/unit/mail/test_seven_bit \
	tests/unit/mail/test_text
tests_unit_mail_test_addr_SOURCES = tests/unit/mail/test_addr.c
tests_unit_mail_test_addr_LDADD = $(mail_test_libs)
tests_unit_mail_test_addrlist_SOURCES = tests/unit/mail/test_addrlist.c
tests_unit_mail_test_addrlist_LDADD = $(mail_test_libs)
tests_unit_mail_test_crlf_SOURCES = tests/unit/mail/test_crlf.c
tests_unit_mail_test_crlf_LDADD = $(mail_test_libs)
tests_unit_mail_test_esmtp_SOURCES = tests/unit/mail/test_esmtp.c
tests_unit_mail_test_esmtp_LDADD = $(mail_test_libs)
tests_unit_mail_test_header_SOURCES = tests/unit/mail/test_header.c
tests_unit_mail_test_header_LDADD = $(mail_test_libs)
tests_unit_mail_test_mime_SOURCES = tests/unit/mail/test_mime.c
tests_unit_mail_test_mime_LDADD = $(mail_test_libs)
tests_unit_mail_test_reply_SOURCES = tests/unit/mail/test_reply.c
tests_unit_mail_test_reply_LDADD = $(mail_test_libs)
tests_unit_mail_test_reply_kind_SOURCES = tests/unit/mail/test_reply_kind.c
tests_unit_mail_test_reply_kind_LDADD = $(mail_test_libs)
tests_unit_mail_test_seven_bit_SOURCES = tests/unit/mail/test_seven_bit.c
tests_unit_mail_test_seven_bit_LDADD = $(mail_test_libs)
tests_unit_mail_test_text_SOURCES = tests/unit/mail/test_text.c
tests_unit_mail_test_text_LDADD = $(mail_test_libs)
EXTRA_DIST += tests/unit/mail/exact.h tests/unit/mail/flood.h \
	tests/unit/mail/relist.h
EXTRA_DIST += tests/fuzz/fuzz_addr.c tests/fuzz/fuzz_crlf.c \
	tests/fuzz/fuzz_esmtp.c tests/fuzz/fuzz_header.c \
	tests/fuzz/fuzz_mime.c tests/fuzz/fuzz_reply.c \
	tests/fuzz/fuzz_seven_bit.c tests/fuzz/seeds/seven_bit \
	tests/fuzz/fuzz_text.c tests/fuzz/seeds/addr tests/fuzz/seeds/crlf \
	tests/fuzz/seeds/esmtp tests/fuzz/seeds/header \
	tests/fuzz/seeds/mime tests/fuzz/seeds/reply tests/fuzz/seeds/text
check_PROGRAMS += tests/unit/mail/test_vectors
tests_unit_mail_test_vectors_SOURCES = tests/unit/mail/test_vectors.c
tests_unit_mail_test_vectors_LDADD = $(mail_test_libs)
