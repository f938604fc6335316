noinst_LIBRARIES += delivery/deliver/libdeliver.a
delivery_deliver_libdeliver_a_SOURCES = \
	delivery/deliver/deliver.c delivery/deliver/deliver.h \
	delivery/deliver/heads.c delivery/deliver/heads.h
deliver_links = delivery/deliver/libdeliver.a common/msg/libmsg.a \
	common/proc/libproc.a common/conf/libconf.a common/event/libevent.a \
	common/store/libstore.a common/mail/libmail.a common/base/libbase.a \
	$(EVENT_LIBS) $(SSL_LIBS) $(SECCOMP_LIBS) $(UNISTRING_LIBS)

pkglibexec_PROGRAMS += delivery/deliver/deliver
delivery_deliver_deliver_SOURCES = delivery/deliver/main.c
delivery_deliver_deliver_LDADD = $(deliver_links)
dist_man_MANS += delivery/deliver/deliver.8

check_PROGRAMS += tests/unit/deliver/test_deliver tests/unit/deliver/test_heads
tests_unit_deliver_test_deliver_SOURCES = tests/unit/deliver/test_deliver.c
tests_unit_deliver_test_deliver_LDADD = $(deliver_links) $(CHECK_LIBS)
tests_unit_deliver_test_heads_SOURCES = tests/unit/deliver/test_heads.c
tests_unit_deliver_test_heads_LDADD = $(deliver_links) $(CHECK_LIBS)
