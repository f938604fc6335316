sbin_PROGRAMS += ctl/postern
ctl_postern_SOURCES = \
	ctl/ask.c ctl/ask.h ctl/client.c ctl/client.h ctl/cmds.c \
	ctl/config.c ctl/ctl.h ctl/explain.c ctl/generic.c ctl/help.c \
	ctl/main.c ctl/password.c ctl/password.h ctl/server.c ctl/server.h \
	ctl/table.c ctl/table.h ctl/try.c ctl/try.h ctl/try_send.c
ctl_postern_LDADD = common/msg/libmsg.a common/proc/libproc.a \
	common/conf/libconf.a common/event/libevent.a common/base/libbase.a \
	$(EVENT_LIBS) $(SSL_LIBS) $(SECCOMP_LIBS) $(JANSSON_LIBS)
EXTRA_DIST += ctl/VERBS.md
