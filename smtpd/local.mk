pkglibexec_PROGRAMS += smtpd/smtpd
# The session machine alone, for its tests.
noinst_LIBRARIES += smtpd/libsession.a
smtpd_libsession_a_SOURCES = \
	smtpd/cmd_auth.c smtpd/cmd_mail.c smtpd/cmds.c smtpd/data.c \
	smtpd/nets.c smtpd/nets.h smtpd/reply.c \
	smtpd/session.c smtpd/session.h smtpd/session_int.h \
	smtpd/trace.c smtpd/trace.h smtpd/tx.c smtpd/tx.h
smtpd_smtpd_SOURCES = \
	smtpd/conn.c smtpd/conn.h smtpd/conn_calls.c smtpd/conn_int.h \
	smtpd/main.c smtpd/names.c smtpd/names.h smtpd/options.c \
	smtpd/queue.c smtpd/queue.h smtpd/router.c smtpd/router.h \
	smtpd/smtpd.c smtpd/smtpd.h
smtpd_smtpd_LDADD = smtpd/libsession.a common/front/libfront.a \
	common/msg/libmsg.a common/proc/libproc.a common/conf/libconf.a \
	common/mail/libmail.a common/event/libevent.a common/base/libbase.a \
	$(EVENT_LIBS) $(SECCOMP_LIBS) $(SSL_LIBS) $(UNISTRING_LIBS) \
	$(IDN2_LIBS)
