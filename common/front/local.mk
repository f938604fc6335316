noinst_LIBRARIES += common/front/libfront.a
common_front_libfront_a_SOURCES = \
	common/front/keys.c common/front/keys.h \
	common/front/listen.c common/front/listen.h \
	common/front/login.c common/front/login.h \
	common/front/pump.c common/front/pump.h

front_links = common/front/libfront.a common/msg/libmsg.a \
	common/proc/libproc.a common/conf/libconf.a \
	common/event/libevent.a common/base/libbase.a $(EVENT_LIBS) \
	$(SSL_LIBS) $(SECCOMP_LIBS) $(CHECK_LIBS)
check_PROGRAMS += tests/unit/front/test_listen \
	tests/unit/front/test_login tests/unit/front/test_pump
tests_unit_front_test_listen_SOURCES = tests/unit/front/test_listen.c
tests_unit_front_test_listen_LDADD = $(front_links)
tests_unit_front_test_login_SOURCES = tests/unit/front/test_login.c
tests_unit_front_test_login_LDADD = $(front_links)
tests_unit_front_test_pump_SOURCES = tests/unit/front/test_pump.c
tests_unit_front_test_pump_LDADD = $(front_links)
