sbin_PROGRAMS += ctl/postern
ctl_postern_SOURCES = \
	ctl/ask.c ctl/ask.h ctl/client.c ctl/client.h ctl/cmds.c \
	ctl/config.c ctl/ctl.h ctl/events.c ctl/explain.c ctl/export.c ctl/generic.c ctl/generic.h ctl/help.c ctl/import.c \
	ctl/main.c ctl/password.c ctl/password.h ctl/progress.c ctl/progress.h \
	ctl/queue.c ctl/queue_check.c ctl/queue_show.c ctl/queue_top.c \
	ctl/server.c ctl/server.h \
	ctl/table.c ctl/table.h ctl/try.c ctl/try.h ctl/try_send.c
ctl_postern_LDADD = common/msg/libmsg.a common/proc/libproc.a \
	common/conf/libconf.a common/event/libevent.a common/base/libbase.a \
	$(EVENT_LIBS) $(SSL_LIBS) $(SECCOMP_LIBS) $(JANSSON_LIBS)
EXTRA_DIST += ctl/VERBS.md

sbin_PROGRAMS += ctl/sendmail
ctl_sendmail_SOURCES = ctl/sendmail.c ctl/sendmail.h ctl/sm_dead.c ctl/sm_drop.c \
	ctl/sm_message.c ctl/sm_options.c ctl/sm_submit.c
ctl_sendmail_LDADD = common/msg/libmsg.a common/proc/libproc.a \
	common/conf/libconf.a common/event/libevent.a common/mail/libmail.a \
	common/base/libbase.a $(EVENT_LIBS) $(SSL_LIBS)
# The same program under its other names.
install-exec-hook:
	cd $(DESTDIR)$(sbindir) && rm -f mailq newaliases && \
	    $(LN_S) sendmail mailq && $(LN_S) sendmail newaliases
uninstall-hook:
	rm -f $(DESTDIR)$(sbindir)/mailq $(DESTDIR)$(sbindir)/newaliases
dist_man_MANS += ctl/postern.8 ctl/sendmail.8

check_PROGRAMS += tests/unit/ctl/test_dead tests/unit/ctl/test_drop \
	tests/unit/ctl/test_sendmail
tests_unit_ctl_test_dead_SOURCES = tests/unit/ctl/test_dead.c ctl/sm_dead.c \
	ctl/sm_drop.c
tests_unit_ctl_test_dead_LDADD = common/msg/libmsg.a common/base/libbase.a \
	$(CHECK_LIBS)
tests_unit_ctl_test_drop_SOURCES = tests/unit/ctl/test_drop.c
tests_unit_ctl_test_drop_LDADD = common/msg/libmsg.a common/base/libbase.a \
	$(CHECK_LIBS)
# Runs ctl/sendmail of the build tree.
tests_unit_ctl_test_sendmail_SOURCES = tests/unit/ctl/test_sendmail.c
tests_unit_ctl_test_sendmail_LDADD = common/msg/libmsg.a \
	common/base/libbase.a $(CHECK_LIBS)
