noinst_LIBRARIES += helpers/eventd/libeventd.a
helpers_eventd_libeventd_a_SOURCES = \
	helpers/eventd/line.c helpers/eventd/line.h \
	helpers/eventd/logfile.c helpers/eventd/logfile.h
pkglibexec_PROGRAMS += helpers/eventd/eventd
helpers_eventd_eventd_SOURCES = helpers/eventd/control.c \
	helpers/eventd/eventd.c helpers/eventd/eventd.h helpers/eventd/main.c
helpers_eventd_eventd_LDADD = helpers/eventd/libeventd.a \
	common/proc/libproc.a common/msg/libmsg.a common/conf/libconf.a \
	common/event/libevent.a common/base/libbase.a \
	$(EVENT_LIBS) $(SECCOMP_LIBS) $(SSL_LIBS)
dist_man_MANS += helpers/eventd/eventd.8
check_PROGRAMS += tests/unit/eventd/test_line
tests_unit_eventd_test_line_SOURCES = tests/unit/eventd/test_line.c
tests_unit_eventd_test_line_LDADD = helpers/eventd/libeventd.a \
	common/base/libbase.a $(CHECK_LIBS)
