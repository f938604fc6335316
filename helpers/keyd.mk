noinst_LIBRARIES += helpers/keyd/libkeyd.a
helpers_keyd_libkeyd_a_SOURCES = \
	helpers/keyd/keyd.c helpers/keyd/keyd.h \
	helpers/keyd/pair.c helpers/keyd/pair.h \
	helpers/keyd/serve.c \
	helpers/keyd/source.c helpers/keyd/source.h
keyd_links = common/msg/libmsg.a common/proc/libproc.a \
	common/conf/libconf.a common/event/libevent.a common/base/libbase.a \
	$(EVENT_LIBS) $(SSL_LIBS) $(SECCOMP_LIBS)

pkglibexec_PROGRAMS += helpers/keyd/keyd
helpers_keyd_keyd_SOURCES = helpers/keyd/main.c
helpers_keyd_keyd_LDADD = helpers/keyd/libkeyd.a $(keyd_links)

check_PROGRAMS += tests/unit/keyd/test_pair
tests_unit_keyd_test_pair_SOURCES = tests/unit/keyd/test_pair.c
tests_unit_keyd_test_pair_LDADD = helpers/keyd/libkeyd.a \
	common/event/libevent.a common/base/libbase.a $(EVENT_LIBS) \
	$(SSL_LIBS) $(CHECK_LIBS)
dist_man_MANS += helpers/keyd/keyd.8
