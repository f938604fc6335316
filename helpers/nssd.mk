pkglibexec_PROGRAMS += helpers/nssd/nssd
helpers_nssd_nssd_SOURCES = helpers/nssd/main.c helpers/nssd/nssd.c \
	helpers/nssd/nssd.h
helpers_nssd_nssd_LDADD = common/msg/libmsg.a common/proc/libproc.a \
	common/conf/libconf.a common/event/libevent.a common/base/libbase.a \
	$(EVENT_LIBS) $(SSL_LIBS) $(SECCOMP_LIBS)
dist_man_MANS += helpers/nssd/nssd.8
