include helpers/authd.mk
include helpers/dnsd.mk
include helpers/eventd.mk
include helpers/keyd.mk
include helpers/nssd.mk
include helpers/pickup.mk
include helpers/routerd.mk
