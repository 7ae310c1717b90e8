# zr: replicate ZFS filesystems between hosts with small programs.
#
#	make		build the programs
#	make demo	build, replicate real streams
#	make check	build, run every test
#	make check-sanitize	the same with AddressSanitizer and UBSan
#	make check-valgrind	the residents: no leak, no descriptor left; growth
#	make check-long	every fault, and as many kills, as the others take a sample of
#	make check-zfs	the tests that need ZFS, in a machine made for them
#	make deb	Debian's packages, in build/deb
#	make check-deb	build these, install them into a minimal Debian, remove them
#	make fuzz	libFuzzer on every parser
#	make bench	CPU, throughput, growth: a page of numbers
#	make lint	manual pages and shell scripts
#	make install	programs, pages, completion, examples, units: PREFIX=/usr/local DESTDIR=
#	make clean	remove all of build/ but the machine of check-zfs
#	make distclean	remove that, too
#
# Each but lint first installs missing packages with apt, or prints the command to do so
# (t/deps.sh).  Variables:
#
#	DEPS=:		install no package
#	SANITIZE=1	build with AddressSanitizer and UBSan, in build/sanitize
#	WERROR=-Werror	a warning ends the build, as it does in CI
#	SHARED=1	link all libraries at run time (see CORE)
#
# In build/, bin holds the programs, lib the library, t the programs of the tests, and
# obj the objects that all of them are made of.

VERSION = 0.1

PREFIX = /usr/local
DESTDIR =
CC = gcc
CFLAGS = -O2 -g

WERROR ?=
SHARED ?=
DEPS = sh t/deps.sh

BUILD = build$(if $(SANITIZE),/sanitize)
OBJ = $(BUILD)/obj
LIBRARY = $(BUILD)/lib/libzr.a
PROTOS = $(patsubst proto/%.proto,$(OBJ)/proto/%.pb-c,$(wildcard proto/*.proto))

# The programs that are names of one file (lib/base/program.h).  A connection executes it
# once on each side, and loading libraries would take a third of that time.  They are
# therefore linked into the file, all but the C library, if they are installed in that form
# (.a).  An update of one of them then needs another make, which links the file again;
# SHARED=1 does without, as Debian's package does.
CORE = $(patsubst %,zr-%,connect dataconn endpoint handshake mux remote replicate rpc serve \
	ssh-connect stdinserver step)

# Every other program, and the libraries that it needs besides libbsd.
LIBS_zr-core = -lprotobuf-c -lnghttp2 -lpcre2-8 -ljansson -lz -lmd
STATIC_zr-core = $(foreach library,$(LIBS_zr-core:-l%=%) bsd md, \
	$(shell $(CC) -print-file-name=lib$(library).a))
LIBS_zr-listen =
LIBS_zr-list = -lprotobuf-c
LIBS_zr-plan = -lprotobuf-c -lpcre2-8 -lz
LIBS_zr-prune = -lprotobuf-c -lpcre2-8
LIBS_zr-check = -lprotobuf-c -lpcre2-8 -lz
LIBS_zr-status = -lprotobuf-c
LIBS_zr-token = -lz
LIBS_zr-guard = -lprotobuf-c -lpcre2-8 -lmd
LIBS_zr-streamsum = -lmd
LIBS_zr-scrub = -ljansson -lz -lmd
LIBS_zr-verify = -lprotobuf-c -lmd
LIBS_zr-dump = -lprotobuf-c -lnghttp2
LIBS_zr-holds = -lmd
LIBS_zr-snap =
LIBS_zr-tls = -lssl -lcrypto
# A unit test may use any part of the library.
LIBS_test = -lprotobuf-c -ljansson -lz -lnghttp2 -lssl -lcrypto -lmd -lpcre2-8

PROGRAMS = $(patsubst bin/%.c,%,$(wildcard bin/zr-*.c))
SCRIPTS = $(patsubst bin/%.sh,%,$(wildcard bin/*.sh))
MANUALS = $(wildcard man/*.[1-8])
UNIT_TESTS = $(patsubst t/unit/%.c,%,$(wildcard t/unit/*.c))
FUZZERS = $(patsubst t/fuzz/%.c,%,$(wildcard t/fuzz/*.c))
BENCH = $(patsubst t/bench/%.c,$(BUILD)/bench/%,$(wildcard t/bench/*.c))

WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wsign-compare $(WERROR)
SANITIZERS_1 = -fsanitize=address,undefined -fno-sanitize-recover=undefined \
	-fno-omit-frame-pointer
SANITIZERS = $(SANITIZERS_$(SANITIZE))
ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -DLIBBSD_OVERLAY -DLIBBSD_NETBSD_VIS \
	'-DZR_VERSION="$(VERSION)"' -isystem /usr/include/bsd $(WARNINGS) $(CFLAGS) $(SANITIZERS) \
	-Ilib -I$(OBJ)/proto -MMD -MP $(CPPFLAGS)
LINK = $(CC) $(CFLAGS) $(SANITIZERS) $(LDFLAGS)

LIB_OBJECTS = $(patsubst %.c,$(OBJ)/%.o,$(wildcard lib/*/*.c)) $(PROTOS:%=%.o)

all: $(PROGRAMS:%=$(BUILD)/bin/%) $(SCRIPTS:%=$(BUILD)/bin/%) $(BUILD)/completion/zr

demo:
	@$(DEPS) demo
	@echo "Building zr in $(BUILD)"
	@$(MAKE) -s all
	@PATH="$(CURDIR)/$(BUILD)/bin:$$PATH" sh examples/demo.sh

check:
	@$(DEPS) test
	$(MAKE) all unit
	t/run $(BUILD)

# The whole suite with AddressSanitizer (leaks too) and UBSan: each finding ends
# the program with its status, which a test then misses.
check-sanitize:
	@$(DEPS) test
	$(MAKE) SANITIZE=1 all unit
	t/run build/sanitize

# The residents under valgrind: nothing lost, no descriptor left open; how many instructions
# more filesystems and snapshots take.
check-valgrind:
	@$(DEPS) test
	$(MAKE) all
	t/run $(BUILD) t/valgrind/residents.bats t/valgrind/growth.bats

# What check takes a sample of, all of it: some five minutes.
check-long:
	@$(DEPS) test
	$(MAKE) all unit
	ZR_FAULT_EVERY=1 ZR_FAULT_KILLS=500 ZR_PLAN_HISTORIES=25000 ZR_RETENTION_SETS=100000 \
	    ZR_RESUME_ROUNDS=50 \
	    t/run $(BUILD) t/faults/cut.bats t/faults/reset.bats t/faults/stall.bats \
	    t/faults/kill.bats t/replicate/kill.bats t/plan/plan.bats t/prune/rules.bats \
	    t/archive/sweep.bats

# Real ZFS, in machines made for it (t/zfsvm/README).
check-zfs:
	@$(DEPS) zfs
	$(MAKE) all $(BUILD)/t/relay $(BUILD)/t/peak
	t/zfsvm/check

unit: $(UNIT_TESTS:%=$(BUILD)/t/unit/%) $(FUZZERS:%=$(BUILD)/t/unit/fuzz-%) \
    $(BUILD)/t/relay $(BUILD)/t/peak $(BUILD)/t/odd_disk.so $(BUILD)/t/no_kill.so $(BENCH)

# Numbers, no verdict (t/bench/README.md): tables, JSON in build/bench, and at the end one
# page of it, build/bench/page.md.  BENCH_GIB=1 BENCH_RUNS=1 for a short one; t/bench/run
# has further variables.
bench: all $(BENCH)
	@$(DEPS) bench
	t/bench/run $(BUILD)

# libFuzzer on everything that parses, from seeds made of t/data: FUZZ_SECONDS
# for each target, or FUZZ_RUNS executions where that is given.  What is found
# lies in build/fuzz/findings; once fixed it belongs into
# t/fuzz/regressions/TARGET, which the unit tests replay.
FUZZ_SECONDS = 10
FUZZ_RUNS =

fuzz:
	@$(DEPS) test
	$(MAKE) -j2 SANITIZE=1 CC=clang BUILD=build/fuzz \
	    CFLAGS='-O1 -g -fsanitize=fuzzer-no-link' $(FUZZERS:%=build/fuzz/t/fuzz/%)
	python3 t/fuzz/corpus.py build/fuzz/corpus
	mkdir -p build/fuzz/findings
	set -e; for fuzzer in $(FUZZERS); do \
		echo "fuzzing $$fuzzer"; \
		mkdir -p build/fuzz/corpus/$$fuzzer; \
		build/fuzz/t/fuzz/$$fuzzer -verbosity=0 -print_final_stats=1 \
		    $(if $(FUZZ_RUNS),-runs=$(FUZZ_RUNS),-max_total_time=$(FUZZ_SECONDS)) \
		    -artifact_prefix=build/fuzz/findings/$$fuzzer- \
		    build/fuzz/corpus/$$fuzzer; \
	done

lint:
	mandoc -T lint -W warning $(MANUALS)
	shellcheck -s sh bin/*.sh examples/*.sh examples/zr-server-* examples/s6/zr/run examples/nightly
	shellcheck t/run t/*.sh t/bench/run .ci/run
	shellcheck -s bash examples/completion/zr
	shellcheck -x t/zfsvm/build t/zfsvm/check t/zfsvm/guest t/zfsvm/run t/zfsvm/start t/zfsvm/stop t/zfsvm/init-uml
	shellcheck -s sh t/zfsvm/init

# Units and examples say /usr/local/bin, and are installed with the directory of the
# programs in its place; in a PATH, in front of it.  Those units that need nothing from the administrator but a file
# for each job are installed where systemd looks; none is enabled.
COMPLETIONS = $(PREFIX)/share/bash-completion/completions
COMPLETED = $(filter-out zr,$(PROGRAMS) $(SCRIPTS))
EXAMPLES_DIRECTORY = $(PREFIX)/share/doc/zr/examples
EXAMPLES = $(filter-out completion debian demo.sh,$(notdir $(wildcard examples/*)))
UNITS_DIRECTORY = $(PREFIX)/lib/systemd/system
UNITS = $(notdir $(wildcard examples/systemd/zr-job@.*))
PATHS = s,/usr/local/bin/,$(PREFIX)/bin/,g$(if $(filter-out /usr /usr/local,$(PREFIX)),; \
	/path=/Is|/usr/local/bin:|$(PREFIX)/bin:&|)

install: all
	install -d $(DESTDIR)$(PREFIX)/bin
	install $(FILES:%=$(BUILD)/bin/%) $(SCRIPTS:%=$(BUILD)/bin/%) $(DESTDIR)$(PREFIX)/bin
	install $(BUILD)/bin/$(firstword $(CORE)) $(DESTDIR)$(PREFIX)/bin
	set -e; cd $(DESTDIR)$(PREFIX)/bin; for name in $(wordlist 2,99,$(CORE)); do \
		ln -f $(firstword $(CORE)) $$name; done
	set -e; for page in $(MANUALS); do \
		section=$${page##*.}; \
		install -d $(DESTDIR)$(PREFIX)/share/man/man$$section; \
		install -m 644 $$page $(DESTDIR)$(PREFIX)/share/man/man$$section; \
	done
	install -d $(DESTDIR)$(COMPLETIONS)
	install -m 644 $(BUILD)/completion/zr $(DESTDIR)$(COMPLETIONS)/zr
	cd $(DESTDIR)$(COMPLETIONS) && for name in $(COMPLETED); do ln -sf zr $$name; done
	set -e; find $(EXAMPLES:%=examples/%) -type f | while read -r file; do \
		to=$(DESTDIR)$(EXAMPLES_DIRECTORY)/$${file#examples/}; \
		install -D -m $$([ -x $$file ] && echo 755 || echo 644) $$file $$to; \
		sed -i '$(PATHS)' $$to; \
	done
	set -e; for unit in $(UNITS); do \
		install -D -m 644 examples/systemd/$$unit $(DESTDIR)$(UNITS_DIRECTORY)/$$unit; \
		sed -i '$(PATHS)' $(DESTDIR)$(UNITS_DIRECTORY)/$$unit; \
	done

uninstall:
	cd $(DESTDIR)$(PREFIX)/bin && rm -f $(PROGRAMS) $(SCRIPTS)
	cd $(DESTDIR)$(PREFIX)/share/man && rm -f \
	    $(foreach m,$(notdir $(MANUALS)),man$(subst .,,$(suffix $m))/$m)
	cd $(DESTDIR)$(COMPLETIONS) && rm -f zr $(COMPLETED)
	rm -rf $(DESTDIR)$(EXAMPLES_DIRECTORY)
	rm -f $(UNITS:%=$(DESTDIR)$(UNITS_DIRECTORY)/%)

# Debian's packages, as built from a tree that has examples/debian as debian.
DEB = $(BUILD)/deb
SOURCE = LICENSE Makefile README.md bin examples lib man proto t

deb:
	@$(DEPS) deb
	rm -rf $(DEB)
	mkdir -p $(DEB)/zr-$(VERSION)
	tar -c --exclude=__pycache__ --sort=name --owner=0 --group=0 --numeric-owner \
	    --mtime="$$(dpkg-parsechangelog -l examples/debian/changelog -S Date)" \
	    --transform='s,^,zr-$(VERSION)/,' $(SOURCE) | gzip -n > $(DEB)/zr_$(VERSION).orig.tar.gz
	tar -x -C $(DEB) -f $(DEB)/zr_$(VERSION).orig.tar.gz
	cp -r examples/debian $(DEB)/zr-$(VERSION)/debian
	cd $(DEB)/zr-$(VERSION) && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL \
	    dpkg-buildpackage --jobs-try=auto --no-sign

# As root, or as a user who may have a user namespace (subuid(5), uidmap).
check-deb: deb
	@$(DEPS) check-deb
	$$([ "$$(id -u)" -eq 0 ] || echo unshare --map-root-user --map-auto --mount) \
	    t/run $(BUILD) t/deb/package.bats

# clean keeps the machine with ZFS, which takes a quarter of an hour to make, and what
# was downloaded.
clean:
	rm -rf $(filter-out build/zfsvm% build/xinetd build/sanoid,$(wildcard build/*))

distclean:
	rm -rf build

# Everything that is compiled depends on this: a missing compiler or library is
# installed, or named, before it is used.
$(OBJ)/packages: t/deps.sh
	@$(DEPS) build
	@mkdir -p $(@D)
	@touch $@

$(PROTOS:%=%.c): $(OBJ)/proto/%.pb-c.c: proto/%.proto | $(OBJ)/packages
	@mkdir -p $(@D)
	protoc-c --proto_path=proto --c_out=$(@D) $<
$(PROTOS:%=%.h): %.h: %.c ;

$(PROTOS:%=%.o): %.o: %.c $(PROTOS:%=%.h)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(OBJ)/bin/%.o: ALL_CFLAGS += -Ibin
$(OBJ)/t/%.o: ALL_CFLAGS += -It/unit
$(OBJ)/%.o: %.c $(PROTOS:%=%.h)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(LIBRARY): $(LIB_OBJECTS)
	@mkdir -p $(@D)
	rm -f $@
	$(AR) rcs $@ $(LIB_OBJECTS)

FILES = $(filter-out $(CORE),$(PROGRAMS))

$(FILES:%=$(BUILD)/bin/%): $(BUILD)/bin/%: $(OBJ)/bin/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(LIBS_$*) -lbsd

LINKED_zr-core = $(if $(SHARED)$(SANITIZE)$(filter-out /%,$(STATIC_zr-core)), \
	$(LIBS_zr-core) -lbsd,$(STATIC_zr-core))

# Which libraries are in the file, and since when they are here: a package's files are older
# than its installation.
$(OBJ)/linked: always | $(OBJ)/packages
	@for word in $(LINKED_zr-core); do case $$word in /*) stat -L -c '%n %s %Z' $$word;; \
		*) echo $$word;; esac; done > $@.new; cmp -s $@.new $@ || cp $@.new $@

$(BUILD)/lib/zr-core: $(OBJ)/bin/core/core.o $(CORE:%=$(OBJ)/bin/%.o) $(LIBRARY) $(OBJ)/linked
	@mkdir -p $(@D)
	$(LINK) -Wl,-z,now -o $@ $(filter-out %/linked,$^) $(LINKED_zr-core)

$(CORE:%=$(BUILD)/bin/%): $(BUILD)/lib/zr-core
	@mkdir -p $(@D)
	ln -f $< $@

$(SCRIPTS:%=$(BUILD)/bin/%): $(BUILD)/bin/%: bin/%.sh
	@mkdir -p $(@D)
	sed 's/@VERSION@/$(VERSION)/' $< > $@.new
	chmod 755 $@.new
	mv $@.new $@

$(BUILD)/completion/zr: examples/completion/zr Makefile bin
	@mkdir -p $(@D)
	sed 's/@PROGRAMS@/$(sort $(PROGRAMS) $(SCRIPTS))/' $< > $@.new
	mv $@.new $@

$(UNIT_TESTS:%=$(BUILD)/t/unit/%): $(BUILD)/t/unit/%: $(OBJ)/t/unit/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(LIBS_test) -lbsd

# A fuzz target with a main() that replays what was found.
$(FUZZERS:%=$(BUILD)/t/unit/fuzz-%): $(BUILD)/t/unit/fuzz-%: $(OBJ)/t/fuzz/%.o \
    $(OBJ)/t/fuzz/replay/main.o $(LIBRARY)
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ $(LIBS_test) -lbsd

$(FUZZERS:%=$(BUILD)/t/fuzz/%): $(BUILD)/t/fuzz/%: $(OBJ)/t/fuzz/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(LINK) -fsanitize=fuzzer -o $@ $^ $(LIBS_test) -lbsd

$(BUILD)/t/relay $(BUILD)/t/peak: $(BUILD)/t/%: $(OBJ)/t/lib/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ -lbsd

$(BENCH): $(BUILD)/bench/%: $(OBJ)/t/bench/%.o $(LIBRARY)
	@mkdir -p $(@D)
	$(LINK) -o $@ $^ -lbsd

$(BUILD)/t/%.so: t/lib/%.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=c11 $(WARNINGS) $(CFLAGS) -shared -fPIC -o $@ $< -ldl

.PHONY: all always deb demo check check-deb check-long check-sanitize check-valgrind check-zfs unit \
	lint install uninstall clean distclean bench fuzz
-include $(wildcard $(OBJ)/*/*.d $(OBJ)/*/*/*.d $(OBJ)/*/*/*/*.d)
