noinst_PROGRAMS += tests/bench/smtpload
tests_bench_smtpload_SOURCES = tests/bench/smtpload.c
tests_bench_smtpload_LDADD = common/base/libbase.a
