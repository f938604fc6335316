pkglibexec_PROGRAMS += master/master
master_master_SOURCES = \
	master/child.c master/config.c master/control.c master/folders.c \
	master/listen.c master/main.c master/master.h master/services.c \
	master/services.h master/spawn.c master/workers.c
master_master_LDADD = common/proc/libproc.a common/msg/libmsg.a \
	common/conf/libconf.a common/event/libevent.a common/base/libbase.a \
	$(EVENT_LIBS) $(SECCOMP_LIBS) $(SSL_LIBS)
