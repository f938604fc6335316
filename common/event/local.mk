noinst_LIBRARIES += common/event/libevent.a
common_event_libevent_a_SOURCES = \
	common/event/loop.c common/event/loop.h common/event/loop_base.h \
	common/event/stream.c common/event/stream.h \
	common/event/tls.c common/event/tls.h \
	common/event/tls_key.c common/event/tls_key.h
check_PROGRAMS += tests/unit/tls/test_tls
tests_unit_tls_test_tls_SOURCES = tests/unit/tls/test_tls.c
tests_unit_tls_test_tls_LDADD = common/event/libevent.a \
	common/base/libbase.a $(SSL_LIBS) $(EVENT_LIBS) $(CHECK_LIBS)
