pkglibexec_PROGRAMS += helpers/pickup/pickup
helpers_pickup_pickup_SOURCES = helpers/pickup/folder.c \
	helpers/pickup/main.c helpers/pickup/pickup.c helpers/pickup/pickup.h \
	helpers/pickup/report.c
pickup_links = common/msg/libmsg.a common/proc/libproc.a \
	common/conf/libconf.a common/event/libevent.a common/mail/libmail.a \
	common/base/libbase.a $(EVENT_LIBS) $(SSL_LIBS) $(SECCOMP_LIBS)
helpers_pickup_pickup_LDADD = $(pickup_links)

check_PROGRAMS += tests/unit/pickup/test_folder tests/unit/pickup/test_report
tests_unit_pickup_test_folder_SOURCES = tests/unit/pickup/test_folder.c \
	helpers/pickup/folder.c
tests_unit_pickup_test_folder_LDADD = $(pickup_links) $(CHECK_LIBS)
tests_unit_pickup_test_report_SOURCES = tests/unit/pickup/test_report.c \
	helpers/pickup/report.c
tests_unit_pickup_test_report_LDADD = $(pickup_links) $(CHECK_LIBS)
dist_man_MANS += helpers/pickup/pickup.8
