# nanolase. `make help` lists the targets. Everything that is made goes to build/.

ifeq ($(origin CC),default)
CC = gcc
endif
ifeq ($(origin CXX),default)
CXX = g++
endif
MARCH ?= native
OPTFLAGS ?= -O3 -march=$(MARCH) -ffp-contract=fast -fno-math-errno
WARNINGS = -Wall -Wextra
INCLUDES = -Iinclude -Ikernels -Ihost
COMMIT := $(shell git describe --always --dirty --tags 2>/dev/null || echo unknown)

# MPI, where there is a compiler for it (mpicc), whose own words are taken. MPICC= chooses another; MPI=no builds without.
comma = ,
MPICC ?= $(shell command -v mpicc 2>/dev/null)
MPI_COMMAND := $(if $(filter no,$(MPI)),,$(if $(MPICC),$(shell $(MPICC) -show 2>/dev/null)))
MPI_CFLAGS := $(filter -I% -D%,$(MPI_COMMAND))
MPI_LINKER := $(subst $(comma), ,$(patsubst -Wl$(comma)%,%,$(filter -Wl%,$(MPI_COMMAND))))
MPI_LIBRARIES := $(strip $(filter -L% -l%,$(MPI_COMMAND)) $(foreach word,$(MPI_LINKER),-Xlinker $(word)))
TRANSPORT = $(if $(MPI_LIBRARIES),transport_mpi,transport_none)

# Libraries. HDF5's and CBLAS's pkg-config names differ between systems.
HDF5 := $(firstword $(foreach p,hdf5-serial hdf5,$(if $(shell pkg-config --exists $(p) 2>/dev/null && echo yes),$(p))))
CBLAS := $(firstword $(foreach p,cblas openblas blas,$(if $(shell pkg-config --exists $(p) 2>/dev/null && echo yes),$(p))))
LIBRARY_CFLAGS := $(shell pkg-config --cflags $(HDF5) inih lapacke $(CBLAS) 2>/dev/null)
LIBRARIES := $(shell pkg-config --libs $(HDF5) 2>/dev/null) $(patsubst %,-l%_hl,$(patsubst hdf5-serial,hdf5_serial,$(HDF5))) \
             $(shell pkg-config --libs inih lapacke $(CBLAS) 2>/dev/null) $(MPI_LIBRARIES) -lm

# CUDA, where there is an nvcc. CUDA_ARCHS chooses fewer architectures, e.g. CUDA_ARCHS=90; NVCC= builds without.
NVCC ?= $(firstword $(shell command -v nvcc 2>/dev/null) $(wildcard /usr/local/cuda/bin/nvcc))
CUDA_ARCHS ?= 75 80 86 89 90 100 120
ifneq ($(NVCC),)
NVCC_CODES := $(shell $(NVCC) --list-gpu-code 2>/dev/null)
ARCHS := $(foreach a,$(CUDA_ARCHS),$(if $(filter sm_$(a),$(NVCC_CODES)),$(a)))
GENCODE := $(foreach a,$(ARCHS),-gencode arch=compute_$(a),code=sm_$(a)) \
           -gencode arch=compute_$(lastword $(ARCHS)),code=compute_$(lastword $(ARCHS))
NVCCFLAGS = -std=c++17 -O3 $(GENCODE) --threads 0 $(INCLUDES)
CUDA_OBJECTS = $(foreach p,.o _single.o,$(patsubst kernels/%.cu,build/cuda/%$(p),$(wildcard kernels/*.cu)))
CUDA_LIBRARY = $(abspath $(dir $(shell command -v $(NVCC)))/../lib64)
CUDA_LIBRARIES = -Xlinker -rpath=$(CUDA_LIBRARY) -ldl # cuBLAS is loaded when it is needed
LINK = $(NVCC) -cudart static -Xcompiler -fopenmp
else
CUDA_OBJECTS = build/host/no_cuda.o
LINK = $(CC) -fopenmp
endif

CFLAGS = -std=gnu11 -g $(OPTFLAGS) -fopenmp $(WARNINGS) $(INCLUDES) $(LIBRARY_CFLAGS)
# What works on states is compiled for both precisions (kernels/real.h).
SINGLE_SOURCES = $(filter-out host/cpu_backend.c,$(wildcard host/cpu_*.c))
PROGRAM_SOURCES = $(addprefix host/,main.c check.c info.c options.c progress.c save.c summary.c)
LIBRARY_SOURCES = $(filter-out $(PROGRAM_SOURCES) host/no_cuda.c host/transport_%.c,$(wildcard host/*.c)) host/$(TRANSPORT).c
PROGRAM_OBJECTS = $(PROGRAM_SOURCES:host/%.c=build/host/%.o)
LIBRARY_OBJECTS = $(LIBRARY_SOURCES:host/%.c=build/host/%.o) $(CUDA_OBJECTS) $(SINGLE_SOURCES:host/%.c=build/host/%_single.o)

.PHONY: all help deps demo demo-run test test-run fuzz lint memcheck racecheck bench figures install uninstall clean say-what
all: say-what build/nanolase build/libnanolase.a

say-what:
	@test -n "$(HDF5)" || { echo "HDF5 is missing: run scripts/install-deps.sh" >&2; exit 1; }
	@test -n "$(MPI_LIBRARIES)" && echo "MPI: $(MPICC)" || echo "no mpicc: building for one process only"
	@test -n "$(NVCC)" && echo "CUDA: $(NVCC) for architectures $(ARCHS)" || echo "no nvcc: building for the CPU only"

# With or without CUDA, for which devices, and MPI: what depends on that is made again when it changes.
WITH = printf '%s\n' "$(NVCC)" "$(ARCHS)" "$(MPI_LIBRARIES)"
build/with: FORCE
	@mkdir -p build && $(WITH) | cmp -s - $@ || $(WITH) >$@
.PHONY: FORCE

build/nanolase: $(PROGRAM_OBJECTS) build/libnanolase.a
	$(LINK) -o $@ $^ $(LIBRARIES) $(CUDA_LIBRARIES)

build/libnanolase.a: $(LIBRARY_OBJECTS) build/with
	rm -f $@ && ar rcs $@ $(LIBRARY_OBJECTS)

build/host/%.o: host/%.c | build/host
	$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

build/host/%_single.o: host/%.c | build/host
	$(CC) $(CFLAGS) -DNL_FLOAT -MMD -MP -c $< -o $@

# What names the commit is made again when that changes.
build/commit: FORCE
	@mkdir -p build && echo "$(COMMIT)" | cmp -s - $@ || echo "$(COMMIT)" >$@
build/host/info.o build/host/result_write.o build/host/save.o: build/commit
build/host/info.o build/host/result_write.o build/host/save.o: CFLAGS += -DNL_COMMIT='"$(COMMIT)"'

build/host/transport_mpi.o: CFLAGS += $(MPI_CFLAGS)
build/sanitized/transport_mpi.o: SANITIZED_CFLAGS += $(MPI_CFLAGS)

build/cuda/%.o: kernels/%.cu $(wildcard kernels/*.h include/nanolase/*.h) build/with | build/cuda
	$(NVCC) $(NVCCFLAGS) -c $< -o $@

build/cuda/%_single.o: kernels/%.cu $(wildcard kernels/*.h include/nanolase/*.h) build/with | build/cuda
	$(NVCC) $(NVCCFLAGS) -DNL_FLOAT -c $< -o $@

# ---- tests: every C test twice, with the CPU backend and CUDA as built, and under the sanitizers with the .cu files
# ---- compiled for the CPU by tests/cuda_on_cpu.h

SANITIZE = -O1 -g -fsanitize=address,undefined,float-cast-overflow -fno-sanitize-recover=undefined -fno-omit-frame-pointer
SANITIZED_CFLAGS = -std=gnu11 $(SANITIZE) -fno-var-tracking-assignments -fopenmp $(WARNINGS) $(INCLUDES) -Itests $(LIBRARY_CFLAGS)
SANITIZED_OBJECTS = $(LIBRARY_SOURCES:host/%.c=build/sanitized/%.o) $(SINGLE_SOURCES:host/%.c=build/sanitized/%_single.o) \
                    $(foreach p,.o _single.o,$(patsubst kernels/%.cu,build/sanitized/cuda_%$(p),$(wildcard kernels/*.cu)))
CUDA_ON_CPU_FLAGS = -std=c++17 $(SANITIZE) -fno-var-tracking-assignments $(WARNINGS) -DNL_CUDA_ON_CPU $(INCLUDES) -Itests -x c++
TEST_SOURCES = $(wildcard tests/test_*.c)
TESTS = $(TEST_SOURCES:tests/%.c=build/tests/%) $(TEST_SOURCES:tests/%.c=build/sanitized/%) \
        $(patsubst tests/%.cpp,build/sanitized/%,$(wildcard tests/test_*.cpp))
TEST_LIBRARIES = -lcmocka $(LIBRARIES)

build/tests/%: tests/%.c build/libnanolase.a $(wildcard tests/*.h) | build/tests
	$(CC) $(CFLAGS) -Itests -c $< -o $@.o
	$(LINK) -o $@ $@.o build/libnanolase.a $(TEST_LIBRARIES) $(CUDA_LIBRARIES)

build/sanitized/%.o: host/%.c | build/sanitized
	$(CC) $(SANITIZED_CFLAGS) -MMD -MP -c $< -o $@

build/sanitized/%_single.o: host/%.c | build/sanitized
	$(CC) $(SANITIZED_CFLAGS) -DNL_FLOAT -MMD -MP -c $< -o $@

build/sanitized/cuda_%.o: kernels/%.cu $(wildcard kernels/*.h include/nanolase/*.h tests/cuda_on_cpu*.h) | build/sanitized
	$(CXX) $(CUDA_ON_CPU_FLAGS) -c $< -o $@

build/sanitized/cuda_%_single.o: kernels/%.cu $(wildcard kernels/*.h include/nanolase/*.h tests/cuda_on_cpu*.h) | build/sanitized
	$(CXX) $(CUDA_ON_CPU_FLAGS) -DNL_FLOAT -c $< -o $@

build/sanitized/libnanolase.a: $(SANITIZED_OBJECTS) build/with
	rm -f $@ && ar rcs $@ $(SANITIZED_OBJECTS)

build/sanitized/nanolase: $(PROGRAM_SOURCES:host/%.c=build/sanitized/%.o) build/sanitized/libnanolase.a
	$(CXX) $(SANITIZE) -fopenmp -o $@ $^ $(LIBRARIES)

build/sanitized/test_%: tests/test_%.c build/sanitized/libnanolase.a $(wildcard tests/*.h) | build/sanitized
	$(CC) $(SANITIZED_CFLAGS) -DNL_SANITIZED -c $< -o $@.test.o
	$(CXX) $(SANITIZE) -fopenmp -o $@ $@.test.o build/sanitized/libnanolase.a $(TEST_LIBRARIES)

build/sanitized/test_%: tests/test_%.cpp $(wildcard tests/*.h) | build/sanitized
	$(CXX) -std=c++17 $(SANITIZE) $(WARNINGS) -DNL_CUDA_ON_CPU -Itests $< -o $@ -lcmocka

# ---- hostile input: make test replays what tests/fuzz/ has, make fuzz looks for more with clang's libFuzzer. What it finds
# ---- goes to build/fuzz/, and what it learns to build/fuzz/corpus_*, where the next run goes on.

FUZZ_SECONDS ?= 600
FUZZ_CC ?= clang
FUZZ_TARGETS = $(patsubst tests/fuzz/%.c,build/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
FUZZ_SANITIZE = $(SANITIZE) -fno-sanitize-recover=all
FUZZ_CFLAGS = -std=gnu11 $(FUZZ_SANITIZE) -fsanitize=fuzzer-no-link $(WARNINGS) -Wno-unknown-pragmas $(INCLUDES) -Itests \
              $(LIBRARY_CFLAGS)
# What input reaches before anything is solved; the rest is the library's own.
FUZZ_SOURCES = $(wildcard $(addprefix host/,config*.c axis.c error.c plan.c plan_resources.c laser.c observables.c *phase.c \
               *phase_model.c amplitude*.c lindblad*.c dimer*.c radii_model.c tableau.c chebyshev.c stencil.c hierarchy.c place.c \
               new_file.c h5.c result*.c))
FUZZ_OBJECTS = $(patsubst host/%.c,build/fuzz/%.o,$(filter-out host/cpu_%,$(FUZZ_SOURCES)))

build/fuzz/%.o: host/%.c | build/fuzz
	$(FUZZ_CC) $(FUZZ_CFLAGS) -DNL_COMMIT='"fuzz"' -MMD -MP -c $< -o $@

build/fuzz/fuzz_%: tests/fuzz/fuzz_%.c tests/fuzz/fuzz.h $(FUZZ_OBJECTS) build/libnanolase.a
	$(FUZZ_CC) $(FUZZ_CFLAGS) -c $< -o $@.main.o
	$(FUZZ_CC) $(FUZZ_SANITIZE) -fsanitize=fuzzer -o $@ $@.main.o $(FUZZ_OBJECTS) build/libnanolase.a $(LIBRARIES) -lgomp \
	    $(CUDA_STATIC_LIBRARIES)

fuzz: build/nanolase $(FUZZ_TARGETS)
	scripts/fuzz.sh $(FUZZ_SECONDS) $(FUZZ_TARGETS)

# ---- static analysis, and valgrind where MARCH=x86-64-v2 built for it

lint:
	scripts/lint.sh
MEMCHECKED = config result step phase lindblad relax multigrid fuzz_config fuzz_result
memcheck: $(MEMCHECKED:%=build/tests/test_%)
	scripts/memcheck.sh $^

# ---- data races: by clang's ThreadSanitizer, which knows clang's OpenMP runtime (and not gcc's)

RACE_CC ?= clang
RACE_CFLAGS = -std=gnu11 -O1 -g -fsanitize=thread -fopenmp $(WARNINGS) -Wno-pass-failed $(INCLUDES) -Itests \
              $(LIBRARY_CFLAGS) -DNL_COMMIT='"race"'
RACE_SOURCES = $(filter-out host/transport_%.c,$(LIBRARY_SOURCES)) host/transport_none.c host/no_cuda.c
RACE_OBJECTS = $(RACE_SOURCES:host/%.c=build/race/%.o) $(SINGLE_SOURCES:host/%.c=build/race/%_single.o)
RACE_TESTS = backend lindblad_backend amplitude_backend dimer phase_direct

build/race/%.o: host/%.c | build/race
	$(RACE_CC) $(RACE_CFLAGS) -MMD -MP -c $< -o $@

build/race/%_single.o: host/%.c | build/race
	$(RACE_CC) $(RACE_CFLAGS) -DNL_FLOAT -MMD -MP -c $< -o $@

build/race/nanolase: $(PROGRAM_SOURCES:host/%.c=build/race/%.o) $(RACE_OBJECTS)
	$(RACE_CC) -fsanitize=thread -fopenmp -o $@ $^ $(LIBRARIES)

build/race/test_%: tests/test_%.c $(RACE_OBJECTS) $(wildcard tests/*.h)
	$(RACE_CC) $(RACE_CFLAGS) -c $< -o $@.o
	$(RACE_CC) -fsanitize=thread -fopenmp -o $@ $@.o $(RACE_OBJECTS) $(TEST_LIBRARIES)

racecheck: build/race/nanolase $(RACE_TESTS:%=build/race/test_%)
	scripts/racecheck.sh $^

# What is missing is installed first; the rest runs in a second make, which then finds it.
test: deps
	@$(MAKE) --no-print-directory test-run
test-run: all $(TESTS) build/sanitized/nanolase build/sanitized/bench_cuda
	tests/run.sh $(TESTS)

# ---- what users run

deps:
	@scripts/install-deps.sh

demo: deps
	@$(MAKE) --no-print-directory demo-run
demo-run: all
	build/nanolase run configs/quickstart.ini -o build/quickstart.h5
	build/nanolase show build/quickstart.h5
	$$(scripts/find-python.sh) scripts/figures.py build/quickstart.h5 -d build/figures

FIGURES = fig3 fig4 fig5a fig5b fig5c fig6-gutzwiller fig6-selfconsistent fig7 figB1a-qubit figB1a-photon figB1b gap \
          gap-threshold
SCALING = fig4d critical-scaling # drawn by their own script
LEVELS = phase phase-selfconsistent amplitude gutzwiller gutzwiller-qubit dimer # levels.ini at each, by another
build/%.h5: configs/%.ini build/nanolase
	build/nanolase run $< -o $@
figures: deps
	@$(MAKE) --no-print-directory figures-run
build/levels/levels.png: configs/levels.ini build/nanolase scripts/compare_levels.py
	$$(scripts/find-python.sh) scripts/compare_levels.py $< build/nanolase -d build/levels
figures-run: all $(FIGURES:%=build/%.h5) $(SCALING:%=build/%.h5) build/levels/levels.png
	$$(scripts/find-python.sh) scripts/figures.py $(FIGURES:%=build/%.h5) -d build/figures
	for name in $(SCALING); do $$(scripts/find-python.sh) scripts/critical_exponent.py build/$$name.h5 -d build/figures || exit; done
	cp build/levels/levels.png build/figures/
	$$(scripts/find-python.sh) scripts/gallery.py $(FIGURES:%=build/%.h5) $(SCALING:%=build/%.h5) \
	    $(LEVELS:%=build/levels/levels-%.h5) -d build/figures

# ---- benchmarks

BENCHES = $(patsubst benchmarks/%.c,build/bench/%,$(wildcard benchmarks/bench_*.c))
build/bench/%: benchmarks/%.c build/libnanolase.a $(wildcard benchmarks/*.h) | build/bench
	$(CC) $(CFLAGS) -c $< -o $@.o
	$(LINK) -o $@ $@.o build/libnanolase.a $(LIBRARIES) $(CUDA_LIBRARIES)

# Of the CUDA backend: where there is nvcc; and on the CPU, for the tests (bench_cuda --check).
BENCH_CUDA_C = $(wildcard benchmarks/cuda/*.c)
BENCH_CUDA_CU = $(wildcard benchmarks/cuda/*.cu)
BENCH_CUDA_HEADERS = $(wildcard benchmarks/cuda/*.h benchmarks/bench.h kernels/*.h include/nanolase/*.h)
build/bench/cuda/%.o: benchmarks/cuda/%.c $(BENCH_CUDA_HEADERS) | build/bench/cuda
	$(CC) $(CFLAGS) -c $< -o $@
build/bench/cuda/%.cu.o: benchmarks/cuda/%.cu $(BENCH_CUDA_HEADERS) build/with | build/bench/cuda
	$(NVCC) $(NVCCFLAGS) -c $< -o $@
build/bench/bench_cuda: $(BENCH_CUDA_C:benchmarks/cuda/%.c=build/bench/cuda/%.o) \
                        $(BENCH_CUDA_CU:benchmarks/cuda/%.cu=build/bench/cuda/%.cu.o) build/libnanolase.a
	$(LINK) -o $@ $^ $(LIBRARIES) $(CUDA_LIBRARIES)

build/sanitized/bench_cuda_%.o: benchmarks/cuda/%.c $(BENCH_CUDA_HEADERS) | build/sanitized
	$(CC) $(SANITIZED_CFLAGS) -c $< -o $@
build/sanitized/bench_cuda_%.cu.o: benchmarks/cuda/%.cu $(BENCH_CUDA_HEADERS) $(wildcard tests/cu*.h) | build/sanitized
	$(CXX) $(CUDA_ON_CPU_FLAGS) -c $< -o $@
build/sanitized/bench_cuda: $(BENCH_CUDA_C:benchmarks/cuda/%.c=build/sanitized/bench_cuda_%.o) \
                            $(BENCH_CUDA_CU:benchmarks/cuda/%.cu=build/sanitized/bench_cuda_%.cu.o) build/sanitized/libnanolase.a
	$(CXX) $(SANITIZE) -fopenmp -o $@ $^ $(LIBRARIES)

bench: all $(BENCHES) $(if $(NVCC),build/bench/bench_cuda)
	scripts/bench.sh

# ---- installation: PREFIX is where it will be used, DESTDIR goes before it while a package is made

PREFIX ?= /usr/local
TREE = $(DESTDIR)$(PREFIX)
HEADERS = $(wildcard include/nanolase/*.h) kernels/portable.h host/config.def
INSTALLED = bin/nanolase lib/libnanolase.a lib/pkgconfig/nanolase.pc include/nanolase.h include/nanolase share/nanolase \
            share/man/man1/nanolase.1 share/bash-completion/completions/nanolase
CUDA_STATIC_LIBRARIES = $(if $(NVCC),-L$(CUDA_LIBRARY) -Wl$(comma)-rpath$(comma)$(CUDA_LIBRARY) -lcudart_static -lstdc++ -lpthread -ldl -lrt)

# The archive is static, so what it needs stands under Libs, not Libs.private.
build/nanolase.pc: host/version.h Makefile build/with
	@printf '%s\n' 'prefix=$${pcfiledir}/../..' 'libdir=$${prefix}/lib' 'includedir=$${prefix}/include' '' \
	    'Name: nanolase' 'Description: Time-domain solver for coupled nanolasers' \
	    'Version: $(shell sed -n 's/.*NL_VERSION "\(.*\)"/\1/p' host/version.h)' \
	    'Requires: $(HDF5) inih lapacke $(CBLAS)' 'Cflags: -I$${includedir}' \
	    'Libs: -L$${libdir} -lnanolase $(filter %_hl,$(LIBRARIES)) $(MPI_LIBRARIES) -fopenmp $(CUDA_STATIC_LIBRARIES) -lm' >$@

install: all build/nanolase.pc
	install -d $(addprefix "$(TREE)"/,bin lib/pkgconfig include/nanolase share/nanolase/configs share/man/man1 \
	    share/bash-completion/completions)
	install -m 755 build/nanolase "$(TREE)"/bin/
	install -m 644 build/libnanolase.a "$(TREE)"/lib/
	install -m 644 build/nanolase.pc "$(TREE)"/lib/pkgconfig/
	install -m 644 include/nanolase.h "$(TREE)"/include/
	install -m 644 $(HEADERS) "$(TREE)"/include/nanolase/
	install -m 644 configs/*.ini "$(TREE)"/share/nanolase/configs/
	install -m 644 scripts/nanolase_reader.py "$(TREE)"/share/nanolase/
	install -m 644 scripts/nanolase.1 "$(TREE)"/share/man/man1/
	install -m 644 scripts/nanolase-completion.bash "$(TREE)"/share/bash-completion/completions/nanolase

uninstall:
	rm -rf $(addprefix "$(TREE)"/,$(INSTALLED))

build/host build/cuda build/tests build/sanitized build/bench build/bench/cuda build/fuzz build/race:
	mkdir -p $@

clean:
	rm -rf build

help:
	@echo "make            build/nanolase and build/libnanolase.a"
	@echo "make demo       installs what is missing, builds, runs configs/quickstart.ini and draws it"
	@echo "make test       installs what is missing, builds, runs all tests"
	@echo "make fuzz       looks for input that breaks a promise, FUZZ_SECONDS (600) for each target; needs clang"
	@echo "make lint       static analysis by what is installed of clang-tidy, gcc's analyzer, cppcheck, shellcheck and pyflakes"
	@echo "make memcheck   the core of the tests under valgrind; after make clean, with MARCH=x86-64-v2"
	@echo "make racecheck  tests and every kind of run under clang's ThreadSanitizer; needs clang and libomp-dev"
	@echo "make figures    runs and draws the paper's figures and the spectral gap: build/figures/index.html"
	@echo "make bench      benchmarks: operators, the CUDA backend where it is, and time to steady state against other ways"
	@echo "make install    program, library, headers, man page, completion and configs into PREFIX (/usr/local)"
	@echo "make uninstall  takes them away again"
	@echo "make clean      removes build/"
	@echo "variables       NVCC= (CPU only), MPI=no (one process only), MPICC, CUDA_ARCHS=\"80 90\", MARCH=x86-64-v3, CC, CXX, PREFIX, DESTDIR"

.SECONDARY:
-include $(wildcard build/host/*.d build/sanitized/*.d build/fuzz/*.d build/race/*.d)
