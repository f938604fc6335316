EXTRA_DIST += tests/fuzz/run tests/fuzz/short tests/fuzz/seeds \
	tests/fuzz/fuzz_aliases.c tests/fuzz/fuzz_conf.c \
	tests/fuzz/fuzz_imap_commands.c tests/fuzz/fuzz_imap_prelogin.c
