# SPDX-License-Identifier: Apache-2.0
#
# Makefile - builds, tests and installs everything; one file, not recursive but for other modes
#
#	B	where everything is built			(build)
#	MODE	release, asan, tsan, fuzz or teeth		(release)
#	DIRS	components to build; fewer while one does not compile
#	CI	"true": warnings are errors
#
# Objects of a mode are in $(B)/$(MODE)/obj; the programs of the default mode
# are $(B)/agentsh and so on, those of the others $(B)/$(MODE)/agentsh.

B		?= build
MODE		?= release
PREFIX		?= /usr/local
MANDIR		?= $(PREFIX)/share/man
DIRS		?= common policy cage notifyd fusefs audit cli
FUZZ_SECONDS	?= 20

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
BASE	:= -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I. $(FUSE_CFLAGS) $(WARN) -fvisibility=hidden -MMD -MP
HARDEN	:= -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection
SAN_asan := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
SAN_tsan := -fsanitize=thread
SAN_fuzz := -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined

CFLAGS_release	:= -O2 -g $(HARDEN) -fPIE
CFLAGS_teeth	:= $(CFLAGS_release) -DAGENTSH_TEETH
CFLAGS_asan	:= -O1 -g -fPIE $(SAN_asan)
CFLAGS_tsan	:= -O1 -g -fPIE $(SAN_tsan)
CFLAGS_fuzz	:= -O1 -g -fPIE $(SAN_fuzz)
ALL_CFLAGS	:= $(BASE) $(CFLAGS_$(MODE)) $(CFLAGS)
ALL_LDFLAGS	:= -pie -Wl,-z,relro,-z,now,-z,noexecstack,--as-needed $(SAN_$(MODE)) $(LDFLAGS)
LIBS		:= -lseccomp -lcjson -lfuse3 -lsodium -lpthread

# ---- sources ----

SRC	:= $(wildcard $(addsuffix /*.c,$(DIRS)))
GEN	:= $(if $(and $(wildcard policy/profiles/embed.sh),$(filter policy,$(DIRS))),$(B)/gen/profiles.gen.c)
OBJ	:= $(SRC:%.c=$(MB)/obj/%.o) $(GEN:$(B)/gen/%.c=$(MB)/obj/gen/%.o)
LIB	:= $(MB)/libagentsh-all.a
UNIT	:= $(patsubst tests/unit/%.c,$(MB)/unit/%,$(wildcard tests/unit/*_test.c))
FUZZ	:= $(patsubst tests/fuzz/%.c,$(MB)/fuzz/%,$(wildcard tests/fuzz/*_fuzz.c))
ATTACK	:= $(patsubst tests/attack/%.c,$(B)/attack/%,$(wildcard tests/attack/*.c))
BENCH	:= $(patsubst bench/%.c,$(B)/bench/%,$(wildcard bench/*.c))
MAN	:= $(wildcard docs/man/*.[1-8])

.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
.PHONY: all unit attacks benches

all: $(PROG) ## every program, in build/

$(PROG): $(MB)/obj/cli/main.o $(LIB)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

# An archive, so that a unit test is linked with what it needs of it and no more
$(LIB): $(filter-out $(MB)/obj/cli/main.o,$(OBJ))
	@rm -f $@
	@ar rcs $@ $^

# The evaluator and what is beneath it take no implicit conversion
$(MB)/obj/policy/%.o $(MB)/obj/common/%.o: ALL_CFLAGS += -Wconversion
$(MB)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(MB)/obj/gen/%.o: $(B)/gen/%.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

$(B)/gen/profiles.gen.c: policy/profiles/embed.sh $(wildcard policy/profiles/*.json)
	@mkdir -p $(@D)
	sh $< $(filter %.json,$^) > $@

# ---- tests ----

unit: $(UNIT) ## the unit tests, without running them

$(MB)/unit/%: tests/unit/%.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(LIB) $(LIBS) -lcmocka

$(MB)/fuzz/%: tests/fuzz/%.c $(LIB)
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -fsanitize=fuzzer -o $@ $< $(LIB) $(LIBS)

benches: $(BENCH)
$(B)/bench/%: bench/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE -I. $(WARN) -O2 -o $@ $<

-include $(OBJ:.o=.d) $(UNIT:=.d)

clean: ## removes $(B)
	rm -rf $(B)

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 16
