pkglibexec_PROGRAMS += helpers/pickup/pickup
helpers_pickup_pickup_SOURCES = helpers/pickup/folder.c \
	helpers/pickup/main.c helpers/pickup/pickup.c helpers/pickup/pickup.h
helpers_pickup_pickup_LDADD = common/msg/libmsg.a common/proc/libproc.a \
	common/conf/libconf.a common/event/libevent.a common/mail/libmail.a \
	common/base/libbase.a $(EVENT_LIBS) $(SSL_LIBS) $(SECCOMP_LIBS)
dist_man_MANS += helpers/pickup/pickup.8
