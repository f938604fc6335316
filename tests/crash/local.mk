EXTRA_DIST += tests/crash/ledger.py tests/crash/powercut \
	tests/crash/kills tests/crash/short
