noinst_LIBRARIES += helpers/authd/libauthd.a
helpers_authd_libauthd_a_SOURCES = \
	helpers/authd/authd.c helpers/authd/authd.h \
	helpers/authd/front.c \
	helpers/authd/hasher.c helpers/authd/hasher.h \
	helpers/authd/import.c \
	helpers/authd/penalty.c helpers/authd/penalty.h \
	helpers/authd/router.c helpers/authd/router.h \
	helpers/authd/sasl.c helpers/authd/sasl.h \
	helpers/authd/scheme.c helpers/authd/scheme.h \
	helpers/authd/secrets.c helpers/authd/secrets.h \
	helpers/authd/sweep.c helpers/authd/verbs.c
authd_links = common/table/libtable.a common/msg/libmsg.a \
	common/proc/libproc.a common/conf/libconf.a common/event/libevent.a \
	common/base/libbase.a $(GSASL_LIBS) $(CRYPT_LIBS) $(DB_LIBS) \
	$(EVENT_LIBS) $(SSL_LIBS) $(SECCOMP_LIBS) -lpthread

pkglibexec_PROGRAMS += helpers/authd/authd
helpers_authd_authd_SOURCES = helpers/authd/main.c
helpers_authd_authd_LDADD = helpers/authd/libauthd.a $(authd_links)
dist_man_MANS += helpers/authd/authd.8

check_PROGRAMS += tests/unit/authd/test_scheme \
	tests/unit/authd/test_penalty tests/unit/authd/test_sasl
tests_unit_authd_test_scheme_SOURCES = tests/unit/authd/test_scheme.c
tests_unit_authd_test_scheme_LDADD = helpers/authd/libauthd.a \
	$(authd_links) $(CHECK_LIBS)
tests_unit_authd_test_penalty_SOURCES = tests/unit/authd/test_penalty.c
tests_unit_authd_test_penalty_LDADD = helpers/authd/libauthd.a \
	common/base/libbase.a $(CHECK_LIBS)
tests_unit_authd_test_sasl_SOURCES = tests/unit/authd/test_sasl.c
tests_unit_authd_test_sasl_LDADD = helpers/authd/libauthd.a \
	$(authd_links) $(CHECK_LIBS)
