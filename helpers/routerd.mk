noinst_LIBRARIES += helpers/routerd/librouterd.a
helpers_routerd_librouterd_a_SOURCES = \
	helpers/routerd/aliasfile.c helpers/routerd/aliasfile.h \
	helpers/routerd/change.c \
	helpers/routerd/directory.c helpers/routerd/directory.h \
	helpers/routerd/name.c helpers/routerd/name.h \
	helpers/routerd/resolve.c helpers/routerd/resolve.h \
	helpers/routerd/routerd.c helpers/routerd/routerd.h \
	helpers/routerd/serve.c \
	helpers/routerd/users.c helpers/routerd/users.h \
	helpers/routerd/verbs.c helpers/routerd/verbs.h \
	helpers/routerd/verbs_account.c helpers/routerd/verbs_alias.c \
	helpers/routerd/verbs_domain.c
routerd_links = common/table/libtable.a common/mail/libmail.a \
	common/msg/libmsg.a common/proc/libproc.a common/conf/libconf.a \
	common/event/libevent.a common/base/libbase.a $(DB_LIBS) \
	$(EVENT_LIBS) $(SSL_LIBS) $(SECCOMP_LIBS)

pkglibexec_PROGRAMS += helpers/routerd/routerd
helpers_routerd_routerd_SOURCES = helpers/routerd/main.c
helpers_routerd_routerd_LDADD = helpers/routerd/librouterd.a $(routerd_links)
dist_man_MANS += helpers/routerd/routerd.8

check_PROGRAMS += tests/unit/routerd/test_resolve \
	tests/unit/routerd/test_aliasfile
tests_unit_routerd_test_resolve_SOURCES = tests/unit/routerd/test_resolve.c
tests_unit_routerd_test_resolve_LDADD = helpers/routerd/librouterd.a \
	$(routerd_links) $(CHECK_LIBS)
tests_unit_routerd_test_aliasfile_SOURCES = tests/unit/routerd/test_aliasfile.c
tests_unit_routerd_test_aliasfile_LDADD = helpers/routerd/librouterd.a \
	common/base/libbase.a $(CHECK_LIBS)
