# SPDX-License-Identifier: Apache-2.0
#
# Makefile - builds, tests and installs everything; one file, not recursive but for other modes
#
#	B	where everything is built			(build)
#	MODE	release, asan, tsan, fuzz or teeth		(release)
#	DIRS	components to build; fewer while one does not compile
#	CI	"true": warnings are errors
#	LINK	"shared": link no library statically
#
# Objects of a mode are in $(B)/$(MODE)/obj; the programs of the default mode
# are $(B)/agentsh and so on, those of the others $(B)/$(MODE)/agentsh.

B		?= build
MODE		?= release
PREFIX		?= /usr/local
BINDIR		?= $(PREFIX)/bin
MANDIR		?= $(PREFIX)/share/man
DIRS		?= common policy cage notifyd fusefs audit cli
FUZZ_SECONDS	?= 20
PARTS		?= rounds long teeth kernel asan tsan fuzz

ifeq ($(filter release asan tsan fuzz teeth,$(MODE)),)
$(error MODE is one of release, asan, tsan, fuzz, teeth)
endif
ifeq ($(MODE),fuzz)
CC		:= clang
else ifeq ($(origin CC),default)
CC		:= gcc
endif
PKG_CONFIG	?= pkg-config

MB		:= $(B)/$(MODE)
BIN		:= $(if $(filter release,$(MODE)),$(B),$(MB))
PROG		:= $(BIN)/agentsh

# ---- flags ----

WARN	:= -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wswitch-enum \
	   -Wformat=2 -Wundef -Wwrite-strings $(if $(filter true,$(CI)),-Werror)
FUSE_CFLAGS := $(shell $(PKG_CONFIG) --cflags fuse3 2>/dev/null)
BASE	:= -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I. $(FUSE_CFLAGS) $(WARN) -fvisibility=hidden
HARDEN	:= -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection
SAN_asan := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
SAN_tsan := -fsanitize=thread
SAN_fuzz := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined

CFLAGS_release	:= -O2 -g $(HARDEN) -fPIE
CFLAGS_teeth	:= $(CFLAGS_release) -DAGENTSH_TEETH
CFLAGS_asan	:= -O1 -g -fPIE $(SAN_asan)
CFLAGS_tsan	:= -O1 -g -fPIE $(SAN_tsan)
# clang calls a variable unused that lives for its cleanup
CFLAGS_fuzz	:= -O1 -g -fPIE -Wno-unused-variable $(SAN_fuzz)
ALL_CFLAGS	= $(BASE) $(CFLAGS_$(MODE)) $(CONV) -MMD -MP $(CFLAGS)
ALL_LDFLAGS	= -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed,--gc-sections,--exclude-libs,ALL \
		  $(SAN_$(MODE)) $(LDFLAGS)

# Static where the system has the archive: the dynamic loader is a tenth of the start of a
# cage. Measured, median of fork+exec+exit: all shared 0.97 ms, all but cJSON static 0.77 ms,
# a program of libc alone 0.66 ms. Lazy binding gains nothing.
archive	= $(if $(filter shared,$(LINK)),,$(filter /%,$(shell $(CC) -print-file-name=lib$(1).a)))
lib	= $(if $(call archive,$(1)),-l:lib$(1).a,-l$(1))
LIBS	:= $(foreach l,cjson fuse3 sodium,$(call lib,$(l))) -lpthread

# ---- sources ----

SRC	:= $(wildcard $(addsuffix /*.c,$(DIRS)))
HDR	:= $(wildcard $(addsuffix /*.h,$(DIRS)))
PROFILES := $(sort $(wildcard policy/profiles/*.json))
GEN	:= $(if $(and $(wildcard policy/profiles/embed.sh),$(filter policy,$(DIRS))),$(B)/gen/profiles.gen.c)
OBJ	:= $(SRC:%.c=$(MB)/obj/%.o) $(GEN:$(B)/gen/%.c=$(MB)/obj/gen/%.o)
LIB	:= $(MB)/libagentsh-all.a
UNIT	:= $(patsubst tests/unit/%.c,$(MB)/unit/%,$(wildcard tests/unit/*_test.c))
FUZZ_SRC := $(wildcard tests/fuzz/*_fuzz.c)
FUZZ	:= $(patsubst tests/fuzz/%.c,$(MB)/fuzz/%,$(FUZZ_SRC))
REPLAY	:= $(patsubst tests/fuzz/%_fuzz.c,$(MB)/replay/%_replay,$(FUZZ_SRC))
ATTACK	:= $(patsubst tests/attack/%.c,$(B)/attack/%,$(wildcard tests/attack/*.c))
BENCH	:= $(patsubst bench/%.c,$(B)/bench/%,$(wildcard bench/*.c))
MAN	:= $(wildcard docs/man/*.[1-8])

.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
.PHONY: all unit replay attacks benches FORCE
.DEFAULT_GOAL := all

all: $(PROG) ## every program, in build/

$(PROG): $(MB)/obj/cli/main.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter %.o %.a,$^) $(LIBS)

# An archive, so that a unit test is linked with what it needs of it and no more
$(LIB): $(filter-out $(MB)/obj/cli/main.o,$(OBJ))
	@rm -f $@
	@ar rcs $@ $^

# Other flags, other objects: the stamp changes only when they do
$(MB)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(LIBS)' | cmp -s - $@ || \
		echo '$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(LIBS)' > $@
FORCE:

# The evaluator and what is beneath it take no implicit conversion
$(MB)/obj/policy/%.o $(MB)/obj/common/%.o: CONV := -Wconversion
$(MB)/obj/%.o: %.c $(MB)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(MB)/obj/gen/%.o: $(B)/gen/%.c $(MB)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(B)/gen/profiles.gen.c: policy/profiles/embed.sh $(PROFILES) docs/policy.schema.json
	@mkdir -p $(@D)
	sh $< $(PROFILES) > $@

-include $(OBJ:.o=.d) $(wildcard $(MB)/unit/*.d $(MB)/fuzz/*.d $(MB)/replay/*.d)

# ---- tests ----

.PHONY: try check check-long check-teeth check-kernel check-aarch64 asan tsan fuzz bench lint format

try: ## installs what is missing, builds, and shows one session
	@sh tests/lib/need.sh build
	@$(MAKE) --no-print-directory all
	@AGENTSH=$(abspath $(PROG)) sh tests/lib/try.sh

check: all unit replay attacks ## all tests, one prove; a quarter of an hour
	@AGENTSH=$(abspath $(PROG)) B=$(abspath $(B)) MB=$(abspath $(MB)) MODE=$(MODE) sh tests/run

check-long: ## hours: 10^5 races, three rounds, sanitizers, other kernels, ten minutes of each fuzzer; PARTS=
	@B=$(abspath $(B)) FUZZ_SECONDS=$(if $(filter file,$(origin FUZZ_SECONDS)),600,$(FUZZ_SECONDS)) \
		sh tests/lib/long.sh $(PARTS)

check-teeth: ## the attacks with layers switched off: each must earn its place
	@$(MAKE) --no-print-directory MODE=teeth all attacks
	@AGENTSH=$(abspath $(B)/teeth/agentsh) B=$(abspath $(B)) MB=$(abspath $(B)/teeth) MODE=teeth \
		sh tests/run tests/attack/run.t

check-kernel: all attacks ## the cage and its attacks on Debian 12's own kernel in qemu; KERNEL=PACKAGE or FILE.deb
	@AGENTSH=$(abspath $(PROG)) B=$(abspath $(B)) MB=$(abspath $(MB)) MODE=$(MODE) AGENTSH_KERNEL=all \
		sh tests/run tests/kernel/boot.t

asan: ## the same tests with AddressSanitizer and UBSan compiled in
	@$(MAKE) --no-print-directory MODE=asan check

tsan: ## the same tests with ThreadSanitizer; "make check" has a short one
	@$(MAKE) --no-print-directory MODE=tsan check

fuzz: ## every fuzzer for FUZZ_SECONDS; new inputs are kept in build/
	@$(MAKE) --no-print-directory MODE=fuzz FUZZ_SECONDS=$(FUZZ_SECONDS) fuzz-run

unit: $(UNIT)
$(MB)/unit/%: tests/unit/%.c $(LIB) $(MB)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(LIB) $(LIBS) -lcmocka -lseccomp

# The kept inputs of a fuzzer, run through it without one
replay: $(REPLAY)
$(MB)/replay/%_replay: tests/fuzz/%_fuzz.c tests/lib/replay.c $(LIB) $(MB)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< tests/lib/replay.c $(LIB) $(LIBS)

$(MB)/fuzz/%: tests/fuzz/%.c $(LIB) $(MB)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $< $(LIB) $(LIBS)

.PHONY: fuzz-run
fuzz-run: $(FUZZ)
	@sh tests/lib/fuzz.sh $(FUZZ_SECONDS) $(FUZZ)

attacks: $(ATTACK)
$(B)/attack/%: tests/attack/%.c tests/lib/attack.h tests/lib/build-attack.sh
	@mkdir -p $(@D)
	sh tests/lib/build-attack.sh $< $@

bench: all benches ## native, agentsh and its peers side by side; build/bench.json
	@AGENTSH=$(abspath $(PROG)) B=$(abspath $(B)) sh bench/run.sh

benches: $(BENCH)
$(B)/bench/%: bench/%.c bench/bench.h
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE -I. $(WARN) -O2 -o $@ $< -lpthread
$(B)/bench/policy_eval $(B)/bench/audit: $(B)/bench/%: bench/%.c bench/bench.h $(LIB)
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE -I. $(WARN) -O2 -o $@ $< $(LIB) $(LIBS)

# ---- lint ----

lint: lint-deps lint-headers lint-functions lint-text lint-shell lint-man lint-cppcheck check-aarch64 ## all checks of the text
	@echo 'lint: clean'

.PHONY: lint-tidy lint-deps lint-headers lint-functions lint-text lint-shell lint-man lint-cppcheck
lint-deps:
	@sh tests/lint/deps.sh
lint-functions:
	@python3 tests/lint/functions.py $(SRC) $(wildcard tests/*/*.c bench/*.c)
lint-text:
	@sh tests/lint/text.sh
lint-headers:
	@for h in $(HDR); do $(CC) $(BASE) -Werror -fsyntax-only -x c -include $$h /dev/null || exit 1; done
lint-shell:
	@sh tests/lint/shell.sh
lint-man:
	@$(if $(MAN),mandoc -Tlint -W warning $(MAN))
lint-cppcheck:
	@cppcheck --quiet --error-exitcode=1 --enable=warning,portability --inline-suppr --std=c11 \
		--suppressions-list=tests/lint/cppcheck.txt -D_GNU_SOURCE -D__x86_64__ -I. $(DIRS)

lint-tidy: $(GEN) ## clang-tidy on everything; minutes
	@clang-tidy --quiet $(SRC) -- $(BASE) 2>/dev/null

# No arm64 machine and no arm64 libraries here: the sources are compiled to nothing by the cross
# compiler, against its own libc headers and the architecture-independent ones of the libraries
check-aarch64: $(GEN) ## syntax and types under the arm64 compiler; runs nothing
	@for f in $(SRC) $(GEN); do aarch64-linux-gnu-gcc $(BASE) -Werror -fsyntax-only \
		-idirafter /usr/include $$f || exit 1; done

format: ## clang-format -i
	clang-format -i $(SRC) $(HDR) $(wildcard tests/*/*.c bench/*.c)

# ---- installation ----

.PHONY: install uninstall clean help
install: all ## DESTDIR=, PREFIX=
	install -d $(DESTDIR)$(BINDIR)
	install -m 755 $(PROG) $(DESTDIR)$(BINDIR)/agentsh
	for m in $(MAN); do install -D -m 644 $$m $(DESTDIR)$(MANDIR)/man$${m##*.}/$${m##*/} || exit 1; done

uninstall: ## what install put there
	rm -f $(DESTDIR)$(BINDIR)/agentsh
	for m in $(MAN); do rm -f $(DESTDIR)$(MANDIR)/man$${m##*.}/$${m##*/}; done

clean: ## removes build/
	rm -rf $(B)

help: ## this list
	@sed -n 's/^\([a-z][a-z0-9 -]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 16
