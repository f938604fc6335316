noinst_LIBRARIES += delivery/bounce/libbounce.a
delivery_bounce_libbounce_a_SOURCES = \
	delivery/bounce/advice.c delivery/bounce/advice.h \
	delivery/bounce/bounce.c delivery/bounce/bounce.h \
	delivery/bounce/dsn.c delivery/bounce/dsn.h \
	delivery/bounce/excerpt.c delivery/bounce/excerpt.h \
	delivery/bounce/lines.c delivery/bounce/lines.h \
	delivery/bounce/words.c delivery/bounce/words.h
bounce_links = delivery/bounce/libbounce.a common/msg/libmsg.a \
	common/proc/libproc.a common/conf/libconf.a common/event/libevent.a \
	common/mail/libmail.a common/base/libbase.a $(EVENT_LIBS) \
	$(SSL_LIBS) $(SECCOMP_LIBS)

pkglibexec_PROGRAMS += delivery/bounce/bounce
delivery_bounce_bounce_SOURCES = delivery/bounce/main.c
delivery_bounce_bounce_LDADD = $(bounce_links)
dist_man_MANS += delivery/bounce/bounce.8

check_PROGRAMS += tests/unit/bounce/test_dsn tests/unit/bounce/test_bounce \
	tests/unit/bounce/test_advice
tests_unit_bounce_test_advice_SOURCES = tests/unit/bounce/test_advice.c
tests_unit_bounce_test_advice_LDADD = $(bounce_links) $(CHECK_LIBS)
tests_unit_bounce_test_dsn_SOURCES = tests/unit/bounce/test_dsn.c
tests_unit_bounce_test_dsn_LDADD = $(bounce_links) $(CHECK_LIBS)
tests_unit_bounce_test_bounce_SOURCES = tests/unit/bounce/test_bounce.c
tests_unit_bounce_test_bounce_LDADD = $(bounce_links) $(CHECK_LIBS)
