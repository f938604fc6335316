# the lists are in the folders' own local.mk
