noinst_LIBRARIES += common/table/libtable.a
common_table_libtable_a_SOURCES = \
	common/table/records.c common/table/records.h

check_PROGRAMS += tests/unit/table/test_records
tests_unit_table_test_records_SOURCES = tests/unit/table/test_records.c
tests_unit_table_test_records_LDADD = common/table/libtable.a \
	common/base/libbase.a $(DB_LIBS) $(CHECK_LIBS)
