# Sixfold: six layers, each a static library that is compiled with the headers of the layers up to
# itself and nothing above. See "make help".
#
# Variables: B (build directory), SANITIZE=1 | thread, WERROR=1, CC, CROSS=aarch64, QEMU_CPU,
# PREFIX, and for single tests T=tests/layer1/test_gguf.

.DEFAULT_GOAL := all
SHELL := /bin/bash

# ---------------------------------------------------------------- what is here
ALL_LAYERS := layer1_foundation layer2_linalg layer3_primitives layer4_transformer layer5_models \
              layer6_inference training
LAYERS     := $(foreach l,$(ALL_LAYERS),$(if $(wildcard $l/layer*.h),$l))
num         = $(if $(filter training,$(1)),7,$(patsubst layer%,%,$(firstword $(subst _, ,$(1)))))
below       = $(foreach l,$(LAYERS),$(if $(filter $(shell seq 1 $(1)),$(call num,$l)),$l))
subdirs     = $(patsubst %/,%,$(filter-out %/demos/,$(wildcard $(addsuffix /*/,$(1)))))
MAXLAYER   ?= 7

# ---------------------------------------------------------------- machine and flags
ifeq ($(CROSS),aarch64)
CC  := aarch64-linux-gnu-gcc
AR  := aarch64-linux-gnu-ar
RUN := qemu-aarch64 -cpu $(or $(QEMU_CPU),max)
B   ?= build-aarch64
MAXLAYER := 4
endif
ifeq ($(origin CC),default)
CC := gcc
endif
AR      ?= ar
MACHINE := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))

ifeq ($(SANITIZE),1)
B   ?= build-asan
SAN := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -DPOISON
else ifeq ($(SANITIZE),thread)
B   ?= build-tsan
SAN := -fsanitize=thread -fno-omit-frame-pointer
endif
B       ?= build
# Programs go to the root, unless they are for another machine or slowed down by a sanitizer.
ROOTBIN ?= $(if $(SANITIZE)$(CROSS),$(B),.)

CFLAGS := -std=c11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Wshadow -Wmissing-prototypes -Wvla \
          -ffp-contract=off -fno-math-errno -fno-trapping-math $(if $(WERROR),-Werror) $(SAN) $(EXTRA_CFLAGS)
LDLIBS := -lm -lpthread -ldl
NAIVE  := -fno-tree-vectorize -fno-tree-slp-vectorize
LIBS_5 := -lpcre2-8
LIBS_6 := $(LIBS_5) -ljansson
LIBS_7 := $(LIBS_6)

# One source, several instruction sets: foo_simd.c becomes foo_simd.avx2.o, foo_simd.avx512.o, ...
# Files *_dot4_simd.c hold integer dot products and are also built for their special instructions.
ifeq ($(MACHINE),x86_64)
ISAS      := avx2 avx512
DOT4_ISAS := avxvnni
else ifeq ($(MACHINE),aarch64)
ISAS      := neon
DOT4_ISAS := dotprod
endif
ISA_avx2    := -mavx2 -mfma -mf16c
ISA_avxvnni := $(ISA_avx2) -mavxvnni
ISA_avx512  := $(ISA_avx2) -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni \
               -mprefer-vector-width=512
ISA_neon    :=
ISA_dotprod := -march=armv8.2-a+dotprod

# ---------------------------------------------------------------- a layer
# Objects of layer $(1): plain sources, and SIMD sources once per instruction set. A plain source
# with a SIMD twin beside it is compiled without auto-vectorisation: naive means naive.
define LAYER
DIRS_$(1) := $(1) $$(call subdirs,$(1))
SRC_$(1)  := $$(foreach d,$$(DIRS_$(1)),$$(wildcard $$d/*.c))
SIMD_$(1) := $$(filter %_simd.c,$$(SRC_$(1)))
PLAIN_$(1) := $$(filter-out %_simd.c %/main.c,$$(SRC_$(1)))
INC_$(1)  := $$(foreach l,$$(call below,$$(call num,$(1))),-I$$l $$(addprefix -I,$$(call subdirs,$$l)))
OBJ_$(1)  := $$(PLAIN_$(1):%.c=$(B)/%.o) \
  $$(foreach i,$(ISAS),$$(SIMD_$(1):%.c=$(B)/%.$$i.o)) \
  $$(foreach i,$(DOT4_ISAS),$$(patsubst %.c,$(B)/%.$$i.o,$$(filter %_dot4_simd.c,$$(SIMD_$(1)))))
LIB_$(1)  := $(B)/lib$(1).a

$(B)/$(1)/%.o: $(1)/%.c
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(CFLAGS) $$(if $$(wildcard $$(<:.c=_simd.c) $$(<:.c=_dot4_simd.c)),$$(NAIVE)) $$(INC_$(1)) -MMD -MP -c $$< -o $$@
$(foreach i,$(ISAS) $(DOT4_ISAS),
$(B)/$(1)/%.$(i).o: $(1)/%.c
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(CFLAGS) $$(ISA_$(i)) -DSIMD_ISA_$(i) $$(INC_$(1)) -MMD -MP -c $$< -o $$@
)
$$(LIB_$(1)): $$(OBJ_$(1))
	@rm -f $$@
	$$(Q)$$(AR) rcs $$@ $$^

# Demos link layers up to their own; they land in the root, where the lessons say they are.
DEMOS_$(1) := $$(patsubst $(1)/demos/%.c,%,$$(wildcard $(1)/demos/lesson*.c))
$$(addprefix $(ROOTBIN)/,$$(DEMOS_$(1))): $(ROOTBIN)/%: $(1)/demos/%.c $(EMBED) $$(call libs,$$(call num,$(1)))
	@mkdir -p $(B)/demos
	$$(Q)$$(CC) $$(CFLAGS) $$(INC_$(1)) -Imodels -MMD -MP -MT $$@ -MF $(B)/demos/$$(@F).d $$< $$(if $$(filter 4 5 6 7,$$(call num,$(1))),$(EMBED)) $$(call libs,$$(call num,$(1))) $$(LIBS_$$(call num,$(1))) $$(LDLIBS) -o $$@

# Tests of a layer: one program per file, linked with layers up to its own.
TESTSRC_$(1) := $$(wildcard tests/layer$$(call num,$(1))/test_*.c)
TESTS_$(1) := $$(TESTSRC_$(1):%.c=$(B)/%)
$$(TESTS_$(1)): $(B)/%: %.c $$(wildcard tests/*.h) $(EMBED) $$(call libs,$$(call num,$(1)))
	@mkdir -p $$(@D)
	$$(Q)$$(CC) $$(CFLAGS) $$(INC_$(1)) -Itests -Imodels -MMD -MP -MT $$@ -MF $$@.d $$< $$(if $$(filter 4 5 6 7,$$(call num,$(1))),$(EMBED)) $$(call libs,$$(call num,$(1))) -lcmocka $$(LIBS_$$(call num,$(1))) $$(LDLIBS) -o $$@
endef
libs = $(foreach l,$(shell printf '%s\n' $(call below,$(1)) | tac),$(B)/lib$(l).a)

Q := $(if $(V),,@)
EMBED := $(if $(wildcard models/embed.S),$(B)/libmodels.a)
$(foreach l,$(LAYERS),$(eval $(call LAYER,$(l))))

# The models that programs carry (models/embedded.h): an object each, of which the linker takes what a
# program names. models/NAME.gguf becomes NAME_model and NAME_model_bytes.
$(B)/libmodels.a: $(patsubst %.gguf,$(B)/%.o,$(wildcard models/*.gguf))
	@rm -f $@
	$(Q)$(AR) rcs $@ $^
$(B)/models/%.o: models/embed.S models/%.gguf
	@mkdir -p $(@D)
	$(Q)$(CC) -DMODEL=$*_model -DMODEL_BYTES=$*_model_bytes -DMODEL_FILE='"models/$*.gguf"' -c $< -o $@

-include $(foreach l,$(LAYERS),$(OBJ_$(l):.o=.d) $(TESTS_$(l):=.d) $(DEMOS_$(l):%=$(B)/demos/%.d))

# ---------------------------------------------------------------- products
TOP      := $(lastword $(LAYERS))
TRAINER  := $(if $(wildcard training/main.c),$(ROOTBIN)/sixfold-train)
PROGRAM  := $(if $(wildcard layer6_inference/main.c),$(ROOTBIN)/sixfold) $(TRAINER)
LIBRARIES := $(foreach l,$(call below,$(MAXLAYER)),$(LIB_$(l)))
DEMOS    := $(foreach l,$(call below,$(MAXLAYER)),$(addprefix $(ROOTBIN)/,$(DEMOS_$(l))))
TESTS    := $(foreach l,$(call below,$(MAXLAYER)),$(TESTS_$(l)))
VERSION  := $(shell git describe --always --dirty 2>/dev/null || echo unknown)

.PHONY: all lib demos test tests test-plants help clean run lint install lessons lessons-check cards bench-compare bench-record
all: $(LIBRARIES) $(PROGRAM) $(DEMOS)
lib: $(LIBRARIES)
demos: $(DEMOS)

$(ROOTBIN)/sixfold: layer6_inference/main.c $(EMBED) $(call libs,6)
	$(Q)$(CC) $(CFLAGS) -DSIXFOLD_VERSION='"$(VERSION)"' $(INC_layer6_inference) -Imodels $< $(EMBED) $(call libs,6) $(LIBS_6) $(LDLIBS) -o $@

$(ROOTBIN)/sixfold-train: training/main.c $(EMBED) $(call libs,7)
	$(Q)$(CC) $(CFLAGS) $(INC_training) $< $(EMBED) $(call libs,7) $(LIBS_7) $(LDLIBS) -o $@

# Greedy, so that it is the same story on every machine; without --temp 0 each is a new one.
STORY := Long ago, there lived a shy boy named Tom.
run: $(ROOTBIN)/sixfold   ## build, then let the embedded storyteller tell a story
	$(ROOTBIN)/sixfold run --temp 0 -p "$(STORY)"
	@echo 'more: ./sixfold run -p "Once upon a time"' >&2

# make lessonN: layers 1..N, their demos of layer N, and layer N's tests, quietly.
define LESSON
.PHONY: lesson$(1)
lesson$(1): $$(foreach l,$$(call below,$(1)),$$(LIB_$$l)) $$(addprefix $(ROOTBIN)/,$$(DEMOS_$$(word $(1),$(ALL_LAYERS))))
	@if echo '#include <cmocka.h>' | $$(CC) -include stdarg.h -include stddef.h -include stdint.h -include setjmp.h -E - >/dev/null 2>&1; then \
	  $$(MAKE) --no-print-directory -s test-layer$(1) > $(B)/lesson$(1).log 2>&1 && tail -n 1 $(B)/lesson$(1).log || { cat $(B)/lesson$(1).log; exit 1; }; \
	else echo "tests skipped: cmocka is not installed (HINT: apt-get install libcmocka-dev)"; fi
	@echo "try: $$(sort $$(addprefix ./,$$(DEMOS_$$(word $(1),$(ALL_LAYERS)))))"
.PHONY: test-layer$(1)
test-layer$(1): $$(TESTS_$$(word $(1),$(ALL_LAYERS)))
	@RUN='$(RUN)' tools/run_tests.sh $$^
endef
$(foreach n,1 2 3 4 5 6 7,$(eval $(call LESSON,$(n))))

# ---------------------------------------------------------------- checks
tests: $(TESTS)
# Under an emulator only the programs of layers 1 to 4 run; T=tests/layer1/test_gguf builds and runs one.
test: $(if $(T),$(B)/$(T),$(TESTS) $(if $(CROSS),,$(PROGRAM) $(DEMOS) fuzz-replay))   ## all tests; T=tests/layer1/test_gguf runs one
	@RUN='$(RUN)' B='$(B)' ROOTBIN='$(ROOTBIN)' tools/run_tests.sh $(if $(T),$(B)/$(T),$(TESTS) $(if $(CROSS),,$(FUZZ_REPLAY) $(wildcard tests/scripts/test_*.sh)))

# Fuzz targets: the corpus is replayed by every test run; with clang they also explore.
# A target whose headers belong to a layer that is not in this checkout is left out.
HEADERS := $(notdir $(wildcard $(foreach l,$(LAYERS),$(addsuffix /*.h,$(DIRS_$(l)))) tests/*.h tests/fuzz/*.h))
FUZZ_TARGETS := $(foreach f,$(wildcard tests/fuzz/fuzz_*.c),$(if $(filter-out $(HEADERS),$(notdir $(shell \
  sed -n 's/^.include "\(.*\)"/\1/p' $f))),,$(f:tests/fuzz/fuzz_%.c=%)))
FUZZ_REPLAY  := $(FUZZ_TARGETS:%=$(B)/tests/fuzz/replay_%)
fuzz-replay: $(FUZZ_REPLAY)
FUZZ_LAYERS  := $(call below,6)
$(B)/tests/fuzz/replay_%: tests/fuzz/fuzz_%.c tests/fuzz/replay.c $(call libs,7)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(INC_$(TOP)) -Itests -DFUZZ_NAME='"$*"' tests/fuzz/replay.c $< $(call libs,7) $(LIBS_6) $(LDLIBS) -o $@
FUZZ_CC ?= clang-14
SECONDS ?= 60
fuzz-%: tests/fuzz/fuzz_%.c
	$(MAKE) --no-print-directory CC=$(FUZZ_CC) B=build-fuzz EXTRA_CFLAGS='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all' lib
	$(FUZZ_CC) $(CFLAGS) $(INC_$(TOP)) -Itests -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all $< $(foreach l,$(shell printf '%s\n' $(LAYERS) | tac),build-fuzz/lib$(l).a) $(LIBS_6) $(LDLIBS) -o build-fuzz/fuzz_$*
	@mkdir -p build-fuzz/corpus_$*
	build-fuzz/fuzz_$* -max_total_time=$(SECONDS) -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 build-fuzz/corpus_$* tests/fuzz/corpus_$*

# CHECKS: some of the checks that the top of tools/lint.sh lists; the last two look into the libraries.
CHECKS ?= text links snips headers arrays format closure names
lint: ## layering, headers, names, words; CHECKS="text closure" runs some
	$(if $(filter-out closure names,$(CHECKS)),@CC='$(CC)' tools/lint.sh $(filter-out closure names,$(CHECKS)))
	$(if $(filter closure names,$(CHECKS)),@$(MAKE) -s --no-print-directory lib $(EMBED) && \
	  CC='$(CC)' B='$(B)' EMBED='$(EMBED)' tools/lint.sh $(filter closure names,$(CHECKS)))

.PHONY: asm
asm: lib ## machine code of one kernel for each instruction set: FN=dot_q4_0, FN=panel_int8_mul:PART; QUIET=1 counts only
	@B='$(B)' OBJDUMP='$(if $(CROSS),aarch64-linux-gnu-)objdump' QUIET='$(QUIET)' tools/asm.sh $(FN)

lessons: $(PROGRAM) $(DEMOS) ## refresh the excerpts and numbers in lessons/
	@ROOTBIN='$(ROOTBIN)' tools/excerpts.sh refresh
	@ROOTBIN='$(ROOTBIN)' tools/cards.sh refresh
lessons-check: $(PROGRAM) $(DEMOS) ## fail if an excerpt, a number or a family's page is stale
	@ROOTBIN='$(ROOTBIN)' tools/excerpts.sh check; rc=$$?; ROOTBIN='$(ROOTBIN)' tools/cards.sh check && exit $$rc
cards: $(filter %/lesson5_cards,$(DEMOS)) ## write the page of each family of models into lessons/families
	@ROOTBIN='$(ROOTBIN)' tools/cards.sh refresh

test-plants: $(TESTS) ## plant one error in each twin and see a test fail; P=softmax for some
	@CC='$(CC)' B='$(B)' tools/plant.sh $(P)

$(B)/bench_compare: $(wildcard bench/*.c bench/*.h) $(EMBED) $(call libs,6)
	$(Q)$(CC) $(CFLAGS) $(INC_$(TOP)) -Imodels -Ibench $(wildcard bench/*.c) $(EMBED) $(call libs,6) $(LIBS_6) $(LDLIBS) -o $@
bench-compare: $(B)/bench_compare ## naive vs optimised: TSV, SVG, PNG; OP=softmax for one op
	$(B)/bench_compare $(if $(OP),--op $(OP)) --out bench/out
	@tools/draw_bench.sh bench/out
# The set that is committed: small files; the bar charts as PNG only.
bench-record: $(B)/bench_compare ## the same into bench/recorded, on a quiet machine
	$(B)/bench_compare --samples 21 --out bench/recorded
	@SMALL=1 tools/draw_bench.sh bench/recorded
	@rm -f bench/recorded/speedup_*.svg && du -bc bench/recorded/* | tail -n 1

# Training: TEXT=file for your own text, OUT=directory, TRAIN="--steps 1000 ..." for further flags.
OUT   ?= training/out
TRAIN ?=
ifneq ($(wildcard training/main.c),)
.PHONY: train train-smoke exam
train: $(ROOTBIN)/sixfold-train ## train the storyteller from nothing, or go on where it stopped; TEXT=file
	$(ROOTBIN)/sixfold-train --resume --out $(OUT) $(if $(TEXT),--text '$(TEXT)') $(TRAIN)
	@if command -v gnuplot >/dev/null; then gnuplot -e "run='$(OUT)'" training/plot_loss.gp && echo "$(OUT)/loss.svg"; fi
train-smoke: $(ROOTBIN)/sixfold-train ## 200 steps of a small model; fails unless the loss comes down; TEXT=file
	@rm -rf $(B)/train-smoke && mkdir -p $(B)
	$(ROOTBIN)/sixfold-train --smoke --out $(B)/train-smoke $(if $(TEXT),--text '$(TEXT)',--max-loss 3.2) $(TRAIN)
MODEL ?= models/storyteller.gguf
exam: $(ROOTBIN)/sixfold-train ## are its stories possible, its answers right? MODEL=file
	$(ROOTBIN)/sixfold-train --exam $(MODEL) $(TRAIN)
	$(ROOTBIN)/sixfold-train --exam $(MODEL) --bare --questions 0 $(TRAIN)
endif

$(B)/mkwired: tools/mkwired.c $(call libs,1)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(INC_layer1_foundation) $< $(call libs,1) $(LDLIBS) -o $@

PREFIX ?= /usr/local
install: $(ROOTBIN)/sixfold ## into PREFIX (default /usr/local), DESTDIR respected
	install -D -m 755 $(ROOTBIN)/sixfold $(DESTDIR)$(PREFIX)/bin/sixfold
	install -D -m 644 README.md $(DESTDIR)$(PREFIX)/share/doc/sixfold/README.md
	install -D -m 644 LICENSE $(DESTDIR)$(PREFIX)/share/doc/sixfold/LICENSE

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 18
	@echo "lessonN           layers 1..N, layer N's demos and tests (N = 1..7)"
	@echo "fuzz-TARGET       explore with libFuzzer, SECONDS=60 (targets: $(FUZZ_TARGETS))"

clean:
	rm -rf build build-* bench/out sixfold sixfold-train lesson[0-9]_*
