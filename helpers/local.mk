include helpers/dnsd.mk
