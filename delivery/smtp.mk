noinst_LIBRARIES += delivery/smtp/libsmtp.a
delivery_smtp_libsmtp_a_SOURCES = \
	delivery/smtp/client.c delivery/smtp/client.h \
	delivery/smtp/commands.c delivery/smtp/commands.h \
	delivery/smtp/delivery.c delivery/smtp/delivery.h \
	delivery/smtp/engine.c delivery/smtp/engine.h \
	delivery/smtp/hop.c delivery/smtp/hop.h \
	delivery/smtp/names.c delivery/smtp/names.h \
	delivery/smtp/resolve.c delivery/smtp/resolve.h \
	delivery/smtp/session.c delivery/smtp/session.h \
	delivery/smtp/text.c delivery/smtp/text.h
smtp_links = delivery/smtp/libsmtp.a common/msg/libmsg.a \
	common/proc/libproc.a common/conf/libconf.a common/event/libevent.a \
	common/mail/libmail.a common/base/libbase.a $(EVENT_LIBS) \
	$(SSL_LIBS) $(SECCOMP_LIBS)

pkglibexec_PROGRAMS += delivery/smtp/smtp
delivery_smtp_smtp_SOURCES = delivery/smtp/main.c
delivery_smtp_smtp_LDADD = $(smtp_links)
dist_man_MANS += delivery/smtp/smtp.8

check_PROGRAMS += tests/unit/smtp/test_client tests/unit/smtp/test_hop \
	tests/unit/smtp/test_engine
tests_unit_smtp_test_client_SOURCES = tests/unit/smtp/test_client.c
tests_unit_smtp_test_client_LDADD = $(smtp_links) $(CHECK_LIBS)
tests_unit_smtp_test_hop_SOURCES = tests/unit/smtp/test_hop.c
tests_unit_smtp_test_hop_LDADD = $(smtp_links) $(CHECK_LIBS)
tests_unit_smtp_test_engine_SOURCES = tests/unit/smtp/test_engine.c
tests_unit_smtp_test_engine_LDADD = $(smtp_links) $(CHECK_LIBS)
EXTRA_DIST += tests/fuzz/fuzz_smtp_client.c \
	tests/fuzz/seeds/smtp_client/lmtp \
	tests/fuzz/seeds/smtp_client/pipelining \
	tests/fuzz/seeds/smtp_client/starttls
EXTRA_DIST += tests/system/dns_server.py tests/system/smtp_sink.py \
	tests/system/test_outbound.py
