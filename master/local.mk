pkglibexec_PROGRAMS += master/master
master_master_SOURCES = \
	master/child.c master/config.c master/control.c master/folders.c \
	master/listen.c master/main.c master/master.h master/services.c \
	master/services.h master/spawn.c master/workers.c
master_master_LDADD = common/proc/libproc.a common/msg/libmsg.a \
	common/conf/libconf.a common/event/libevent.a common/base/libbase.a \
	$(EVENT_LIBS) $(SECCOMP_LIBS) $(SSL_LIBS)
dist_man_MANS += master/master.8
check_PROGRAMS += tests/unit/master/test_services
tests_unit_master_test_services_SOURCES = tests/unit/master/test_services.c \
	master/services.c master/services.h
tests_unit_master_test_services_LDADD = common/proc/libproc.a \
	common/base/libbase.a $(CHECK_LIBS)
