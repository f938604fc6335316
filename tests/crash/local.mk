EXTRA_DIST += tests/crash/ledger.py tests/crash/powercut \
	tests/crash/kills tests/crash/short

# The faults of tests/crash/calls: no program of the suite is built otherwise
# for them.
noinst_DATA = tests/crash/inject.so
CLEANFILES += tests/crash/inject.so
EXTRA_DIST += tests/crash/inject.c tests/crash/calls tests/crash/fates.py \
	tests/crash/imapfates.py tests/crash/injector.py
tests/crash/inject.so: tests/crash/inject.c
	@$(MKDIR_P) tests/crash
	$(AM_V_CCLD)$(CC) -D_GNU_SOURCE -std=c17 $(WARN_CFLAGS) -O1 -g -fPIC \
	    -shared -o $@ $(srcdir)/tests/crash/inject.c -ldl
