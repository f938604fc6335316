include delivery/bounce.mk
include delivery/deliver.mk
include delivery/smtp.mk
