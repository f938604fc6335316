check_PROGRAMS += tests/unit/base/test_base tests/unit/proc/test_link \
	tests/unit/msg/test_control tests/unit/msg/test_route_cache
tests_unit_base_test_base_SOURCES = tests/unit/base/test_base.c
tests_unit_base_test_base_LDADD = common/base/libbase.a $(CHECK_LIBS)
tests_unit_proc_test_link_SOURCES = tests/unit/proc/test_link.c
tests_unit_proc_test_link_LDADD = common/proc/libproc.a common/msg/libmsg.a \
	common/event/libevent.a common/base/libbase.a $(EVENT_LIBS) \
	$(SECCOMP_LIBS) $(SSL_LIBS) $(CHECK_LIBS)
tests_unit_msg_test_control_SOURCES = tests/unit/msg/test_control.c
tests_unit_msg_test_control_LDADD = common/msg/libmsg.a \
	common/proc/libproc.a common/event/libevent.a common/base/libbase.a \
	$(EVENT_LIBS) $(SECCOMP_LIBS) $(SSL_LIBS) $(CHECK_LIBS)
tests_unit_msg_test_route_cache_SOURCES = tests/unit/msg/test_route_cache.c
tests_unit_msg_test_route_cache_LDADD = common/msg/libmsg.a \
	common/proc/libproc.a common/base/libbase.a $(CHECK_LIBS)
