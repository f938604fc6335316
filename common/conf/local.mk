noinst_LIBRARIES += common/conf/libconf.a
common_conf_libconf_a_SOURCES = \
	common/conf/check.c common/conf/check_cross.c \
	common/conf/check_report.c \
	common/conf/conf.h common/conf/encode.c common/conf/get.c \
	common/conf/keys.c common/conf/keys.h \
	common/conf/keys_helpers.c common/conf/keys_main.c \
	common/conf/keys_queue.c common/conf/keys_reader.c \
	common/conf/keys_smtp.c \
	common/conf/lex.c common/conf/lex.h \
	common/conf/parse.c common/conf/parse.h common/conf/parser.h \
	common/conf/parse_section.c common/conf/parse_value.c \
	common/conf/problem.c common/conf/show.c \
	common/conf/source.c common/conf/source.h \
	common/conf/suggest.c common/conf/suggest.h \
	common/conf/tree.c common/conf/tree.h \
	common/conf/value.c common/conf/value.h common/conf/value_text.c
check_PROGRAMS += tests/unit/conf/test_conf tests/unit/conf/test_typos
tests_unit_conf_test_conf_SOURCES = tests/unit/conf/test_conf.c
tests_unit_conf_test_conf_LDADD = common/conf/libconf.a \
	common/base/libbase.a $(CHECK_LIBS)
tests_unit_conf_test_typos_SOURCES = tests/unit/conf/test_typos.c
tests_unit_conf_test_typos_LDADD = common/conf/libconf.a \
	common/base/libbase.a $(CHECK_LIBS)
EXTRA_DIST += tests/fuzz/seeds/conf/good tests/fuzz/seeds/conf/bad \
	tests/fuzz/seeds/conf/noname
