dist_man_MANS += conf/postern.conf.5
dist_doc_DATA += conf/postern.conf.sample
EXTRA_DIST += conf/sysusers.conf conf/tmpfiles.conf.in conf/postern.service.in \
	tests/lint/options

# Into share/postern: where units and such belong is the packager's matter.
sampledir = $(datadir)/postern
sample_DATA = conf/sysusers.conf conf/tmpfiles.conf conf/postern.service \
	conf/postern.bash
CLEANFILES += conf/tmpfiles.conf conf/postern.service conf/postern.bash
FILL_IN = sed -e 's,@sbindir\@,$(sbindir),g' \
	-e 's,@localstatedir\@,$(localstatedir),g' \
	-e 's,@runstatedir\@,$(runstatedir),g'
conf/tmpfiles.conf: conf/tmpfiles.conf.in
	$(AM_V_GEN)$(MKDIR_P) conf && $(FILL_IN) $(srcdir)/conf/tmpfiles.conf.in >$@
conf/postern.service: conf/postern.service.in
	$(AM_V_GEN)$(MKDIR_P) conf && $(FILL_IN) $(srcdir)/conf/postern.service.in >$@
conf/postern.bash: ctl/postern$(EXEEXT)
	$(AM_V_GEN)$(MKDIR_P) conf && ctl/postern completion bash >$@
