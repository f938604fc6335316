noinst_PROGRAMS += tests/bench/smtpload tests/bench/smtpsink
tests_bench_smtpload_SOURCES = tests/bench/smtpload.c
tests_bench_smtpload_LDADD = common/base/libbase.a
tests_bench_smtpsink_SOURCES = tests/bench/smtpsink.c
tests_bench_smtpsink_LDADD = common/base/libbase.a
EXTRA_DIST += tests/bench/bench tests/bench/short tests/bench/measure.py \
	tests/bench/runner.py tests/bench/disk.py tests/bench/sink.py tests/bench/targets.py \
	tests/bench/workloads.py
