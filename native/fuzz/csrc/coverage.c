/* Counts the calls that `-fsanitize-coverage=trace-pc` puts into each branch of C code.
 *
 * libFuzzer has a function of that name, which ends the program; the linker is told (--wrap, in
 * build.rs) to take this one. This file itself must not be instrumented: see build.rs. */
#include <stddef.h>
#include <stdint.h>

#define COUNTERS (1u << 15)

/* libFuzzer reads and clears what lies in this section. */
__attribute__((used, section("__libfuzzer_extra_counters"))) static uint8_t counters[COUNTERS];

void __wrap___sanitizer_cov_trace_pc(void) {
    uintptr_t place = (uintptr_t)__builtin_return_address(0);
    /* Fibonacci hashing: neighbouring branches get counters that are far apart. */
    counters[(uint32_t)((uint32_t)place * 2654435769u) >> 17]++;
}

size_t biobench_coverage_counters(void) { return COUNTERS; }
